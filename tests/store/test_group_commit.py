"""Many writes share a commit, and none of them answers for another."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, Store, chains, event, found, say

from halfdoor.ids import BadId
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.sqlite import commits
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.opening import Store as SqliteStore


class RefusedError(Exception):
    """What a function given to the store raises."""


def refuse(_con: sqlite3.Connection) -> None:
    raise RefusedError


@pytest.fixture(params=list(Side))
async def side(request: pytest.FixtureRequest, embedded: SqliteHouse) -> Side:
    made: Side = request.param
    await embedded.store.database.write(
        lambda con: con.execute("CREATE TABLE note (ub INTEGER PRIMARY KEY, words TEXT)"), made
    )
    return made


def put(number: int, words: str) -> object:
    return lambda con: con.execute("INSERT INTO note VALUES (?, ?)", (number, words))


def notes(con: sqlite3.Connection) -> list[int]:
    return [row[0] for row in con.execute("SELECT ub FROM note ORDER BY ub")]


async def test_a_function_that_raises_undoes_its_own_writes_only(
    embedded_store: SqliteStore, side: Side
) -> None:
    def half(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO note VALUES (7, '')")
        raise RefusedError

    outcomes = await asyncio.gather(
        embedded_store.database.write(put(1, "before"), side),  # type: ignore[arg-type]
        embedded_store.database.write(half, side),
        embedded_store.database.write(put(2, "after"), side),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], RefusedError)
    assert await embedded_store.database.read(notes, side) == [1, 2]


async def test_a_statement_that_fails_is_raised_where_it_was_asked(
    embedded_store: SqliteStore, side: Side
) -> None:
    await embedded_store.database.write(put(1, "first"), side)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        await embedded_store.database.write(put(1, "second"), side)  # type: ignore[arg-type]
    assert await embedded_store.database.read(notes, side) == [1]


async def test_a_poison_item_fails_alone(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    poison = event(at.conv, ALICE, (BOB,), event_id="$no-id-of-ours")
    good = [event(at.conv, ALICE, (BOB,)) for _ in range(6)]
    more = [store.database.write(refuse)] if isinstance(store, SqliteStore) else []
    outcomes = await asyncio.gather(
        *(say(store, at, one) for one in (*good[:3], poison, *good[3:])),
        store.mailbox.set_filter(BOB, b"{}"),
        *more,
        return_exceptions=True,
    )
    failed = [isinstance(one, Exception) for one in outcomes]
    assert failed == [False] * 3 + [True] + [False] * 4 + [True] * len(more)
    assert isinstance(outcomes[3], BadId)
    seqs = [row.seq for row in await store.mailbox.inbox(BOB, after=0, limit=99)]
    assert seqs == [3, 4, 5, 6, 7, 8, 9]
    assert [report.detail for report in await chains(store)] == ["9 events"]


async def test_a_caller_who_left_breaks_nobody_elses_write(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    writes = [asyncio.ensure_future(say(store, at, event(at.conv, ALICE))) for _ in range(4)]
    await asyncio.sleep(0)
    writes[1].cancel()
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    # The write itself was on its way: it is kept, and the next numbers follow it.
    assert [one.events[0].seq for one in done if not isinstance(one, BaseException)] == [4, 6, 7]
    assert [report.detail for report in await chains(store)] == ["7 events"]


async def test_when_the_disk_is_full_nobody_is_acknowledged_and_later_all_goes_on(
    embedded: SqliteHouse,
) -> None:
    store = embedded.store
    at = await found(store, ALICE, BOB)

    def limit(pages: str) -> object:
        return lambda con: con.execute(f"PRAGMA max_page_count={pages}").fetchone()

    for side in Side:
        await store.database.write(limit("1"), side)  # type: ignore[arg-type]
    big = b"\x01" + bytes(200_000)
    outcomes = await asyncio.gather(
        *(say(store, at, event(at.conv, ALICE, (BOB,), body=big)) for _ in range(3)),
        store.database.write(lambda con: con.execute("CREATE TABLE more (ub)")),
        return_exceptions=True,
    )
    assert all(isinstance(one, StoreUnavailableError) for one in outcomes)
    assert "the disk is full" in str(outcomes[0])
    for side in Side:
        await store.database.write(limit("1000000"), side)  # type: ignore[arg-type]
    said = await say(store, at, event(at.conv, ALICE, (BOB,), body=big))
    assert said.events[0].seq == 4
    assert len(await store.mailbox.inbox(BOB, after=0, limit=9)) == 2


async def test_a_reader_cannot_write(embedded_store: SqliteStore, side: Side) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        await embedded_store.database.read(put(1, "no"), side)  # type: ignore[arg-type]


async def test_a_reader_sees_one_moment(embedded_store: SqliteStore, side: Side) -> None:
    def twice(con: sqlite3.Connection) -> bool:
        first = notes(con)
        other = sqlite3.connect(embedded_store.paths[0 if side is Side.CONVERSATIONS else 1])
        with other:
            other.execute("INSERT INTO note VALUES (5, '')")
        other.close()
        return first == notes(con) == []

    assert await embedded_store.database.read(twice, side)
    assert await embedded_store.database.read(notes, side) == [5]


async def test_a_database_that_another_program_locks_is_unavailable(
    embedded: SqliteHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = embedded.store
    monkeypatch.setattr(commits, "BUSY_MS", 1)
    other = sqlite3.connect(store.paths[1], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="another program"):
        await store.mailbox.tell(ALICE, 3, "")
    other.execute("ROLLBACK")
    other.close()
    assert (await store.mailbox.tell(ALICE, 3, "")).pos == 1


async def test_how_much_waits_can_be_asked(store: Store) -> None:
    assert (store.waiting if isinstance(store, PostgresStore) else store.database.waiting) == 0


async def test_the_logs_are_emptied_unless_a_reader_needs_them(embedded: SqliteHouse) -> None:
    store = embedded.store
    await found(store, ALICE, BOB)

    def logs() -> int:
        return sum(Path(f"{path}-wal").stat().st_size for path in store.paths)

    def during(con: sqlite3.Connection) -> bool:
        con.execute("SELECT count(*) FROM conv").fetchone()
        asked = asyncio.run_coroutine_threadsafe(emptied_after_a_write(), loop)
        return asked.result()

    async def emptied_after_a_write() -> bool:
        await found(store, ALICE, BOB)
        return await store.database.checkpoint()

    loop = asyncio.get_running_loop()
    assert logs() > 0
    assert not await store.database.read(during, Side.CONVERSATIONS)
    assert await store.database.checkpoint()
    assert logs() == 0
