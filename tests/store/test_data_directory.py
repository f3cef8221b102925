"""A data directory belongs to one process at a time, and says clearly why it does not open."""

import os
from pathlib import Path

import pytest
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, found
from tests.store.programs import run_program

from halfdoor.store.errors import (
    DamagedStoreError,
    DataInUseError,
    OuterKeyError,
    StoreUnavailableError,
)
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.sqlite.opening import open_store


async def test_a_directory_in_use_is_refused_by_the_process_that_has_it(
    embedded: SqliteHouse,
) -> None:
    await found(embedded.store, ALICE, BOB)
    with pytest.raises(DataInUseError, match=rf"in use by process {os.getpid()}: stop it first"):
        open_store(embedded.data, embedded.key, two_files=embedded.two_files)
    at = await found(embedded.store, ALICE, BOB)
    assert at.head.last_seq == 3


async def test_another_process_is_refused_too_and_the_lock_ends_with_its_owner(
    embedded: SqliteHouse,
) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from halfdoor.store.sqlite.lockfile import DirectoryLock\n"
        "DirectoryLock(Path(sys.argv[1]))\n"
    )
    held = run_program(program, embedded.data)
    assert "DataInUseError" in held.stderr
    await embedded.store.close()
    assert run_program(program, embedded.data).returncode == 0
    await embedded.open()


async def test_a_refused_start_lets_the_directory_go(embedded: SqliteHouse) -> None:
    await embedded.store.close()
    wrong = outer_key_file(embedded.folder / "other.key", embedded.data, make=True)
    with pytest.raises(OuterKeyError):
        open_store(embedded.data, wrong, two_files=embedded.two_files)
    await embedded.open()


async def test_a_damaged_file_is_named_as_such(embedded: SqliteHouse) -> None:
    await found(embedded.store, ALICE, BOB)
    await embedded.store.close()
    for path in embedded.store.paths:
        path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    with pytest.raises(DamagedStoreError, match="restore the last good backup"):
        await embedded.open()


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    key = outer_key_file(tmp_path / "outer.key", tmp_path / "file" / "data", make=True)
    with pytest.raises(StoreUnavailableError, match="cannot be made"):
        open_store(tmp_path / "file" / "data", key)


async def test_directory_and_files_are_their_owners_alone(embedded: SqliteHouse) -> None:
    await found(embedded.store, ALICE, BOB)
    paths = [embedded.data, *embedded.data.iterdir()]
    assert len(paths) > 4
    assert [path.name for path in paths if path.stat().st_mode & 0o077] == []


async def test_closing_twice_is_closing_once(embedded: SqliteHouse) -> None:
    await embedded.store.close()
    await embedded.store.close()
