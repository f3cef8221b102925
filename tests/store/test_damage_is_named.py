"""A damaged database says that it is, and what to do, wherever the damage is met first."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, chains, event, found, say

from halfdoor.store.errors import DamagedStoreError
from halfdoor.store.postgres.connect import is_unavailable, named

ADVICE = "restore the last good backup"


async def furnished(embedded: SqliteHouse) -> str:
    """Let people write enough that no table fits into a few pages; return the conversation."""
    at = await found(embedded.store, ALICE, BOB)
    for _ in range(10):
        at = await say(embedded.store, at, *(event(at.conv, ALICE, (BOB,)) for _ in range(20)))
    await embedded.store.close()
    return at.conv


def root_page(path: Path, table: str) -> tuple[int, int]:
    """Return where a table begins in the file, and how large a page is."""
    con = sqlite3.connect(path)
    (page,) = con.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    (size,) = con.execute("PRAGMA page_size").fetchone()
    con.close()
    return (page - 1) * size, size


async def test_a_page_that_went_bad_is_named_by_whoever_reads_it(embedded: SqliteHouse) -> None:
    conv = await furnished(embedded)
    path = embedded.store.paths[0]
    start, size = root_page(path, "event")
    content = bytearray(path.read_bytes())
    content[start : start + size] = b"\xa5" * size
    path.write_bytes(content)
    store = await embedded.open()
    with pytest.raises(DamagedStoreError, match=ADVICE):
        await store.conversations.events(conv, after=0, before=99, limit=9, newest_first=False)
    with pytest.raises(DamagedStoreError, match=ADVICE):
        await chains(store)
    # Nobody writes over it in the belief that it is empty.
    assert path.stat().st_size == len(content)


async def test_a_file_that_was_cut_off_is_refused_and_left_alone(embedded: SqliteHouse) -> None:
    await furnished(embedded)
    path = embedded.store.paths[0]
    content = path.read_bytes()
    half = content[: len(content) // 8192 * 4096]
    path.write_bytes(half)
    with pytest.raises(DamagedStoreError, match=ADVICE):
        await embedded.open()
    assert path.read_bytes() == half
    path.write_bytes(content)
    await embedded.open()


@pytest.mark.parametrize("error", [asyncpg.DataCorruptedError, asyncpg.IndexCorruptedError])
def test_damage_that_the_server_reports_is_named_and_no_request_is_tried_again(
    error: type[asyncpg.PostgresError],
) -> None:
    said = named(error("invalid page in block 7 of relation base/5/16401"))
    assert isinstance(said, DamagedStoreError)
    assert ADVICE in str(said)
    assert is_unavailable(said)
