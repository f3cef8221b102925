"""The public log in PostgreSQL, as `transparency.log_store` promises it."""

from collections.abc import Sequence
from typing import Any, Final, final

from halfdoor.store.log_rows import LOG_BUCKET, heads_of, places, state_of
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.statements import statements
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.log_store import LogState, Waiting

_SQL: Final = statements("log")


@final
class PostgresLog:
    """A `LogStore` on the people's side; several nodes may offer and sequence."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, origin: str) -> LogState:
        """Begin the log *origin*, or return where it stands; `StoppedError` for another origin."""

        async def write(con: Connection) -> LogState:
            await con.execute(_SQL["begin"], LOG_BUCKET, origin)
            state = state_of(await con.fetchrow(_SQL["locked"], LOG_BUCKET))
            if state.origin != origin:
                raise StoppedError("this house has a log of another origin, for ever")
            return state

        return await self._database.write(write)

    async def state(self) -> LogState | None:
        """Return where the log stands, None before it began."""
        rows = await self._fetch("head", LOG_BUCKET)
        return state_of(rows[0]) if rows else None

    async def offer(self, waiting: Sequence[Waiting]) -> None:
        """Keep leaves until they have their place; those that are known are left as they are."""

        async def write(con: Connection) -> None:
            # Serial numbers are given one caller after the other.
            if await con.fetchrow(_SQL["locked"], LOG_BUCKET) is None:
                raise StoppedError("the log was not begun: `halfdoor log init`")
            serial = await con.fetchval(_SQL["last_serial"], LOG_BUCKET)
            rows = [
                (LOG_BUCKET, one.id, number, one.leaf)
                for number, one in enumerate(waiting, serial + 1)
            ]
            await con.executemany(_SQL["offer"], rows)

        await self._database.write(write)

    async def waiting(self, limit: int) -> list[Waiting]:
        """Return leaves without a place, oldest first."""
        rows = await self._fetch("waiting", LOG_BUCKET, limit)
        return [Waiting(bytes(name), bytes(leaf)) for name, leaf in rows]

    async def advance(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Give *placed* their places and stand at *new*; False where the log moved on."""

        async def write(con: Connection) -> bool:
            done = await con.execute(_SQL["advance"], new.size, heads_of(new), LOG_BUCKET, old.size)
            if not done.endswith(" 1"):
                return False
            await con.executemany(_SQL["set_place"], places(old.size, placed))
            return True

        return await self._database.write(write)

    async def leaves(self, begin: int, end: int) -> list[bytes]:
        """Return the leaves at [begin, end), all of which have their place."""
        return [bytes(leaf) for (leaf,) in await self._fetch("leaves", LOG_BUCKET, begin, end)]

    async def place(self, id: bytes) -> int | None:
        """Return the index of the leaf with this id, None while it waits or is not known."""
        rows = await self._fetch("place", LOG_BUCKET, id)
        return rows[0][0] if rows else None

    async def publish(self, size: int, checkpoint: bytes, day: int) -> bool:
        """Make *checkpoint* the newest and its day's last; False where a larger one is."""

        async def write(con: Connection) -> bool:
            done = await con.execute(_SQL["publish"], size, checkpoint, LOG_BUCKET, size, size)
            if not done.endswith(" 1"):
                return False
            await con.execute(_SQL["set_day"], LOG_BUCKET, day, checkpoint)
            return True

        return await self._database.write(write)

    async def day_checkpoint(self, day: int) -> bytes | None:
        """Return the last checkpoint that was published on *day*."""
        rows = await self._fetch("day", LOG_BUCKET, day)
        return bytes(rows[0][0]) if rows else None

    async def rebuild(self, old: LogState, new: LogState, placed: Sequence[Waiting]) -> bool:
        """Stand at *new* after leaves that were lost here; False where the log moved on."""
        await self.offer(placed)
        return await self.advance(old, new, placed)

    async def _fetch(self, name: str, *values: Any) -> list[Any]:
        async def read(con: Connection) -> list[Any]:
            rows: list[Any] = await con.fetch(_SQL[name], *values)
            return rows

        return await self._database.read(read)
