"""Files in PostgreSQL: steps are done in a transaction of their own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, final

from halfdoor.store.media_steps import Row, Steps
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

T = TypeVar("T")
_SQL: Final = statements("media")
_SWEEP: Final = statements("media_maintenance")


@final
class PostgresMediaRows:
    """A `MediaRows`. Errors are those of `Database`."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self.keys = keys

    async def ready_month(self) -> int:
        """Return the generation of the current month; its key is durable."""
        return await self.keys.ready_month(self._database)

    async def run(self, make: Callable[[], Steps[T]]) -> T:
        """Do what *make* returns in one transaction on the people's side, durably."""
        return await self._database.write(lambda con: _drive(con, make()))

    async def ask(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement about people's files."""
        return await self._rows(_SQL[name], values, Side.PEOPLE)

    async def ask_conversation(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement about a conversation."""
        return await self._rows(_SQL[name], values, Side.CONVERSATIONS)

    async def sweep(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement that goes over all files."""
        return await self._rows(_SWEEP[name], values, Side.PEOPLE)

    async def put_under(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Put the sealed parts of files under another key, where they are as they were."""

        async def write(con: Connection) -> None:
            await con.executemany(_SWEEP["put_under"], rows)

        await self._database.write(write)

    async def with_newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; where a row does not open, once more with the newest keys."""
        return await self.keys.with_newest(self._database, ask)

    async def _rows(self, statement: str, values: tuple[Any, ...], side: Side) -> Sequence[Row]:
        async def read(con: Connection) -> list[Row]:
            return [tuple(row) for row in await con.fetch(statement, *values)]

        return await self._database.read(read, side)


async def _drive(con: Connection, steps: Steps[T]) -> T:
    """Do the statements that *steps* asks for, and return its outcome."""
    rows: Sequence[Row] | None = None
    while True:
        try:
            name, values = next(steps) if rows is None else steps.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result
        rows = [tuple(row) for row in await con.fetch(_SQL[name], *values)]
