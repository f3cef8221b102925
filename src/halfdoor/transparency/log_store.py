"""What the log needs of a database and of a place for files.

Every write is durable before it returns. The database holds the head, since files cannot be
compared and set; the files hold what is published and never changes.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class LogState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a log stands.

    `size` leaves have their place; `heads` are the frontier's hashes at that size. Of them
    `published` are covered by `checkpoint`, the newest that a quorum cosigned (b"" before it).
    """

    origin: str
    size: int = 0
    heads: tuple[bytes, ...] = ()
    published: int = 0
    checkpoint: bytes = b""


class Waiting(msgspec.Struct, frozen=True):
    """A leaf that has no place yet, and its `leaf_id`: the same again is one leaf."""

    id: bytes
    leaf: bytes


class LogStore(Protocol):
    """The database's side of one log."""

    async def begin(self, origin: str) -> LogState:
        """Begin the log *origin*, or return where it stands; `StoppedError` for another origin."""

    async def state(self) -> LogState | None:
        """Return where the log stands, None before it began."""

    async def offer(self, waiting: Sequence[Waiting]) -> None:
        """Keep leaves until they have their place; those whose id is known are left as they are."""

    async def waiting(self, limit: int) -> list[Waiting]:
        """Return leaves without a place, oldest first."""

    async def advance(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Give *placed* their places from `old.size` on and stand at *new*, in one transaction.

        False, and nothing is written, where the log no longer stands at `old.size`.
        """

    async def leaves(self, begin: int, end: int) -> list[bytes]:
        """Return the leaves at [begin, end), all of which have their place."""

    async def place(self, id: bytes) -> int | None:
        """Return the index of the leaf with this id, None while it waits or is not known."""

    async def publish(self, size: int, checkpoint: bytes, day: int) -> bool:
        """Make *checkpoint* the newest, and the one that *day* ends with.

        False, and nothing is written, where a larger one is published.
        """

    async def day_checkpoint(self, day: int) -> bytes | None:
        """Return the last checkpoint that was published on *day*."""

    async def rebuild(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Stand at *new* after leaves that files hold and this database lost, or never placed.

        False, and nothing is written, where the log no longer stands at `old.size`.
        """


class ReadFiles(Protocol):
    """Files that somebody wrote: tiles, bundles, documents."""

    async def read(self, path: str) -> bytes | None:
        """Return a file, None where there is none."""


class LogFiles(ReadFiles, Protocol):
    """Files that are written once."""

    async def create(self, path: str, data: bytes) -> None:
        """Write a file that is not there; `StoppedError` where it is there with other bytes."""
