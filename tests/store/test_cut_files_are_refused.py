"""A file that was cut, emptied or lost is refused before SQLite could make it worse."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, found

from halfdoor.store.errors import DamagedStoreError, SchemaError
from halfdoor.store.sqlite.opening import has_data
from halfdoor.store.sqlite.wholeness import check_sound, check_whole


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A database of a few pages, closed."""
    path = tmp_path / "a.db"
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("PRAGMA journal_mode=WAL")
    con.execute("CREATE TABLE t (x)")
    con.executemany("INSERT INTO t VALUES (?)", [(bytes(900),)] * 40)
    con.close()
    return path


def log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def test_a_file_that_was_cut_anywhere_is_refused_and_left_alone(whole: Path) -> None:
    content = whole.read_bytes()

    @given(st.integers(1, len(content) - 1))
    @settings(max_examples=60)
    def check(length: int) -> None:
        whole.write_bytes(content[:length])
        with pytest.raises(DamagedStoreError, match="was cut off"):
            check_whole(whole)
        assert whole.read_bytes() == content[:length]

    check()


def test_an_empty_file_is_refused_and_not_taken_for_a_new_one(whole: Path) -> None:
    os.truncate(whole, 0)
    with pytest.raises(DamagedStoreError, match=r"is empty: .* restore the last good backup"):
        check_whole(whole)


def test_a_log_without_its_file_is_refused_and_kept(whole: Path) -> None:
    whole.rename(log_of(whole))
    with pytest.raises(DamagedStoreError, match="is missing, though its log is there"):
        check_whole(whole)
    assert log_of(whole).exists()


def test_damaged_pages_are_found_by_reading_all(whole: Path) -> None:
    check_sound(whole)
    content = whole.read_bytes()
    whole.write_bytes(content[:4096] + b"\xa5" * 4096 + content[8192:])
    check_whole(whole)
    with pytest.raises(DamagedStoreError, match="restore the last good backup"):
        check_sound(whole)


def test_a_file_that_is_not_there_yet_is_no_damage(tmp_path: Path) -> None:
    check_whole(tmp_path / "a.db")


async def test_a_file_whose_end_is_in_its_log_is_whole(embedded: SqliteHouse) -> None:
    for _ in range(20):
        await found(embedded.store, ALICE, BOB)
    # What a power cut leaves: file and log as they are.
    left = embedded.folder / "left"
    shutil.copytree(embedded.data, left)
    await embedded.store.close()
    shutil.rmtree(embedded.data)
    left.rename(embedded.data)
    assert log_of(embedded.store.paths[0]).stat().st_size
    await embedded.open()


async def test_a_store_of_which_only_the_log_is_left_has_data(embedded: SqliteHouse) -> None:
    await embedded.store.close()
    for path in set(embedded.store.paths):
        path.rename(log_of(path))
    assert has_data(embedded.data)
    with pytest.raises(DamagedStoreError, match="its log is there"):
        await embedded.open()
    for path in set(embedded.store.paths):
        log_of(path).rename(path)
    await embedded.open()


async def test_a_half_finished_migration_is_named_and_undone(embedded: SqliteHouse) -> None:
    await embedded.store.close()
    path = embedded.store.paths[0]
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("DELETE FROM _yoyo_migration")
    con.execute("PRAGMA user_version = 1")
    con.close()
    before = path.read_bytes()
    with pytest.raises(SchemaError, match=r"already exists\); nothing was changed"):
        await embedded.open()
    assert path.read_bytes() == before
