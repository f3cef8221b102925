"""Rows out of a backup into fresh database files, which nobody has opened yet."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from halfdoor.store.backup.disk import sync
from halfdoor.store.backup.origins import Origin
from halfdoor.store.backup.schema import embedded_columns, table_names
from halfdoor.store.backup.source import Table
from halfdoor.store.errors import DamagedStoreError
from halfdoor.store.migrate import migrate
from halfdoor.store.sqlite.connect import named

_CACHE_KIB: Final = 64_000


async def fill(paths: tuple[Path, Path], origin: Origin) -> None:
    """Make the files of both sides, which may be one, with all rows of *origin*.

    Nothing is durable before the end: a run that was killed has to begin anew, elsewhere.
    `StoreUnavailableError` where the disk does not take them.
    """
    first, second = paths
    migrate(first, None if first == second else second, upto=origin.schema)
    for path in dict.fromkeys(paths):
        here = [t for t in origin.tables if path == paths[0 if t.side == "conversations" else 1]]
        try:
            await _fill_file(path, here, origin)
        except sqlite3.Error as error:
            raise named(error) from error
        sync(path)


def check_file(path: Path) -> None:
    """Have SQLite read every page of *path*; `DamagedStoreError` if one is not as it must be."""
    con = sqlite3.connect(path)
    try:
        ((said,),) = con.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()
    if said != "ok":
        raise DamagedStoreError(f"{path} was not written as it should be: check the disk")


async def _fill_file(path: Path, tables: Sequence[Table], origin: Origin) -> None:
    con = sqlite3.connect(path, isolation_level=None)
    try:
        # The file is nobody's until it is complete, so it needs no log: that halves the work.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            con.execute(f"PRAGMA {pragma}").close()
        indexes = _indexes(con, table_names(con))
        for name, _ in indexes:
            con.execute(f"DROP INDEX {name}")
        for table in tables:
            await _fill_table(con, table, origin)
        # An index made at the end is sorted once, and compact.
        for _, made in indexes:
            con.execute(made)
    finally:
        con.close()


async def _fill_table(con: sqlite3.Connection, table: Table, origin: Origin) -> None:
    names = ", ".join(embedded_columns(table))
    values = ", ".join("?" * len(table.columns))
    con.execute("BEGIN")
    # Some migrations write rows of their own; the copy has them, and perhaps with other values.
    con.execute(f"DELETE FROM {table.name}")  # noqa: S608 - the names are our own migrations'
    insert = f"INSERT INTO {table.name} ({names}) VALUES ({values})"  # noqa: S608 - the same
    async for rows in origin.rows(table):
        con.executemany(insert, rows)
    con.execute("COMMIT")


def _indexes(con: sqlite3.Connection, ours: Sequence[str]) -> list[tuple[str, str]]:
    rows = con.execute(
        "SELECT name, sql, tbl_name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    )
    return [(name, made) for name, made, table in rows.fetchall() if table in ours]
