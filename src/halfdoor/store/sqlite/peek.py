"""One row as the file holds it, for whoever wants to see what a thief would."""

import sqlite3
from pathlib import Path
from typing import Final

from halfdoor.ids import bucket
from halfdoor.store.sqlite.connect import open_reader
from halfdoor.store.sqlite.events import id_bytes
from halfdoor.store.sqlite.opening import database_paths
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("timeline")


def event_row(data_dir: Path, conv: str, event_id: str) -> bytes:
    """Return the sealed column of one event, read from the file without any key.

    `KeyError` where there is no such event.
    """
    con = open_reader(database_paths(data_dir)[0])
    try:
        return _sealed(con, conv, event_id)
    finally:
        con.close()


def _sealed(con: sqlite3.Connection, conv: str, event_id: str) -> bytes:
    cb = bucket(conv)
    number = con.execute(_SQL["number"], (cb, conv)).fetchone()
    row = number and con.execute(_SQL["by_id"], (cb, number[0], id_bytes(event_id), 0)).fetchone()
    if not row:
        raise KeyError(event_id)
    sealed: bytes = row[2]
    return sealed
