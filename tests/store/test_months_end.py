"""When a month has ended its key is destroyed, and nothing in use was ever under it by then."""

from typing import Any

import pytest
from tests.store.houses import House, SqliteHouse
from tests.store.making import ALICE, BOB, Store, chains, event, found, say
from tests.store.test_retention import end, seqs, three_days

from halfdoor.clock import month_of
from halfdoor.sealing.labels import Denied
from halfdoor.store.generations import MONTHS, generation_of
from halfdoor.store.resealing import BY_CONVERSATION, BY_EPOCH, BY_EVENT

MONTH_MS = 31 * 86_400_000
TABLES = (*BY_EVENT, *BY_EPOCH, *BY_CONVERSATION)


async def generations(house: House) -> set[int]:
    """Return the generations under which any row of a conversation is sealed."""
    found = set()
    for table in TABLES:
        found |= {generation_of(row[0]) for row in await house.ask(f"SELECT sealed FROM {table}")}  # noqa: S608
    return found


async def leave_and_end(store: Store, last: int) -> list[int]:
    """Do what a sweep does at the end of a month."""
    for passed in await store.retention.conversations((-1, 0), 99):
        await store.retention.leave_months(passed.place, last)
    gone = await store.retention.end_months(last)
    await store.retention.wipe()
    return list(gone)


async def test_a_month_that_has_not_ended_is_not_destroyed(house: House) -> None:
    await found(house.store, ALICE, BOB)
    month = month_of(house.clock.now)
    assert await leave_and_end(house.store, month + 5) == []
    assert month in house.store.keys.outer.generations
    assert await leave_and_end(house.store, 0) == []


async def test_what_is_in_use_outlives_its_month(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    at = await three_days(store)
    await end(store, at.conv, 20_003)
    before = await store.conversations.room(at.conv)
    epochs = await store.conversations.newest_epochs(at.conv, BOB, 9)
    house.clock.now += 3 * MONTH_MS
    assert await leave_and_end(store, month) == [month]
    assert await generations(house) == {month + 3}
    store = await house.reopen()
    assert month not in store.keys.outer.generations
    assert await store.conversations.room(at.conv) == before
    assert await store.conversations.newest_epochs(at.conv, BOB, 9) == epochs
    assert await seqs(store, at.conv) == [8, 9]
    assert all(report.ok for report in await chains(store))


async def test_a_copy_of_what_was_deleted_opens_no_more(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    at = await three_days(store)
    ((seq, packed, sealed),) = await house.ask(
        "SELECT seq, event_id, sealed FROM event WHERE seq = 6"
    )
    ((wrapped,),) = await house.ask("SELECT wrapped FROM data_key WHERE generation = ?", month)
    pk = (at.conv, seq, packed)
    assert store.keys.outer.open("event", at.conv, pk, sealed)
    await end(store, at.conv, 20_003)
    house.clock.now += 3 * MONTH_MS
    await leave_and_end(store, month)
    for again in (store, await house.reopen()):
        with pytest.raises(Denied):
            again.keys.outer.open("event", at.conv, pk, sealed)
    keys = await house.ask("SELECT wrapped FROM data_key")
    assert wrapped not in [row[0] for row in keys]


async def test_no_file_holds_the_key_of_a_month_that_ended_or_what_it_sealed(
    embedded: SqliteHouse,
) -> None:
    house, store, month = embedded, embedded.store, month_of(embedded.clock.now)
    at = await three_days(store)
    lost = [row[0] for row in await house.ask("SELECT sealed FROM event WHERE seq BETWEEN 4 AND 7")]
    lost += [row[0] for row in await house.ask("SELECT sealed FROM wrap WHERE epoch < 3")]
    lost += [row[0] for row in await house.ask("SELECT sealed FROM share WHERE epoch < 3")]
    lost += [row[0] for row in await house.ask("SELECT sealed FROM epoch WHERE epoch < 3")]
    lost += [r[0] for r in await house.ask("SELECT wrapped FROM data_key WHERE generation > 255")]
    parts = [one[start : start + 16] for one in lost for start in range(4, len(one) - 16, 24)]
    raw = await house.raw()
    assert all(part in raw for part in parts)
    await end(store, at.conv, 20_003)
    house.clock.now += 3 * MONTH_MS
    await leave_and_end(store, month)
    raw = await house.raw()
    assert [part for part in parts if part in raw] == []


async def test_a_clock_that_is_set_back_finds_no_month_that_ended(house: House) -> None:
    store, month = house.store, month_of(house.clock.now)
    at = await found(store, ALICE, BOB)
    long_ago = house.clock.now
    house.clock.now += 3 * MONTH_MS
    await leave_and_end(store, month + 1)
    house.clock.now = long_ago
    assert store.keys.month() == month + 2
    at = await say(store, at, event(at.conv, ALICE))
    store = await house.reopen()
    assert store.keys.month() == month + 2
    await say(store, at, event(at.conv, ALICE))
    assert {one for one in await generations(house) if one in MONTHS} == {month + 2, month + 3}
    assert all(report.ok for report in await chains(house.store))


class KilledError(Exception):
    """The process died here."""


@pytest.mark.parametrize("steps", range(1, 40, 6))
async def test_a_crash_at_any_step_is_recovered_by_the_same_calls(
    either: House, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = either
    month = month_of(house.clock.now)
    at = await three_days(house.store)
    other = await three_days(house.store)
    house.clock.now += 3 * MONTH_MS
    rows: Any = house.store.retention._rows
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

    for name in ("retire", "delete_events", "delete_loose", "delete_epochs", "replace"):
        monkeypatch.setattr(rows, name, counted(name))
    try:
        for conv in (at.conv, other.conv):
            await end(house.store, conv, 20_003)
        await leave_and_end(house.store, month)
    except KilledError:
        assert month in house.store.keys.outer.generations
    monkeypatch.undo()
    store = await house.reopen()
    # What is half done is whole for whoever reads or checks it.
    assert all(report.ok for report in await chains(store))
    for conv in (at.conv, other.conv):
        await end(store, conv, 20_003)
    await leave_and_end(store, month)
    assert await generations(house) == {month + 3}
    for conv in (at.conv, other.conv):
        assert await seqs(store, conv) == [8, 9]
    assert [report.detail for report in await chains(store)] == [
        "5 events, 4 deleted by retention"
    ] * 2
