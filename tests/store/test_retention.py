"""What is older than a conversation may be is gone, provably by retention, and the rest goes on."""

import asyncio

import msgspec
import pytest
from tests.store.houses import House
from tests.store.making import (
    ALICE,
    BOB,
    Store,
    chains,
    epoch_start,
    event,
    found,
    say,
    sealed_body,
)

from halfdoor.messaging.ledger import Committed, LateWrap, Receipt, SealedState, StaleError
from halfdoor.messaging.retention_store import Place
from halfdoor.sealing.outer import RowMacError


async def place_of(store: Store, conv: str) -> Place:
    (passed,) = [
        one for one in await store.retention.conversations((-1, 0), 99) if one.place.conv == conv
    ]
    return passed.place


async def end(store: Store, conv: str, before: int) -> int:
    """End all days before *before*, as a sweep does; return how many events ended."""
    place = await place_of(store, conv)
    ended = await store.retention.retire(place, before)
    await store.retention.clear(place)
    return ended.events


async def three_days(store: Store) -> Committed:
    """Return a conversation: a founding (4 events) and two messages a day in epochs 1, 2 and 3."""
    at = await found(store, ALICE, BOB)
    for number in (1, 2, 3):
        start = None if number == 1 else epoch_start(number, ALICE, BOB)
        first = event(at.conv, ALICE, (BOB,))
        reply = event(at.conv, BOB, (ALICE,), target=first.fields.event_id, rel_type="m.thread")
        at = await say(store, at, first, reply, start=start)
    return at


async def seqs(store: Store, conv: str) -> list[int]:
    events = await store.conversations.events(
        conv, after=0, before=10**6, limit=10**6, newest_first=False
    )
    return [one.seq for one in events]


async def details(store: Store) -> list[str]:
    reports = await chains(store)
    assert all(report.ok for report in reports), reports
    return [report.detail for report in reports]


async def test_nothing_ends_before_its_day(store: Store) -> None:
    at = await three_days(store)
    assert await end(store, at.conv, 20_001) == 0
    assert await seqs(store, at.conv) == list(range(1, 10))
    assert await details(store) == ["9 events"]


async def test_whole_days_end_and_state_stays(house: House) -> None:
    store = house.store
    at = await three_days(store)
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert await end(store, at.conv, 20_003) == 4
    assert await seqs(store, at.conv) == [8, 9]
    after = await store.conversations.room(at.conv)
    assert after is not None
    assert (after.state_log, after.head, after.begins) == (room.state_log, room.head, 8)
    assert await house.ask("SELECT seq FROM event ORDER BY seq") == [(1,), (2,), (3,), (8,), (9,)]
    for table in ("epoch", "wrap", "share"):
        assert {row[0] for row in await house.ask(f"SELECT epoch FROM {table}")} == {3}  # noqa: S608
    assert await house.ask("SELECT seq FROM relation") == [(9,)]
    assert await details(store) == ["5 events, 4 deleted by retention"]


async def test_an_old_event_is_found_no_more_and_old_state_is(store: Store) -> None:
    at = await three_days(store)
    old = (await store.conversations.events(
        at.conv, after=3, before=6, limit=9, newest_first=False
    ))  # fmt: skip
    state = await store.conversations.room(at.conv)
    assert state is not None
    # Already where nothing was deleted yet.
    await store.retention.retire(await place_of(store, at.conv), 20_003)
    for one in old:
        assert await store.conversations.event(at.conv, one.fields.event_id) is None
    first = state.state_log[0]
    assert await store.conversations.event(at.conv, first.fields.event_id) == first
    target = old[0].fields.event_id
    assert await store.conversations.relations(at.conv, target, before=99, limit=9) == []
    assert await store.conversations.related(at.conv, [target], "m.thread") == []
    assert await seqs(store, at.conv) == [8, 9]


async def test_the_newest_epoch_keeps_its_keys_and_takes_no_more_events(store: Store) -> None:
    at = await three_days(store)
    assert await end(store, at.conv, 20_009) == 6
    assert await seqs(store, at.conv) == []
    with pytest.raises(StaleError):
        await say(store, at, event(at.conv, ALICE))
    (epoch,) = await store.conversations.newest_epochs(at.conv, BOB, 9)
    assert (epoch.epoch, epoch.wrap) == (3, f"wrap 3 {BOB}".encode())
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.head.hh is None
    await say(
        store,
        Committed(at.conv, room.head, (), ()),
        event(at.conv, ALICE),
        start=epoch_start(4, ALICE, BOB),
    )
    assert await seqs(store, at.conv) == [10]
    assert await details(store) == ["4 events, 6 deleted by retention"]
    assert await end(store, at.conv, 20_009) == 1
    assert await details(store) == ["3 events, 7 deleted by retention"]


async def test_what_points_at_the_deleted_goes_too(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,))
    at = await say(store, at, said)
    gone = event(at.conv, ALICE, redacts=said.fields.event_id, destroy_after=2**60)
    at = await say(store, at, gone)
    receipt = Receipt(BOB, "m.read", None, said.fields.event_id, 4, 0)
    await store.conversations.set_receipt(at.conv, receipt, (ALICE,))
    late = LateWrap(1, BOB, b"record", b"h" * 32, b"late", (await newest_hh(store, at.conv)))
    await store.conversations.add_readers(at.conv, [late])
    at = await say(store, at, event(at.conv, BOB), start=epoch_start(2, ALICE, BOB))
    for table in ("hold", "receipt", "reader_added"):
        assert len(await house.ask(f"SELECT 1 FROM {table}")) == 1  # noqa: S608
    await end(store, at.conv, 20_002)
    for table in ("hold", "receipt", "reader_added"):
        assert await house.ask(f"SELECT 1 FROM {table}") == []  # noqa: S608


async def newest_hh(store: Store, conv: str) -> bytes:
    room = await store.conversations.room(conv)
    assert room is not None
    return room.head.last_hh


async def test_the_name_in_force_is_read_though_its_day_ended(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    named = event(at.conv, ALICE, type="m.room.name", state_key="")
    value = SealedState("m.room.name", "", named.fields, sealed_body(), epoch=1)
    carried = SealedState("m.room.name", "", named.fields, sealed_body(), epoch=3)
    at = await say(store, at, msgspec.structs.replace(named, sealed_state=value))
    at = await say(store, at, event(at.conv, ALICE), start=epoch_start(2, ALICE))
    # Nobody carried it over yet: the event, and the key of its epoch, are all there is.
    source = named.fields.event_id
    await end(store, at.conv, 20_002)
    kept = await store.conversations.event(at.conv, source)
    assert kept is not None
    assert kept.body == named.body
    (old, _) = await store.conversations.newest_epochs(at.conv, ALICE, 9)
    assert (old.epoch, old.wrap) == (1, f"wrap 1 {ALICE}".encode())
    assert all(report.ok for report in await chains(store))
    start = epoch_start(3, ALICE, sealed_state=(carried,))
    at = await say(store, at, event(at.conv, ALICE), start=start)
    await end(store, at.conv, 20_003)
    kept = await store.conversations.event(at.conv, source)
    assert kept is not None
    assert kept.body is None
    assert {row[0] for row in await house.ask("SELECT epoch FROM epoch")} == {3}
    assert all(report.ok for report in await chains(store))


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM event WHERE seq = 8", "event 8 is missing"),
        ("DELETE FROM event WHERE seq = 1", "state from before what is kept"),
        ("UPDATE retired SET deleted = 9", "bear its mac"),
        ("UPDATE retired SET seq = 9", "bear its mac"),
        ("DELETE FROM retired", "begins elsewhere"),
        ("UPDATE conv SET begins = 9", "begins elsewhere"),
    ],
)
async def test_who_deletes_without_the_outer_key_cannot_call_it_retention(
    house: House, statement: str, why: str
) -> None:
    at = await three_days(house.store)
    await end(house.store, at.conv, 20_003)
    assert await house.change(statement) == 1
    (report,) = await chains(house.store)
    assert not report.ok
    assert why in report.detail


async def test_what_was_changed_before_does_not_end(house: House) -> None:
    at = await three_days(house.store)
    assert await house.change("DELETE FROM event WHERE seq = 6") == 1
    assert await end(house.store, at.conv, 20_003) == 2
    assert (await seqs(house.store, at.conv)) == [7, 8, 9]
    (report,) = await chains(house.store)
    assert report.detail == "event 6 is missing"
    found_again = await house.store.retention.retire(await place_of(house.store, at.conv), 20_003)
    assert found_again.altered


async def test_a_changed_record_ends_nothing_more(house: House) -> None:
    at = await three_days(house.store)
    await end(house.store, at.conv, 20_002)
    await house.change("UPDATE retired SET epoch = 3")
    with pytest.raises(RowMacError):
        await end(house.store, at.conv, 20_003)


async def test_sweeps_go_on_beside_whoever_writes(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    place = await place_of(store, at.conv)
    said: list[str] = []

    async def write() -> None:
        for number in range(2, 30):
            while True:
                room = await store.conversations.room(at.conv)
                assert room is not None
                one = event(at.conv, ALICE, (BOB,))
                start = epoch_start(room.head.epoch + 1, ALICE, BOB, day=20_000 + number)
                stands = Committed(at.conv, room.head, (), ())
                try:
                    await say(store, stands, one, start=start if number % 3 == 0 else None)
                except StaleError:
                    continue
                said.append(one.fields.event_id)
                break

    async def sweep() -> None:
        for day in range(20_000, 20_030, 2):
            await store.retention.retire(place, day - 4)
            await store.retention.clear(place)

    await asyncio.gather(write(), sweep(), sweep())
    await end(store, at.conv, 20_027)
    kept = await store.conversations.events(
        at.conv, after=0, before=99, limit=99, newest_first=False
    )
    assert [one.fields.event_id for one in kept] == said[-len(kept) :]
    assert 0 < len(kept) < len(said)
    assert all(report.ok for report in await chains(store))
