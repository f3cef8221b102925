"""Witnesses as a log reaches them."""

from typing import Protocol

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """What a witness said: the status of HTTP, and the body."""

    status: int
    body: bytes


class Peer(Protocol):
    """The way to one witness."""

    async def add_checkpoint(self, body: bytes) -> Answer:
        """Send a request and return the answer; `NoAnswerError` where none came in time."""

    async def newest(self, origin: str) -> Answer:
        """Return the newest checkpoint it vouched for, 404 where there is none."""


class NoAnswerError(Exception):
    """A witness cannot be reached, or did not answer in time."""
