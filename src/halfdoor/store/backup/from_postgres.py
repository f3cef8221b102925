"""One moment of a house in PostgreSQL, read while its servers run (SCALE §1)."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final, final

import asyncpg

from halfdoor.store.backup.errors import BackupError
from halfdoor.store.backup.schema import COUNTERS, RESTORES, tables
from halfdoor.store.backup.source import Rows, Table
from halfdoor.store.errors import DamagedStoreError, StoreError, StoreUnavailableError
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.connect import Connection, named, open_one
from halfdoor.store.postgres.migrate import read_schema
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("server_maintenance")
_AT_ONCE: Final = 1000
_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Every database, with the sides that live in it.
Places = Sequence[tuple[Address, tuple[str, ...]]]


@final
class PostgresSnapshot:
    """Reads both sides as they stood when `postgres_snapshot` was entered."""

    store = "postgres"

    def __init__(self, connections: dict[str, Connection], schema: int) -> None:
        self._con = connections
        self.schema = schema
        self.tables = tables(schema)

    async def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return all rows of *table* in the order of its key."""
        con = self._con[table.side]
        try:
            cursor = await con.cursor(await self._question(con, table))
            while batch := await cursor.fetch(_AT_ONCE):
                yield [tuple(row) for row in batch]
        except asyncpg.PostgresError as error:
            raise refused(error) from error

    async def _question(self, con: Connection, table: Table) -> str:
        if table == COUNTERS:
            # The words are our own here, and everywhere below.
            return f"SELECT '{RESTORES}', restores FROM lineage WHERE restores > 0"  # noqa: S608
        kinds = dict(await con.fetch(_SQL["columns"], quoted(table.name)))
        missing = [column for column in table.columns if column not in kinds]
        if missing:
            raise DamagedStoreError(
                f"the table {table.name} is not as schema {self.schema} makes it: the database is"
                " damaged; stop, keep a copy, and restore the last good backup"
            )
        names = [f"{quoted(n)}::integer" if kinds[n] else quoted(n) for n in table.columns]
        keys = await con.fetch(_SQL["key_columns"], quoted(table.name))
        order = ", ".join(quoted(name) for (name,) in keys)
        return f"SELECT {', '.join(names)} FROM {quoted(table.name)} ORDER BY {order}"  # noqa: S608


def quoted(name: str) -> str:
    """Return *name*, one of our own migrations, as a statement may hold it: some are keywords."""
    return f'"{name}"'


@contextlib.asynccontextmanager
async def postgres_snapshot(places: Places) -> AsyncIterator[PostgresSnapshot]:
    """Yield one moment of the house in *places*.

    `NewerSchemaError`, `DamagedStoreError`, `StoreUnavailableError`. While it is held, the server
    keeps what was deleted since.
    """
    opened: list[Connection] = []
    try:
        try:
            connections, schema = await _begin(places, opened)
        except asyncpg.PostgresError as error:
            raise refused(error) from error
        yield PostgresSnapshot(connections, schema)
    finally:
        for con in opened:
            await con.close()


async def _begin(places: Places, opened: list[Connection]) -> tuple[dict[str, Connection], int]:
    """Open a connection to each place that sees one moment; the moments fit together."""
    still = None
    if len(places) > 1:
        # While nobody writes to the outbox, what people were told and what they are still to be
        # told fit together, as after a crash: the restored house tells the rest, once.
        still = await _open(places[0][0], opened)
        await still.execute("BEGIN")
        await still.execute(_SQL["wait_for_writers"])
        await still.execute(_SQL["hold_outbox_still"])
    found: dict[str, Connection] = {}
    schemas = []
    for address, sides in places:
        con = await _open(address, opened)
        await con.execute(_MOMENT)
        # The moment is that of the first look.
        schemas.append(await read_schema(con, sides))
        found |= dict.fromkeys(sides, con)
    if still is not None:
        await still.execute("ROLLBACK")
    return found, max(schemas)


async def _open(address: Address, opened: list[Connection]) -> Connection:
    con = await open_one(address)
    opened.append(con)
    # Whatever a server allows a request: a copy takes as long as it takes.
    await con.execute(_SQL["take_time_between"])
    await con.execute(_SQL["take_time_within"])
    return con


def refused(error: asyncpg.PostgresError) -> BaseException:
    """Return the error of ours for what the server said, without the row it may have said it of."""
    found = named(error)
    if isinstance(found, StoreError):
        return found
    if isinstance(error, asyncpg.LockNotAvailableError):
        return StoreUnavailableError(
            "the servers of this database left no moment to begin in: run the same command again"
        )
    return BackupError(f"PostgreSQL refused it ({error.args[0]}): check the rights of this user")
