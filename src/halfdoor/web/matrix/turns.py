"""Turns: whoever reads, changes and writes back does so alone, one person's data at a time."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each person who changes something just now, and for nobody else."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, user: str) -> asyncio.Lock:
        """The lock of *user*; it lives as long as somebody holds it or waits for it."""
        lock = self._locks.get(user)
        if lock is None:
            lock = self._locks[user] = asyncio.Lock()
        return lock
