"""The migration tool's view of one SQLite file: all migrations in one transaction, or none."""

import sqlite3
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

from yoyo.backends.core.sqlite3 import SQLiteBackend
from yoyo.connections import parse_uri


class OneTransaction(SQLiteBackend):  # type: ignore[misc]
    """Uses the connection it is given, and closes it at the end.

    By itself the tool commits a migration and then, apart from it, the note that it was
    applied; a kill between the two would stop every later start.
    """

    def __init__(self, con: sqlite3.Connection) -> None:
        self._given = con
        super().__init__(parse_uri("sqlite://"), "_yoyo_migration")

    def connect(self, dburi: Any) -> sqlite3.Connection:
        """Return the given connection."""
        return self._given

    def copy(self) -> AbstractContextManager[Self]:
        """Run a migration's steps on this connection, within its transaction."""
        return nullcontext(self)

    def lock(self, timeout: float = 10) -> AbstractContextManager[None]:
        """Take no lock: the data directory's own lock is held, and it cannot be left behind."""
        return nullcontext()

    def log_migration(self, migration: Any, operation: str) -> None:
        """Keep no log: it would hold the names of the machine and of who started it."""
