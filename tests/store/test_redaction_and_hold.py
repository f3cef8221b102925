"""A redacted body is hidden at once, held for a while, and then nowhere."""

import pytest
from tests.store.houses import House, SqliteHouse
from tests.store.making import ALICE, BOB, Store, chains, event, found, say

from halfdoor.clock import month_of
from halfdoor.messaging.ledger import Committed
from halfdoor.sealing.envelope import clear_body
from halfdoor.sealing.labels import Denied
from halfdoor.store.errors import StoreError
from halfdoor.store.generations import REDACTIONS

MONTH_MS = 31 * 86_400_000


async def said_and_redacted(store: Store, destroy_after: int | None) -> tuple[Committed, str]:
    """Return a conversation in which one message was redacted, and that message's id."""
    at = await found(store, ALICE, BOB)
    target = event(at.conv, ALICE, (BOB,))
    at = await say(store, at, target)
    redaction = event(
        at.conv,
        ALICE,
        (BOB,),
        type="m.room.redaction",
        redacts=target.fields.event_id,
        destroy_after=destroy_after,
    )
    return await say(store, at, redaction), target.fields.event_id


async def held(house: House, seq: int) -> tuple[int, bytes] | None:
    """Return `destroy_after` and the sealed row of a held body."""
    rows = await house.ask("SELECT destroy_after, sealed FROM hold WHERE seq = ?", seq)
    return rows[0] if rows else None


async def sealed_row(house: House, seq: int) -> bytes:
    ((found,),) = await house.ask("SELECT sealed FROM event WHERE seq = ?", seq)
    return bytes(found)


async def test_a_redacted_body_is_read_no_more_but_the_chain_still_proves_it(
    store: Store,
) -> None:
    at, target = await said_and_redacted(store, 99)
    kept = await store.conversations.event(at.conv, target)
    assert kept is not None
    assert kept.body is None
    assert kept.redacted_by == at.events[0].fields.event_id
    assert kept.fields.type == "m.room.message"
    assert all(report.ok for report in await chains(store))


async def test_the_body_lies_in_the_hold_under_a_key_of_holds(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    target = event(at.conv, ALICE, (BOB,))
    at = await say(store, at, target)
    await say(store, at, event(at.conv, ALICE, redacts=target.fields.event_id, destroy_after=99))
    found_hold = await held(house, 4)
    assert found_hold is not None
    assert found_hold[0] == 99
    assert int.from_bytes(found_hold[1][:2], "big") in REDACTIONS
    opened = store.keys.outer.open("hold", at.conv, (at.conv, 4), found_hold[1])
    assert opened == target.body


async def test_the_first_redaction_counts(house: House) -> None:
    store = house.store
    at, target = await said_and_redacted(store, 99)
    await say(store, at, event(at.conv, BOB, redacts=target, destroy_after=5))
    found_hold = await held(house, 4)
    assert found_hold is not None
    assert found_hold[0] == 99
    kept = await store.conversations.event(at.conv, target)
    assert kept is not None
    assert kept.redacted_by == at.events[0].fields.event_id


async def test_without_a_hold_the_body_is_destroyed_at_once(house: House) -> None:
    store = house.store
    at, target = await said_and_redacted(store, None)
    assert await held(house, 4) is None
    kept = await store.conversations.event(at.conv, target)
    assert kept is not None
    assert kept.body is None
    assert all(report.ok for report in await chains(store))


async def test_state_in_clear_keeps_its_body_and_is_marked(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    topic = event(at.conv, ALICE, type="m.room.topic", state_key="", body=clear_body(b"{}"))
    at = await say(store, at, topic)
    await say(store, at, event(at.conv, ALICE, redacts=topic.fields.event_id, destroy_after=99))
    kept = await store.conversations.event(at.conv, topic.fields.event_id)
    assert kept is not None
    assert kept.body == topic.body
    assert kept.redacted_by is not None
    assert await held(house, 4) is None


async def test_a_redaction_of_what_is_not_there_changes_nothing(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    elsewhere = await found(store, ALICE, BOB)
    strange = elsewhere.events[0].fields.event_id
    await say(store, at, event(at.conv, ALICE, redacts=strange, destroy_after=99))
    kept = await store.conversations.event(elsewhere.conv, strange)
    assert kept is not None
    assert kept.redacted_by is None


async def test_a_redaction_beside_its_target_finds_it(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    target = event(at.conv, ALICE, (BOB,))
    redaction = event(at.conv, ALICE, redacts=target.fields.event_id, destroy_after=99)
    await say(store, at, target, redaction)
    kept = await store.conversations.event(at.conv, target.fields.event_id)
    assert kept is not None
    assert kept.body is None


async def test_holds_end_when_their_time_has_come_and_not_before(house: House) -> None:
    store = house.store
    await said_and_redacted(store, 1000)
    assert await store.destroy_held(999) == 0
    assert await held(house, 4) is not None
    assert await store.destroy_held(1000) == 1
    assert await held(house, 4) is None
    assert all(report.ok for report in await chains(store))


async def test_afterwards_the_sealed_bytes_are_in_no_file(embedded: SqliteHouse) -> None:
    house, store = embedded, embedded.store
    at = await found(store, ALICE, BOB)
    bodies = []
    for _ in range(40):
        target = event(at.conv, ALICE, (BOB,), body=b"\x01" + bytes(600))
        at = await say(store, at, target, event(at.conv, BOB, (ALICE,)))
        bodies.append(await sealed_row(house, at.events[0].seq))
        await say(store, at, event(at.conv, ALICE, redacts=target.fields.event_id, destroy_after=1))
        hold = await held(house, at.events[0].seq)
        assert hold is not None
        bodies.append(hold[1])
    # Any part of a sealed body is as unlike every other byte as a key.
    parts = [body[start : start + 16] for body in bodies for start in range(20, 600, 100)]
    raw = await house.raw()
    assert sum(part in raw for part in parts) > len(parts) // 2
    assert await store.destroy_held(1) == 40
    raw = await house.raw()
    assert not [part for part in parts if part in raw]
    assert [report.detail for report in await chains(store)] == ["123 events"]


async def test_a_hold_key_is_destroyed_after_its_last_hold(house: House) -> None:
    store, clock = house.store, house.clock
    await said_and_redacted(store, 1000)
    first = await held(house, 4)
    assert first is not None
    number = int.from_bytes(first[1][:2], "big")
    clock.now += 2 * MONTH_MS
    at, _ = await said_and_redacted(store, clock.now + 1000)
    later = store.keys.hold()
    assert later is not None
    assert later != number
    assert await store.destroy_held(1000) == 1
    assert store.keys.outer.generations >= {later}
    assert number not in store.keys.outer.generations
    with pytest.raises(Denied):
        store.keys.outer.open("hold", at.conv, (at.conv, 4), first[1])
    store = await house.reopen()
    assert number not in store.keys.outer.generations
    # A month later nothing else was redacted: the key of holds still in force stays.
    clock.now += 2 * MONTH_MS
    await store.destroy_held(1000)
    assert later in store.keys.outer.generations


async def test_each_month_seals_under_its_own_key(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    before = month_of(house.clock.now)
    assert int.from_bytes((await sealed_row(house, 1))[:2], "big") == before
    house.clock.now += MONTH_MS
    at = await say(house.store, at, event(at.conv, ALICE))
    assert int.from_bytes((await sealed_row(house, 4))[:2], "big") == before + 1
    store = await house.reopen()
    assert [one.seq for one in (await say(store, at, event(at.conv, BOB))).events] == [5]
    assert all(report.ok for report in await chains(store))


async def test_when_every_hold_key_is_in_use_it_is_said(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    for _ in REDACTIONS:
        target = event(at.conv, ALICE)
        at = await say(house.store, at, target)
        # Held for ever, so that no key of a hold is spent.
        gone = event(at.conv, ALICE, redacts=target.fields.event_id, destroy_after=2**60)
        await say(house.store, at, gone)
        house.clock.now += MONTH_MS
    with pytest.raises(StoreError, match="all 64 keys for redacted bodies"):
        await said_and_redacted(house.store, 1000)
