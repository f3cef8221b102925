"""After a clean stop everything is in the database file: whoever copies that has it all."""

import sqlite3
from pathlib import Path

import pytest

from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.lanes import Side


def _make(con: sqlite3.Connection) -> None:
    con.execute("CREATE TABLE IF NOT EXISTS made (word TEXT)")


def _count(con: sqlite3.Connection) -> int:
    (found,) = con.execute("SELECT count(*) FROM made").fetchone()
    return int(found)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("two_files", [False, True])
async def test_closing_leaves_no_log_beside_the_file(tmp_path: Path, two_files: bool) -> None:
    files = ["conversations.db", "people.db"] if two_files else ["conversations.db"]
    database = Database(tmp_path / files[0], tmp_path / files[-1])
    for side in Side:
        await database.write(_make, side)
        assert await database.read(_count, side) == 0
    assert f"{files[0]}-wal" in _names(tmp_path)
    await database.close()
    assert _names(tmp_path) == files
    for name in files:
        with sqlite3.connect(tmp_path / name) as con:
            assert _count(con) == 0
