"""The public log in SQLite, as `transparency.log_store` promises it."""

import sqlite3
from collections.abc import Sequence
from typing import Final, final

from halfdoor.store.log_rows import LOG_BUCKET, heads_of, places, state_of
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.statements import statements
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.log_store import LogState, Waiting

_SQL: Final = statements("log")


@final
class SqliteLog:
    """A `LogStore` on the people's side."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, origin: str) -> LogState:
        """Begin the log *origin*, or return where it stands; `StoppedError` for another origin."""

        def write(con: sqlite3.Connection) -> LogState:
            con.execute(_SQL["begin"], (LOG_BUCKET, origin))
            state = _state(con)
            if state is None or state.origin != origin:
                raise StoppedError("this house has a log of another origin, for ever")
            return state

        return await self._database.write(write)

    async def state(self) -> LogState | None:
        """Return where the log stands, None before it began."""
        return await self._database.read(_state)

    async def offer(self, waiting: Sequence[Waiting]) -> None:
        """Keep leaves until they have their place; those that are known are left as they are."""

        def write(con: sqlite3.Connection) -> None:
            [(serial,)] = con.execute(_SQL["last_serial"], (LOG_BUCKET,))
            rows = [
                (LOG_BUCKET, one.id, number, one.leaf)
                for number, one in enumerate(waiting, serial + 1)
            ]
            con.executemany(_SQL["offer"], rows)

        await self._database.write(write)

    async def waiting(self, limit: int) -> list[Waiting]:
        """Return leaves without a place, oldest first."""

        def read(con: sqlite3.Connection) -> list[Waiting]:
            return [Waiting(*row) for row in con.execute(_SQL["waiting"], (LOG_BUCKET, limit))]

        return await self._database.read(read)

    async def advance(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Give *placed* their places and stand at *new*; False where the log moved on."""

        def write(con: sqlite3.Connection) -> bool:
            if not _moved(con, old, new):
                return False
            con.executemany(_SQL["set_place"], places(old.size, placed))
            return True

        return await self._database.write(write)

    async def leaves(self, begin: int, end: int) -> list[bytes]:
        """Return the leaves at [begin, end), all of which have their place."""

        def read(con: sqlite3.Connection) -> list[bytes]:
            return [leaf for (leaf,) in con.execute(_SQL["leaves"], (LOG_BUCKET, begin, end))]

        return await self._database.read(read)

    async def place(self, id: bytes) -> int | None:
        """Return the index of the leaf with this id, None while it waits or is not known."""

        def read(con: sqlite3.Connection) -> int | None:
            row = con.execute(_SQL["place"], (LOG_BUCKET, id)).fetchone()
            return None if row is None else row[0]

        return await self._database.read(read)

    async def publish(self, size: int, checkpoint: bytes, day: int) -> bool:
        """Make *checkpoint* the newest and its day's last; False where a larger one is."""

        def write(con: sqlite3.Connection) -> bool:
            values = (size, checkpoint, LOG_BUCKET, size, size)
            if con.execute(_SQL["publish"], values).rowcount == 0:
                return False
            con.execute(_SQL["set_day"], (LOG_BUCKET, day, checkpoint))
            return True

        return await self._database.write(write)

    async def day_checkpoint(self, day: int) -> bytes | None:
        """Return the last checkpoint that was published on *day*."""

        def read(con: sqlite3.Connection) -> bytes | None:
            row = con.execute(_SQL["day"], (LOG_BUCKET, day)).fetchone()
            return None if row is None else row[0]

        return await self._database.read(read)

    async def rebuild(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Stand at *new* after leaves that were lost here; False where the log moved on."""
        await self.offer(placed)
        return await self.advance(old, new, placed)


def _state(con: sqlite3.Connection) -> LogState | None:
    row = con.execute(_SQL["head"], (LOG_BUCKET,)).fetchone()
    return None if row is None else state_of(row)


def _moved(con: sqlite3.Connection, old: LogState, new: LogState) -> bool:
    values = (new.size, heads_of(new), LOG_BUCKET, old.size)
    return con.execute(_SQL["advance"], values).rowcount == 1
