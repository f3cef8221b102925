"""Key backups in SQLite: steps are done in the writer's thread, each a transaction of its own."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, final

import msgspec

from halfdoor.store.key_backup_steps import Pairs, Put, Row, Steps
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

T = TypeVar("T")
_SQL: Final = statements("key_backups")


@final
class SqliteKeyBackups:
    """A `KeyBackupDriver`. Errors are those of `Database`."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self.keys = keys

    async def run(self, make: Callable[[], Steps[T]]) -> T:
        """Do what *make* returns in one transaction, durably."""
        return await self._database.write(lambda con: _drive(con, make()))

    async def ask(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement."""
        return await self._database.read(lambda con: con.execute(_SQL[name], values).fetchall())

    async def with_newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns: nobody else makes keys of an embedded store."""
        return await ask()


def _drive(con: sqlite3.Connection, steps: Steps[T]) -> T:
    """Do the statements that *steps* asks for, and return its outcome."""
    rows: Sequence[Row] | None = None
    while True:
        try:
            step = next(steps) if rows is None else steps.send(rows)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Put):
            con.executemany(_SQL[step.name], step.rows)
            rows = ()
        else:
            rows = con.execute(_SQL[step.name], _bound(step.values)).fetchall()


def _bound(values: tuple[Any, ...]) -> list[Any]:
    """Return *values* as the driver takes them: pairs as JSON."""
    return [
        msgspec.json.encode(list(zip(*one, strict=True))).decode()
        if isinstance(one, Pairs)
        else one
        for one in values
    ]
