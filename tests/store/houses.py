"""Houses: a store that can be closed, changed from outside, and opened again."""

import sqlite3
from pathlib import Path
from typing import Any, Protocol

from tests.store.making import StoppedClock, Store

from halfdoor.store.outerkey import OuterKeyFile, outer_key_file
from halfdoor.store.sqlite.opening import Store as SqliteStore
from halfdoor.store.sqlite.opening import open_store
from halfdoor.store.sqlite.restores import count_restore


class House(Protocol):
    """What tests may do to a store of any kind."""

    folder: Path
    data: Path
    clock: StoppedClock
    apart: bool  # The two sides have a database each.

    @property
    def store(self) -> Store:
        """The store that is open."""

    @property
    def key(self) -> OuterKeyFile:
        """The outer key of the house."""

    async def open(self) -> Store:
        """Open the store that was closed."""

    async def open_with(self, key: OuterKeyFile) -> Store:
        """Open the store, which is closed, with another outer key."""

    async def reopen(self) -> Store:
        """Close the store and open it again."""

    async def raw(self) -> bytes:
        """Return every byte of the files that hold rows."""

    async def contents(self) -> object:
        """Return all that is kept, to be compared."""

    async def change(self, statement: str, *values: object, people: bool = False) -> int:
        """Change rows as somebody would who can write the database; return how many."""

    async def ask(self, question: str, *values: object, people: bool = False) -> list[Any]:
        """Return the rows that a question finds."""

    async def count_restore(self) -> int:
        """Note, while the store is closed, that it was restored."""

    async def pull_down(self) -> None:
        """Close the store and remove what it left."""


class SqliteHouse:
    """A data directory."""

    def __init__(self, folder: Path, *, two_files: bool) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.apart = self.two_files = two_files
        self.clock = StoppedClock()
        self.store = self._open(self.key)

    @property
    def key(self) -> OuterKeyFile:
        return outer_key_file(self.folder / "keys" / "outer.key", self.data, make=True)

    async def open(self) -> SqliteStore:
        self.store = self._open(self.key)
        return self.store

    async def open_with(self, key: OuterKeyFile) -> SqliteStore:
        return self._open(key)

    async def reopen(self) -> SqliteStore:
        await self.store.close()
        return await self.open()

    async def raw(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted(self.data.iterdir()))

    async def contents(self) -> object:
        return await self.raw()

    async def change(self, statement: str, *values: object, people: bool = False) -> int:
        # While the store is closed, as a thief of the disk would.
        await self.store.close()
        with sqlite3.connect(self.store.paths[1 if people else 0]) as con:
            changed = con.execute(statement, values).rowcount
        con.close()
        await self.open()
        return changed

    async def ask(self, question: str, *values: object, people: bool = False) -> list[Any]:
        con = sqlite3.connect(self.store.paths[1 if people else 0])
        found = con.execute(question, values).fetchall()
        con.close()
        return found

    async def count_restore(self) -> int:
        return count_restore(self.store.paths[1])

    async def pull_down(self) -> None:
        await self.store.close()

    def _open(self, key: OuterKeyFile) -> SqliteStore:
        return open_store(self.data, key, two_files=self.two_files, clock=self.clock)
