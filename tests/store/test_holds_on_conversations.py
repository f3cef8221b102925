"""A hold keeps a conversation out of reach of everything that deletes, and of nobody who reads."""

import contextlib
from typing import Any

import pytest
from tests.store.houses import House
from tests.store.making import ALICE, BOB, Store, chains, epoch_start, event, found, say
from tests.store.test_months_end import MONTH_MS, KilledError, generations, leave_and_end
from tests.store.test_retention import end, place_of, seqs, three_days

from halfdoor.clock import month_of
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.generations import FREEZES, MONTHS, REDACTIONS, generation_of
from halfdoor.store.retention import HoldError


async def under(house: House, table: str, where: str = "1 = 1") -> set[int]:
    rows = await house.ask(f"SELECT sealed FROM {table} WHERE {where}")  # noqa: S608
    return {generation_of(row[0]) for row in rows}


async def freeze_keys(house: House) -> set[int]:
    rows = await house.ask("SELECT generation FROM data_key")
    return {number for (number,) in rows if number in FREEZES}


async def test_a_hold_on_nothing_is_refused(store: Store) -> None:
    with pytest.raises(UnknownConversationError):
        await store.retention.freeze("!nothing:a.example", "case 1")
    at = await found(store, ALICE, BOB)
    for epochs in ((0, 3), (3, 2)):
        with pytest.raises(HoldError):
            await store.retention.freeze(at.conv, "case 1", epochs=epochs)
    assert await store.retention.thaw(at.conv, "case 1") is False


async def test_a_name_stands_for_one_scope(store: Store) -> None:
    at = await three_days(store)
    await store.retention.freeze(at.conv, "case 1", epochs=(1, 2))
    with pytest.raises(HoldError, match="other epochs"):
        await store.retention.freeze(at.conv, "case 1")
    await store.retention.freeze(at.conv, "case 1", epochs=(1, 2), until=5)
    (standing,) = await store.retention.freezes(at.conv)
    assert standing.until == 5


async def test_no_retention_reaches_what_is_held(house: House) -> None:
    store = house.store
    held, other = await three_days(store), await three_days(store)
    assert await store.retention.freeze(held.conv, "case 1") > 0
    for conv in (held.conv, other.conv):
        await end(store, conv, 20_009)
    assert await seqs(store, held.conv) == list(range(1, 10))
    assert await seqs(store, other.conv) == []


async def test_only_the_epochs_of_a_hold_lie_under_its_key(house: House) -> None:
    store = house.store
    at = await three_days(store)
    month = month_of(house.clock.now)
    await store.retention.freeze(at.conv, "case 1", epochs=(2, 2))
    (key,) = await freeze_keys(house)
    assert await under(house, "event", "seq BETWEEN 6 AND 7") == {key}
    assert await under(house, "event", "seq < 6 OR seq > 7") == {month}
    for table in ("epoch", "wrap", "share"):
        assert await under(house, table, "epoch = 2") == {key}
        assert await under(house, table, "epoch != 2") == {month}
    # What lies before is deleted; a history without a hole goes on from there.
    await end(store, at.conv, 20_009)
    assert await seqs(store, at.conv) == [6, 7, 8, 9]
    assert all(report.ok for report in await chains(store))


async def test_a_hold_on_days_to_come_takes_nothing_of_the_days_before(house: House) -> None:
    store = house.store
    at = await three_days(store)
    month = month_of(house.clock.now)
    assert await store.retention.freeze(at.conv, "case 1", epochs=(4, 4)) == 0
    assert await under(house, "event") == {month}
    head = await say(store, at, event(at.conv, ALICE), start=epoch_start(4, ALICE, BOB))
    assert head.head.epoch == 4
    # When it ends, no row is left under the key that ends with it.
    assert await store.retention.thaw(at.conv, "case 1")
    await store.retention.end_months(0)
    assert await under(house, "event") == {month}
    store = await house.reopen()
    assert await seqs(store, at.conv) == list(range(1, 11))
    assert all(report.ok for report in await chains(store))


async def test_a_held_conversation_opens_when_its_month_has_ended(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    held, other = await three_days(store), await three_days(store)
    before = await store.conversations.events(
        held.conv, after=0, before=99, limit=99, newest_first=False
    )
    epochs = await store.conversations.newest_epochs(held.conv, BOB, 9)
    await store.retention.freeze(held.conv, "case 1")
    house.clock.now += 4 * MONTH_MS
    for conv in (held.conv, other.conv):
        await end(store, conv, 20_009)
    assert await leave_and_end(store, month) == [month]
    (key,) = await freeze_keys(house)
    place = await place_of(store, held.conv)
    assert await under(house, "event", f"cb = {place.cb} AND c = {place.c}") == {key}
    store = await house.reopen()
    again = await store.conversations.events(
        held.conv, after=0, before=99, limit=99, newest_first=False
    )
    assert again == before
    assert await store.conversations.newest_epochs(held.conv, BOB, 9) == epochs
    assert await seqs(store, other.conv) == []
    assert all(report.ok for report in await chains(store))


async def test_a_redacted_body_is_not_destroyed_while_it_is_held(house: House) -> None:
    store = house.store
    at, other = await found(store, ALICE, BOB), await found(store, ALICE, BOB)
    await store.retention.freeze(at.conv, "before")
    for one in (at, other):
        said = event(one.conv, ALICE, (BOB,))
        then = await say(store, one, said)
        gone = event(one.conv, ALICE, redacts=said.fields.event_id, destroy_after=10)
        await say(store, then, gone)
    await store.retention.freeze(at.conv, "after", epochs=(1, 1))
    assert await store.destroy_held(11) == 1
    assert len(await house.ask("SELECT 1 FROM hold")) == 1
    await store.retention.tend_holds(await place_of(store, at.conv), 0)
    assert await under(house, "hold") <= set(FREEZES)
    await store.retention.thaw(at.conv, "before")
    assert await store.destroy_held(11) == 0
    await store.retention.thaw(at.conv, "after")
    assert await store.destroy_held(11) == 1
    assert all(report.ok for report in await chains(store))


async def test_the_key_goes_with_the_last_hold_it_serves(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    at, other = await three_days(store), await three_days(store)
    await store.retention.freeze(at.conv, "case 1")
    await store.retention.freeze(other.conv, "case 2")
    (key,) = await freeze_keys(house)
    assert await store.retention.thaw(at.conv, "case 1")
    assert await freeze_keys(house) == {key}
    assert await store.retention.thaw(other.conv, "case 2")
    assert await freeze_keys(house) == set()
    assert key not in store.keys.outer.generations
    assert await generations(house) == {month}
    store = await house.reopen()
    for conv in (at.conv, other.conv):
        assert await seqs(store, conv) == list(range(1, 10))
    await end(store, at.conv, 20_009)
    assert await seqs(store, at.conv) == []


async def test_overlapping_holds_end_one_by_one(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    at = await three_days(store)
    await store.retention.freeze(at.conv, "first", epochs=(1, 2))
    (first,) = await freeze_keys(house)
    house.clock.now += MONTH_MS
    await store.retention.freeze(at.conv, "second", epochs=(2, 3))
    (second,) = await freeze_keys(house) - {first}
    assert await under(house, "event", "seq < 8") == {first}
    assert await under(house, "event", "seq >= 8") == {second}
    await store.retention.thaw(at.conv, "first")
    assert await freeze_keys(house) == {second}
    assert await under(house, "epoch", "epoch = 1") == {month + 1}
    assert await under(house, "event", "seq BETWEEN 6 AND 9") == {second}
    await end(store, at.conv, 20_009)
    assert await seqs(store, at.conv) == [6, 7, 8, 9]
    await store.retention.thaw(at.conv, "second")
    assert await freeze_keys(house) == set()
    assert {one for one in await generations(house) if one not in MONTHS} == set()
    assert all(report.ok for report in await chains(store))


async def test_what_is_said_under_an_open_hold_is_held_too(house: House) -> None:
    store = house.store
    at = await found(store, ALICE, BOB)
    await store.retention.freeze(at.conv, "case 1")
    (key,) = await freeze_keys(house)
    at = await say(store, at, event(at.conv, ALICE), start=epoch_start(2, ALICE, BOB))
    await store.retention.tend_holds(await place_of(store, at.conv), 0)
    assert await under(house, "event") == {key}
    await end(store, at.conv, 20_009)
    assert await seqs(store, at.conv) == [1, 2, 3, 4]


async def test_a_hold_ends_at_its_time_and_not_before(house: House) -> None:
    store = house.store
    at = await three_days(store)
    await store.retention.freeze(at.conv, "case 1", until=1000)
    place = await place_of(store, at.conv)
    await store.retention.tend_holds(place, 999)
    assert len(await store.retention.freezes(at.conv)) == 1
    await store.retention.tend_holds(place, 1000)
    assert await store.retention.freezes(at.conv) == []
    assert await freeze_keys(house) == set()


@pytest.mark.parametrize("change", ["until = 1", "last_epoch = 1", "generation = 700"])
async def test_nobody_shortens_a_hold_without_the_outer_key(house: House, change: str) -> None:
    at = await three_days(house.store)
    await house.store.retention.freeze(at.conv, "case 1")
    assert await house.change(f"UPDATE frozen SET {change}") == 1  # noqa: S608
    with pytest.raises(RowMacError):
        await end(house.store, at.conv, 20_009)


async def test_who_deletes_a_hold_frees_nothing(house: House) -> None:
    at = await three_days(house.store)
    await house.store.retention.freeze(at.conv, "case 1")
    assert await house.change("DELETE FROM frozen") == 1
    await end(house.store, at.conv, 20_009)
    assert await seqs(house.store, at.conv) == list(range(1, 10))


@pytest.mark.parametrize("steps", range(1, 16, 4))
async def test_a_crash_while_a_hold_comes_or_goes_loses_nothing(
    either: House, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = either
    store = house.store
    at = await three_days(store)
    said = event(at.conv, ALICE)
    at = await say(store, at, said)
    await say(store, at, event(at.conv, ALICE, redacts=said.fields.event_id, destroy_after=2**60))
    for call in (store.retention.freeze, store.retention.thaw):
        die_after(house.store, steps, monkeypatch)
        with contextlib.suppress(KilledError):
            await getattr(house.store.retention, call.__name__)(at.conv, "case 1")
        monkeypatch.undo()
        store = await house.reopen()
        assert await seqs(store, at.conv) == list(range(1, 12))
        assert await store.destroy_held(0) == 0
        assert all(report.ok for report in await chains(store))
        # A sweep finds what was begun; whoever called calls again.
        await store.retention.tend_holds(await place_of(store, at.conv), 1)
        await getattr(store.retention, call.__name__)(at.conv, "case 1")
        assert await seqs(store, at.conv) == list(range(1, 12))
        if call.__name__ == "freeze":
            assert {one for one in await generations(house) if one not in FREEZES} == set()
    assert await freeze_keys(house) == set()
    assert await under(house, "event") <= set(MONTHS)
    assert await under(house, "hold") <= set(REDACTIONS)
    assert all(report.ok for report in await chains(house.store))


def die_after(store: Store, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store's process die at one of the writes that a hold makes."""
    rows: Any = store.retention._rows
    left = steps

    def counted(name: str) -> Any:
        real = getattr(rows, name)

        async def call(*given: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise KilledError
            return await real(*given, **more)

        return call

    for name in ("put_freeze", "replace", "drop_freeze", "end_freeze_keys"):
        monkeypatch.setattr(rows, name, counted(name))
