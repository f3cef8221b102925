"""One moment of an embedded house, read while its server may run (SCALE §1)."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self, final

from halfdoor.store.backup.schema import (
    FLOOR,
    STREAMS,
    embedded_columns,
    newest_schema,
    tables,
)
from halfdoor.store.backup.source import Rows, Table
from halfdoor.store.errors import DamagedStoreError, NewerSchemaError
from halfdoor.store.sqlite.connect import BUSY_MS, named
from halfdoor.store.sqlite.wholeness import check_whole

_AT_ONCE: Final = 1000
_NEWEST: Final = "coalesce((SELECT max(pos) FROM inbox WHERE ub = s.ub AND u = s.u), 0)"


@final
class SqliteSnapshot:
    """Reads both sides as they stood when it was made.

    *paths* are the files of the conversations' and the people's side, which may be one. What is
    written meanwhile stays in the database's log until this is closed.
    """

    store = "sqlite"

    def __init__(self, paths: tuple[Path, Path]) -> None:
        """Begin to read; `NewerSchemaError`, `DamagedStoreError`, `StoreUnavailableError`."""
        for path in paths:
            check_whole(path)
        self._opened: list[sqlite3.Connection] = []
        try:
            self._con = self._begin(paths)
            self.schema = self._check_schema(paths)
            self.tables = tables(self.schema)
            self._check_tables()
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise named(error) from error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the moment."""
        for con in self._opened:
            con.close()

    async def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return all rows of *table* in the order in which they lie."""
        names = embedded_columns(table)
        if table.section == STREAMS:
            # The position is that of the newest row, but never less than the floor.
            names[names.index(FLOOR)] = f"max({FLOOR}, {_NEWEST})"
        # The names are those of our own migrations.
        asked = f"SELECT {', '.join(names)} FROM {table.name} AS s"  # noqa: S608
        try:
            cursor = self._con[table.side].execute(asked)
            while batch := cursor.fetchmany(_AT_ONCE):
                yield batch
        except sqlite3.Error as error:
            raise named(error) from error

    def _begin(self, paths: tuple[Path, Path]) -> dict[str, sqlite3.Connection]:
        first, second = paths
        if first == second:
            con = self._reading(first)
            return {"conversations": con, "people": con}
        # While nobody writes to the outbox, what people were told and what they are still to be
        # told fit together, as after a crash: the restored house tells the rest, once.
        still = self._connect(first)
        still.execute("BEGIN IMMEDIATE")
        conversations, people = self._reading(first), self._reading(second)
        still.execute("ROLLBACK")
        return {"conversations": conversations, "people": people}

    def _reading(self, path: Path) -> sqlite3.Connection:
        con = self._connect(path)
        con.execute("PRAGMA query_only=ON")
        con.execute("BEGIN")
        # The moment is that of the first look.
        con.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return con

    def _connect(self, path: Path) -> sqlite3.Connection:
        # Not read-only: who opens a database read-only leaves files beside it at the end.
        con = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
        )
        self._opened.append(con)
        return con

    def _check_schema(self, paths: tuple[Path, Path]) -> int:
        schema, known = 0, newest_schema()
        for path, con in zip(paths, self._con.values(), strict=True):
            (version,) = con.execute("PRAGMA user_version").fetchone()
            if version > known:
                raise NewerSchemaError(
                    f"{path} was written by a newer Halfdoor (schema {version}, this one knows"
                    f" {known}): use that version"
                )
            schema = max(schema, version)
        return schema

    def _check_tables(self) -> None:
        """Refuse a database that is not what its version says."""
        for table in self.tables:
            asked = self._con[table.side].execute(
                "SELECT name FROM pragma_table_info(?)", (table.name,)
            )
            there = {column for (column,) in asked}
            if not there.issuperset(embedded_columns(table)):
                raise DamagedStoreError(
                    f"the table {table.name} is not as schema {self.schema} makes it: the database"
                    " is damaged; stop, keep a copy, and restore the last good backup"
                )
