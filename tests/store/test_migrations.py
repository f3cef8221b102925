"""Every schema that was ever released comes forward whole, or stays as it was."""

import shutil
import signal
import sqlite3
import tomllib
from pathlib import Path

import pytest
from tests.store.dump_release import CONV, RELEASED, SAMPLE_KEY
from tests.store.making import ALICE, BOB
from tests.store.programs import ROOT, run_program

from halfdoor.store import migrate as migrating
from halfdoor.store.errors import (
    DamagedStoreError,
    NewerSchemaError,
    StoreUnavailableError,
)
from halfdoor.store.migrate import migrate, migration_files
from halfdoor.store.sqlite.audit import chains
from halfdoor.store.sqlite.opening import database_paths, open_store

DUMPS = sorted(path for path in RELEASED.iterdir() if path.is_dir())


def schema(path: Path) -> list[tuple[str, str, str]]:
    con = sqlite3.connect(path)
    rows = con.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    found = sorted((kind, name, " ".join(sql.split())) for kind, name, sql in rows)
    con.close()
    return found


def user_version(path: Path) -> int:
    con = sqlite3.connect(path)
    (number,) = con.execute("PRAGMA user_version").fetchone()
    con.close()
    return int(number)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations, to which a test may add."""
    copy = tmp_path / "migrations"
    shutil.copytree(Path(str(migrating._FOLDERS)), copy)
    monkeypatch.setattr(migrating, "_FOLDERS", copy)
    return copy


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    migrate(path)
    con = sqlite3.connect(path)
    con.execute("PRAGMA user_version = 900")
    con.close()
    before = path.read_bytes()
    with pytest.raises(NewerSchemaError, match="start that version, or restore a backup"):
        migrate(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no database at all, " * 300, bytes(8192)])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="restore the last good backup"):
        migrate(path)
    assert path.read_bytes() == content


def test_a_directory_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be opened"):
        migrate(tmp_path / "missing" / "a.db")


def test_a_migration_that_fails_leaves_nothing_of_any(tmp_path: Path, folders: Path) -> None:
    path = tmp_path / "a.db"
    migrate(path)
    before, number = schema(path), user_version(path)
    good, bad = folders / "people" / "0998_good.sql", folders / "people" / "0999_bad.sql"
    good.write_text("CREATE TABLE good (ub INTEGER PRIMARY KEY);\n")
    bad.write_text("CREATE TABLE half (ub INTEGER);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(path)
    assert (schema(path), user_version(path)) == (before, number)
    bad.write_text("CREATE TABLE whole (ub INTEGER);\n")
    migrate(path)
    assert user_version(path) == 999
    assert {name for _, name, _ in schema(path)} >= {"good", "whole"}


def test_a_kill_in_the_middle_of_a_migration_is_made_good_by_the_next_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from halfdoor.store import yoyo_backend; from halfdoor.store.migrate import migrate\n"
        "def die(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        "yoyo_backend.OneTransaction.mark_one = die\n"
        "migrate(Path(sys.argv[1]))\n"
    )
    assert run_program(program, path).returncode == -signal.SIGKILL
    assert user_version(path) == 0
    assert not [name for _, name, _ in schema(path) if name == "conv"]
    migrate(path)
    migrate(tmp_path / "fresh.db")
    assert schema(path) == schema(tmp_path / "fresh.db")


def test_a_file_up_to_date_is_opened_without_the_migration_tool(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    migrate(path)
    program = (
        "import sys; from pathlib import Path; from halfdoor.store.migrate import migrate\n"
        "migrate(Path(sys.argv[1])); sys.exit('yoyo' in sys.modules)"
    )
    assert run_program(program, path).returncode == 0


def test_a_path_with_strange_letters_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a ?#%20;.db"
    migrate(path)
    assert [one.name.split("-")[0] for one in tmp_path.iterdir()] == [path.name]


def test_neither_machine_nor_user_is_written_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    migrate(path)
    con = sqlite3.connect(path)
    assert con.execute("SELECT count(*) FROM _yoyo_log").fetchone() == (0,)
    con.close()


def test_migrations_are_numbered_once_over_both_sides() -> None:
    numbers = [file.name.split("_")[0] for file in migration_files()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == "0001"


def test_the_release_at_hand_has_its_dump() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] in [path.name for path in DUMPS]


@pytest.mark.parametrize("two_files", [False, True])
@pytest.mark.parametrize("release", [path.name for path in DUMPS])
async def test_a_released_database_comes_forward_with_what_it_holds(
    release: str, two_files: bool, tmp_path: Path
) -> None:
    data, fresh = tmp_path / "data", tmp_path / "fresh"
    data.mkdir()
    fresh.mkdir()
    for path in set(database_paths(data, two_files=two_files)):
        con = sqlite3.connect(path)
        con.executescript((RELEASED / release / f"{path.stem}.sql").read_text())
        con.close()
    store = open_store(data, SAMPLE_KEY, two_files=two_files)
    assert [(report.ok, report.detail) for report in chains(store)] == [(True, "6 events")]
    room = await store.conversations.room(CONV)
    assert room is not None
    assert len(room.receipts) == 1
    assert [record.late_index for record in await store.conversations.epochs(CONV, BOB, [2])] == [0]
    assert [place.membership for place in await store.mailbox.places(BOB)] == ["invite"]
    assert [one.type for one in await store.mailbox.account_data(BOB)] == ["m.direct"]
    assert (await store.mailbox.contact(ALICE, BOB)).sent == 1
    await store.close()
    migrate(*database_paths(fresh, two_files=two_files))
    for path in set(database_paths(data, two_files=two_files)):
        assert schema(path) == schema(fresh / path.name)
        assert user_version(path) == user_version(fresh / path.name)
