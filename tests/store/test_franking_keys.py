"""The keys of franking marks: one a month, kept under the account key, destroyed for good."""

import asyncio

import pytest
from tests.store.houses import House
from tests.store.making import Store

from halfdoor.apps.work import Work
from halfdoor.sealing.labels import Denied
from halfdoor.store.renewal import QUEUE


async def test_a_month_without_a_key_has_none(store: Store) -> None:
    assert await store.franking.franking_key("2026-11") is None
    assert await store.franking.destroy_franking_keys("2026-11") == 0


async def test_a_key_is_made_once_and_stays_the_same_after_a_restart(house: House) -> None:
    made = await asyncio.gather(
        *(house.store.franking.make_franking_key("2026-11") for _ in range(4))
    )
    other = await house.store.franking.make_franking_key("2026-12")
    store = await house.reopen()
    assert {*made, await store.franking.make_franking_key("2026-11")} == {made[0]}
    assert await store.franking.franking_key("2026-12") == other != made[0]
    assert len(other) == 32


async def test_destroying_takes_the_months_before_and_nothing_else(house: House) -> None:
    store = house.store
    months = ("2025-12", "2026-01", "2026-02", "2026-10")
    keys = {month: await store.franking.make_franking_key(month) for month in months}
    names = store.secrets()
    assert await store.franking.destroy_franking_keys("2026-02") == 2
    assert [await store.franking.franking_key(month) for month in months] == [
        None,
        None,
        keys["2026-02"],
        keys["2026-10"],
    ]
    assert (await house.reopen()).secrets() == names


async def test_no_key_lies_in_the_database_as_it_is(house: House) -> None:
    key = await house.store.franking.make_franking_key("2026-11")
    assert key not in await house.raw()
    assert "2026" not in repr(house.store.franking)


async def test_a_key_that_was_moved_to_another_month_does_not_open(house: House) -> None:
    await house.store.franking.make_franking_key("2026-11")
    moved = "UPDATE secret SET name = 'franking/2026-12' WHERE name = 'franking/2026-11'"
    assert await house.change(moved) == 1
    with pytest.raises(Denied):
        await house.store.franking.franking_key("2026-12")


async def test_a_key_opens_after_the_account_key_was_renewed(house: House) -> None:
    key = await house.store.franking.make_franking_key("2026-11")
    await house.store.renewal.begin(house.clock.now_ms())
    work = Work(house.store.jobs, {QUEUE: house.store.renewal}, house.clock)
    for _ in range(9):
        await work.go_on(seconds=30)
        house.clock.now += 700_000
    assert await house.store.renewal.progress() is None
    store = await house.reopen()
    assert await store.franking.franking_key("2026-11") == key
