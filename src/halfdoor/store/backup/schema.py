"""The tables of a schema as the migrations make them: what a backup has to hold of each side."""

import sqlite3
from typing import Final

from halfdoor.store.backup.source import Table
from halfdoor.store.migrate import migration_files, migration_number

SIDES: Final = ("conversations", "people")
# The counters of the people's side: embedded a table, in PostgreSQL one row of another table.
COUNTERS: Final = Table("people", "counter", ("name", "value"))
RESTORES: Final = "restores"
# Where somebody's stream stands: PostgreSQL keeps the position, and so does a backup; the embedded
# store keeps a floor under the position of the newest inbox row.
STREAMS: Final = "people.ustream"
POSITION, FLOOR = "pos", "floor"


def tables(schema: int) -> tuple[Table, ...]:
    """Return the tables of both sides after the migrations up to number *schema*."""
    return tuple(table for side in SIDES for table in _side(side, schema))


def newest_schema() -> int:
    """Return the number of the newest migration that this version knows."""
    return migration_number(migration_files()[-1].name)


def _side(side: str, schema: int) -> list[Table]:
    con = sqlite3.connect(":memory:")
    try:
        for file in migration_files((side,)):
            if migration_number(file.name) <= schema:
                con.executescript(file.read_text())
        return [_table(con, side, name) for name in table_names(con)]
    finally:
        con.close()


def table_names(con: sqlite3.Connection) -> list[str]:
    """Return the tables that are ours, neither SQLite's nor the migration tool's."""
    rows = con.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if not name.startswith(("sqlite_", "_yoyo", "yoyo_"))]


def _table(con: sqlite3.Connection, side: str, name: str) -> Table:
    columns = con.execute("SELECT name FROM pragma_table_info(?)", (name,))
    table = Table(side, name, tuple(column for (column,) in columns))
    if table.section == STREAMS:
        shared = tuple(POSITION if one == FLOOR else one for one in table.columns)
        return table._replace(columns=shared)
    return table


def embedded_columns(table: Table) -> list[str]:
    """Return the columns of *table* as the embedded store has them, in the order of a backup."""
    if table.section != STREAMS:
        return list(table.columns)
    return [FLOOR if one == POSITION else one for one in table.columns]
