"""Many writes share a commit, and none of them answers for another."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.store.conftest import House
from tests.store.making import ALICE, BOB, event, found, say

from halfdoor.ids import BadId
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.sqlite.audit import chains
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.opening import Store


class RefusedError(Exception):
    """What a function given to the store raises."""


def refuse(_con: sqlite3.Connection) -> None:
    raise RefusedError


@pytest.fixture(params=list(Side))
async def side(request: pytest.FixtureRequest, store: Store) -> Side:
    made: Side = request.param
    await store.database.write(
        lambda con: con.execute("CREATE TABLE note (ub INTEGER PRIMARY KEY, words TEXT)"), made
    )
    return made


def put(number: int, words: str) -> object:
    return lambda con: con.execute("INSERT INTO note VALUES (?, ?)", (number, words))


def notes(con: sqlite3.Connection) -> list[int]:
    return [row[0] for row in con.execute("SELECT ub FROM note ORDER BY ub")]


async def test_a_function_that_raises_undoes_its_own_writes_only(store: Store, side: Side) -> None:
    def half(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO note VALUES (7, '')")
        raise RefusedError

    outcomes = await asyncio.gather(
        store.database.write(put(1, "before"), side),  # type: ignore[arg-type]
        store.database.write(half, side),
        store.database.write(put(2, "after"), side),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert isinstance(outcomes[1], RefusedError)
    assert await store.database.read(notes, side) == [1, 2]


async def test_a_statement_that_fails_is_raised_where_it_was_asked(
    store: Store, side: Side
) -> None:
    await store.database.write(put(1, "first"), side)  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        await store.database.write(put(1, "second"), side)  # type: ignore[arg-type]
    assert await store.database.read(notes, side) == [1]


async def test_a_poison_item_fails_alone(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    poison = event(at.conv, ALICE, (BOB,), event_id="$no-id-of-ours")
    good = [event(at.conv, ALICE, (BOB,)) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(say(store, at, one) for one in (*good[:3], poison, *good[3:])),
        store.mailbox.set_filter(BOB, b"{}"),
        store.database.write(refuse),
        return_exceptions=True,
    )
    assert [isinstance(one, Exception) for one in outcomes] == [False] * 3 + [True] + [
        False
    ] * 4 + [True]
    assert isinstance(outcomes[3], BadId)
    seqs = [row.seq for row in await store.mailbox.inbox(BOB, after=0, limit=99)]
    assert seqs == [3, 4, 5, 6, 7, 8, 9]
    assert [report.detail for report in chains(store)] == ["9 events"]


async def test_a_caller_who_left_breaks_nobody_elses_write(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    writes = [asyncio.ensure_future(say(store, at, event(at.conv, ALICE))) for _ in range(4)]
    await asyncio.sleep(0)
    writes[1].cancel()
    done = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(done[1], asyncio.CancelledError)
    # The write itself was on its way: it is kept, and the next numbers follow it.
    assert [one.events[0].seq for one in done if not isinstance(one, BaseException)] == [4, 6, 7]
    assert [report.detail for report in chains(store)] == ["7 events"]


async def test_when_the_disk_is_full_nobody_is_acknowledged_and_later_all_goes_on(
    house: House,
) -> None:
    store = house.store
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


async def test_a_reader_cannot_write(store: Store, side: Side) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be written"):
        await store.database.read(put(1, "no"), side)  # type: ignore[arg-type]


async def test_a_reader_sees_one_moment(store: Store, side: Side) -> None:
    def twice(con: sqlite3.Connection) -> bool:
        first = notes(con)
        other = sqlite3.connect(store.paths[0 if side is Side.CONVERSATIONS else 1])
        with other:
            other.execute("INSERT INTO note VALUES (5, '')")
        other.close()
        return first == notes(con) == []

    assert await store.database.read(twice, side)
    assert await store.database.read(notes, side) == [5]


async def test_a_database_that_another_program_locks_is_unavailable(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = house.store
    await store.database.write(lambda con: con.execute("PRAGMA busy_timeout=1").fetchone())
    other = sqlite3.connect(store.paths[1], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="another program"):
        await store.mailbox.tell(ALICE, 3, "")
    other.execute("ROLLBACK")
    other.close()
    assert (await store.mailbox.tell(ALICE, 3, "")).pos == 1


async def test_how_much_waits_can_be_asked(store: Store) -> None:
    assert store.database.waiting == 0


async def test_the_logs_are_emptied_unless_a_reader_needs_them(house: House) -> None:
    store = house.store
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
