"""After a restore every stream goes on at positions that no client has seen (SCALE §3)."""

import sqlite3
from pathlib import Path
from typing import Final

from halfdoor.store.sqlite.connect import open_writer
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("maintenance")


def read_restores(people: sqlite3.Connection) -> int:
    """Return how often the people's side was restored."""
    row = people.execute(_SQL["restores"]).fetchone()
    return 0 if row is None else row[0]


def count_restore(people_path: Path, least: int = 1) -> int:
    """Note that the people's side was restored from an older copy; return the new count.

    The count goes up by one, and to *least* if that is more.

    To be called on the restored file before it is opened again: clients hold positions that the
    copy has not given out yet, and without this the same positions would come a second time.
    """
    con = open_writer(people_path)
    try:
        con.execute(_SQL["count_restore"], (least,))
        return read_restores(con)
    finally:
        con.close()
