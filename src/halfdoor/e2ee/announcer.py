"""How everybody concerned hears that somebody's keys are others now (`device_lists` in sync)."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Changing:
    """A change of keys in the making; whoever makes it says whether it `happened`."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self.happened = False


class Announcer(Protocol):
    """Whoever tells of changed keys."""

    def changing(self, user: str, only: str | None = None) -> AbstractAsyncContextManager[Changing]:
        """Surround a write of the keys of *user*, of which *only* this person hears, else all.

        That it is to be told is durable before the write begins, so that no crash between the two
        leaves clients with keys that are no longer true.
        """
