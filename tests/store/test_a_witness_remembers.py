"""A witness's memory: kept before it answers, for one witness alone, and never begun anew."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from halfdoor.store.errors import StoreUnavailableError, WitnessMemoryError
from halfdoor.store.witness_memory import WitnessMemory

OWN = "w.example/1+00000000+BAAA"
ORIGIN = "example.com/access"


def begun(folder: Path) -> Path:
    path = folder / "w" / "memory.db"
    WitnessMemory.create(path, OWN)
    return path


def test_a_witness_without_its_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WitnessMemoryError, match="second history"):
        WitnessMemory.open(tmp_path / "memory.db", OWN)


def test_a_memory_is_never_begun_anew(tmp_path: Path) -> None:
    path = begun(tmp_path)
    before = path.read_bytes()
    with pytest.raises(WitnessMemoryError, match="never begun anew"):
        WitnessMemory.create(path, OWN)
    assert path.read_bytes() == before


def test_the_memory_of_another_witness_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WitnessMemoryError, match="another witness"):
        WitnessMemory.open(begun(tmp_path), "w.example/2+00000000+BAAA")


@pytest.mark.parametrize(
    "content", [b"", b"not a database, but long enough to be read as one" * 99]
)
def test_a_file_that_is_no_memory_is_refused(tmp_path: Path, content: bytes) -> None:
    path = begun(tmp_path)
    path.write_bytes(content)
    with pytest.raises(WitnessMemoryError):
        WitnessMemory.open(path, OWN)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    con = sqlite3.connect(path)
    con.execute("CREATE TABLE witness (vkey TEXT)")
    con.close()
    with pytest.raises(WitnessMemoryError, match="no memory"):
        WitnessMemory.open(path, OWN)


def test_a_creation_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "memory.db.new").write_bytes(b"half of it")
    assert [one.name for one in begun(tmp_path).parent.iterdir()] == ["memory.db"]


def test_nobody_else_can_read_a_memory(tmp_path: Path) -> None:
    assert begun(tmp_path).stat().st_mode & 0o077 == 0


async def test_a_checkpoint_is_kept_only_in_place_of_the_one_that_was_seen(tmp_path: Path) -> None:
    memory = WitnessMemory.open(begun(tmp_path), OWN)
    assert await memory.newest(ORIGIN) is None
    assert not await memory.replace(ORIGIN, b"never was", b"1")
    assert await memory.newest(ORIGIN) is None
    assert await memory.replace(ORIGIN, None, b"1")
    assert not await memory.replace(ORIGIN, None, b"2")
    assert not await memory.replace(ORIGIN, b"0", b"2")
    assert not await memory.replace(ORIGIN, b"2", b"2")
    assert await memory.newest(ORIGIN) == b"1"
    assert await memory.replace(ORIGIN, b"1", b"1")
    assert await memory.replace(ORIGIN, b"1", b"2")
    assert await memory.newest("other.example/log") is None
    memory.close()


async def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    path = begun(tmp_path)
    # Two processes that share the file are no more than two connections to SQLite.
    both = [WitnessMemory.open(path, OWN) for _ in range(2)]
    new = [b"%d" % number for number in range(10)]
    won = await asyncio.gather(
        *(both[number % 2].replace(ORIGIN, None, one) for number, one in enumerate(new))
    )
    assert won.count(True) == 1
    assert await both[0].newest(ORIGIN) == new[won.index(True)]
    for one in both:
        one.close()


async def test_what_was_kept_is_there_for_whoever_opens_it_next(tmp_path: Path) -> None:
    path = begun(tmp_path)
    memory = WitnessMemory.open(path, OWN)
    await memory.replace(ORIGIN, None, b"1")
    await memory.keep_evidence(ORIGIN, b"1", b"2")
    await memory.keep_evidence(ORIGIN, b"1", b"2")
    memory.close()
    again = WitnessMemory.open(path, OWN)
    assert await again.newest(ORIGIN) == b"1"
    assert await again.origins() == [ORIGIN]
    assert await again.evidence() == [(ORIGIN, b"1", b"2")]
    again.close()


async def test_a_log_that_forks_for_sport_does_not_fill_the_disk(tmp_path: Path) -> None:
    memory = WitnessMemory.open(begun(tmp_path), OWN)
    for number in range(130):
        await memory.keep_evidence(ORIGIN, b"1", b"%d" % number)
    await memory.keep_evidence("other.example/log", b"1", b"2")
    assert len(await memory.evidence()) == 101
    memory.close()


async def test_a_memory_that_somebody_holds_is_unavailable_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfdoor.store.witness_memory._BUSY_SECONDS", 0.0)
    path = begun(tmp_path)
    memory = WitnessMemory.open(path, OWN)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError):
        await memory.replace(ORIGIN, None, b"1")
    holder.execute("ROLLBACK")
    holder.close()
    assert await memory.newest(ORIGIN) is None
    memory.close()
