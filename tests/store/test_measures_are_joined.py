"""Measures of a person join those that are there, in every store and whoever writes at once."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.store.houses import House as AnyHouse

from halfdoor.accounts.records import MeasureRecord, PersonRecord
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.sqlite.accounts import SqliteAccounts

EVE = "@eve:a.example"


def measure(number: int) -> MeasureRecord:
    return MeasureRecord(id=f"dec.{number}", kind="no_media", decision="dec", starts=number)


def accounts(house: AnyHouse) -> SqliteAccounts | PostgresAccounts:
    opened = house.store
    if isinstance(opened, PostgresStore):
        return PostgresAccounts(opened.database, opened.keys)
    return SqliteAccounts(opened.database, opened.keys)


async def test_of_many_decisions_at_once_none_is_lost(house: AnyHouse) -> None:
    store = accounts(house)
    await store.put_persons([PersonRecord(user=EVE, age_band="adult")])
    await asyncio.gather(
        *(store.change_persons({EVE: {"measures": (measure(number),)}}) for number in range(8)),
        store.change_persons({EVE: {"suspended": True}}),
        store.change_persons({EVE: {"region": "FI"}}),
    )
    await house.reopen()
    found = (await accounts(house).persons([EVE]))[EVE]
    assert found == PersonRecord(
        user=EVE,
        age_band="adult",
        region="FI",
        suspended=True,
        measures=tuple(measure(number) for number in range(8)),
    )


@pytest.mark.parametrize("first", [0, 1])
async def test_a_reversal_wins_whichever_is_written_first(house: AnyHouse, first: int) -> None:
    store = accounts(house)
    both = [measure(1), replace(measure(1), reversed=5)]
    for one in (both[first], both[1 - first], both[0]):
        await store.change_persons({EVE: {"measures": (one,)}})
    assert (await store.persons([EVE]))[EVE].measures == (both[1],)


async def test_facts_of_the_platform_leave_measures_alone(house: AnyHouse) -> None:
    store = accounts(house)
    await store.change_persons({EVE: {"measures": (measure(1),)}})
    await store.change_persons({EVE: {"age_band": "13-15", "suspended": False}})
    found = (await store.persons([EVE]))[EVE]
    assert found.measures == (measure(1),)
    assert found.age_band == "13-15"
