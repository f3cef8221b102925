"""Rows into an empty PostgreSQL, which nobody may open before the copy is complete."""

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import asyncpg

from halfdoor.store.backup.errors import BackupError, OccupiedError
from halfdoor.store.backup.from_postgres import Places, postgres_snapshot, quoted, refused
from halfdoor.store.backup.origins import Origin
from halfdoor.store.backup.outcome import check_equal
from halfdoor.store.backup.schema import COUNTERS, RESTORES
from halfdoor.store.backup.source import Progress, Rows, Table, tallies
from halfdoor.store.errors import DataInUseError
from halfdoor.store.postgres.connect import Connection, open_one
from halfdoor.store.postgres.migrate import migrate, migration_files
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("server_maintenance")
_TABLE: Final = re.compile(r"^CREATE TABLE \"?(\w+)", re.MULTILINE)
# Tables in which a database that nobody ever used has a row.
_SEEDED: Final = {"schema_version", "lineage"}


@contextlib.asynccontextmanager
async def claimed(places: Places) -> AsyncIterator[list[Connection]]:
    """Keep every database of *places* for this process, and yield a connection to each.

    `OccupiedError` where one holds data that no unfinished copy left there, `DataInUseError` where
    another process copies into it. Nothing was changed by then.
    """
    opened: list[Connection] = []
    try:
        for address, _ in places:
            con = await open_one(address)
            opened.append(con)
            await con.execute(_SQL["take_time_within"])
            if not await con.fetchval(_SQL["take_copy"]):
                raise DataInUseError(
                    "another restore or move is at work on this database: wait for its end"
                )
        begun = [await con.fetchval(_SQL["has_unfinished_copy"]) for con in opened]
        if not any(begun):
            for con, (_, sides) in zip(opened, places, strict=True):
                await _check_empty(con, sides)
        yield opened
    finally:
        for con in opened:
            await con.close()


async def fill(
    connections: Sequence[Connection], places: Places, origin: Origin, progress: Progress
) -> None:
    """Copy all rows of *origin*, and compare what can be read back.

    From the first step until `complete` no server opens these databases. What an earlier run left
    half done is removed.
    """
    try:
        for con, (_, sides) in zip(connections, places, strict=True):
            await _clear(con, sides)
        for con, (address, sides) in zip(connections, places, strict=True):
            await migrate(address, sides, upto=origin.schema, unfinished=True)
            for table in origin.tables:
                if table.side in sides:
                    await _fill_table(con, table, origin)
    except asyncpg.PostgresError as error:
        raise refused(error) from error
    async with postgres_snapshot(places) as copy:
        check_equal(origin.figures(), await tallies(copy, progress))


async def complete(connections: Sequence[Connection]) -> None:
    """Let servers open the databases."""
    for con in connections:
        await con.execute(_SQL["end_copy"])


async def _check_empty(con: Connection, sides: Sequence[str]) -> None:
    for name in await _there(con, sides):
        # The words of these statements are those of our own migrations.
        rows = await con.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(name)})")  # noqa: S608
        if rows and name not in _SEEDED:
            raise OccupiedError(
                "the database holds data, and nothing is ever put over it: name an empty database,"
                " or move that one away yourself"
            )


async def _clear(con: Connection, sides: Sequence[str]) -> None:
    """Mark the database as unfinished, and remove all tables of ours: every one is empty."""
    async with con.transaction():
        await con.execute(_SQL["begin_copy"])
        for name in await _there(con, sides):
            await con.execute(f"DROP TABLE {quoted(name)}")


async def _there(con: Connection, sides: Sequence[str]) -> list[str]:
    """Return which tables of *sides* are there."""
    texts = [file.read_text() for side in sides for file in migration_files(side)]
    names = ["schema_version", *(name for text in texts for name in _TABLE.findall(text))]
    return [name for name in names if await con.fetch(_SQL["columns"], quoted(name))]


async def _fill_table(con: Connection, table: Table, origin: Origin) -> None:
    if table == COUNTERS:
        async for rows in origin.rows(table):
            await _count(con, rows)
        return
    kinds = dict(await con.fetch(_SQL["columns"], quoted(table.name)))
    booleans = [at for at, name in enumerate(table.columns) if kinds[name]]
    async for rows in origin.rows(table):
        try:
            await con.copy_records_to_table(
                table.name, records=_spelled(rows, booleans), columns=table.columns
            )
        except asyncpg.CharacterNotInRepertoireError:
            raise BackupError(
                f"a text in {table.section} holds a character that PostgreSQL cannot keep (NUL):"
                " this house has to stay in the embedded store"
            ) from None
    await con.execute(f"ANALYZE {quoted(table.name)}")


def _spelled(rows: Rows, booleans: Sequence[int]) -> Sequence[Sequence[Any]]:
    """Return *rows* with the booleans that PostgreSQL wants."""
    if not booleans:
        return rows
    found = []
    for row in rows:
        values = list(row)
        for at in booleans:
            values[at] = bool(values[at])
        found.append(values)
    return found


async def _count(con: Connection, rows: Rows) -> None:
    for name, value in rows:
        if name != RESTORES:
            raise BackupError(f"the counter {name} has no place in PostgreSQL in this version")
        await con.execute(_SQL["set_lineage"], value, "")
