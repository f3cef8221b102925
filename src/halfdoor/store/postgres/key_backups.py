"""Key backups in PostgreSQL: steps are done in a transaction of their own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, final

from halfdoor.store.key_backup_steps import Pairs, Put, Row, Steps
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

T = TypeVar("T")
_SQL: Final = statements("key_backups")


@final
class PostgresKeyBackups:
    """A `KeyBackupDriver`. Errors are those of `Database`."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self.keys = keys

    async def run(self, make: Callable[[], Steps[T]]) -> T:
        """Do what *make* returns in one transaction, durably."""
        return await self._database.write(lambda con: _drive(con, make()))

    async def ask(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement."""

        async def read(con: Connection) -> list[Row]:
            return [tuple(row) for row in await con.fetch(_SQL[name], *values)]

        return await self._database.read(read)

    async def with_newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; where a row does not open, once more with the newest keys."""
        return await self.keys.with_newest(self._database, ask)


async def _drive(con: Connection, steps: Steps[T]) -> T:
    """Do the statements that *steps* asks for, and return its outcome."""
    rows: Sequence[Row] | None = None
    while True:
        try:
            step = next(steps) if rows is None else steps.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Put):
            await con.executemany(_SQL[step.name], step.rows)
            rows = ()
        else:
            found = await con.fetch(_SQL[step.name], *_bound(step.values))
            rows = [tuple(row) for row in found]


def _bound(values: tuple[Any, ...]) -> list[Any]:
    """Return *values* as the driver takes them: pairs as two arrays."""
    found: list[Any] = []
    for one in values:
        found += [one.rooms, one.sessions] if isinstance(one, Pairs) else [one]
    return found
