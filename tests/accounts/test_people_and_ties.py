"""People: facts, connections, blocks, public keys; and what is remembered of them."""

import asyncio

import pytest
from tests.accounts.little_accounts import NOW, LittleAccounts

from halfdoor.accounts.people import Relation
from halfdoor.accounts.records import Connection, PersonRecord
from halfdoor.accounts.session import LoginRequest
from halfdoor.accounts.store import AccountStore

ALICE, BOB, CAROL = "@alice:a.example", "@bob:a.example", "@carol:a.example"


async def test_somebody_nobody_named_has_no_age_and_no_tie(house: LittleAccounts) -> None:
    assert await house.people.person(BOB) == PersonRecord(user=BOB)
    assert not await house.people.exists(BOB)
    assert await house.people.relation(ALICE, BOB) == Relation(connected=False, blocked=False)
    assert await house.people.public_key(BOB) is None


async def test_a_block_is_seen_from_the_one_who_blocked(house: LittleAccounts) -> None:
    await house.people.block(BOB, ALICE, NOW)
    assert (await house.people.relation(ALICE, BOB)).blocked
    assert not (await house.people.relation(BOB, ALICE)).blocked
    assert await house.people.blocks(BOB) == {ALICE}
    await house.people.unblock(BOB, ALICE)
    assert not (await house.people.relation(ALICE, BOB)).blocked


async def test_nobody_blocks_or_meets_themselves(house: LittleAccounts) -> None:
    await house.people.block(BOB, BOB, NOW)
    await house.people.connect(BOB, BOB, "platform", NOW)
    assert await house.people.blocks(BOB) == frozenset()
    assert await house.people.connections(BOB) == frozenset()


async def test_a_connection_stands_on_both_sides_and_ends_on_both(house: LittleAccounts) -> None:
    await house.people.connect(ALICE, BOB, "accepted", NOW)
    assert await house.people.connections(ALICE) == {BOB}
    assert await house.people.connections(BOB) == {ALICE}
    assert await house.people.connected(BOB, ALICE)
    assert not await house.people.connected(ALICE, CAROL)
    await house.people.disconnect(BOB, ALICE)
    assert await house.people.connections(ALICE) == frozenset()
    assert not (await house.people.relation(ALICE, BOB)).connected


async def test_people_and_ties_are_written_in_bulk(house: LittleAccounts) -> None:
    names = [f"@p{n}:a.example" for n in range(50)]
    await house.people.put([PersonRecord(user=one, age_band="adult", region="FI") for one in names])
    await house.people.connect_all(
        [Connection(a=names[0], b=one, source="platform", since=NOW) for one in names]
    )
    assert await house.people.connections(names[0]) == set(names[1:])
    assert {one.region for one in (await house.people.persons(names)).values()} == {"FI"}
    # A second time is the same.
    await house.people.connect_all(
        [Connection(a=one, b=names[0], source="platform", since=NOW) for one in names]
    )
    assert await house.people.connections(names[0]) == set(names[1:])


async def test_suspension_and_the_own_choice_are_kept(house: LittleAccounts) -> None:
    await house.people.claim(ALICE, {"age_band": "16-17"})
    assert (await house.people.person(ALICE)).dm_choice is None
    await house.people.choose_dm(ALICE, choice=True)
    await house.people.suspend(ALICE, suspended=True)
    stored = (await house.store.persons([ALICE]))[ALICE]
    assert (stored.dm_choice, stored.suspended, stored.age_band) == (True, True, "16-17")
    assert await house.people.person(ALICE) == stored
    await house.people.suspend(ALICE, suspended=False)
    assert not (await house.people.person(ALICE)).suspended


async def test_a_suspension_is_not_lost_under_a_login_at_the_same_moment(
    house: LittleAccounts,
) -> None:
    await house.people.claim(ALICE, {"age_band": "16-17"})
    await asyncio.gather(
        house.people.suspend(ALICE, suspended=True),
        house.people.claim(ALICE, {"region": "FI"}),
        house.people.choose_dm(ALICE, choice=False),
        house.people.change({ALICE: {"guardian_allows": (BOB,)}, BOB: {"region": "SE"}}),
    )
    assert await house.people.person(ALICE) == PersonRecord(
        user=ALICE,
        age_band="16-17",
        region="FI",
        suspended=True,
        dm_choice=False,
        guardian_allows=(BOB,),
    )
    assert (await house.people.person(BOB)).region == "SE"


async def test_a_new_public_key_is_not_hidden_by_what_was_remembered(
    house: LittleAccounts,
) -> None:
    await house.people.claim(ALICE, {})
    assert await house.people.public_key(ALICE) is None
    signed_in = await house.jwt_login()
    public = await house.people.public_key(ALICE)
    assert public is not None
    assert public.kid == signed_in.session.kid


async def test_a_read_that_a_write_overtakes_is_not_remembered(house: LittleAccounts) -> None:
    gate = asyncio.Event()
    plain = house.store.blocks

    async def slow(user: str) -> object:
        found = await plain(user)
        await gate.wait()
        return found

    house.people._store.blocks = slow  # type: ignore[method-assign,assignment]
    reading = asyncio.create_task(house.people.blocks(BOB))
    for _ in range(20):
        await asyncio.sleep(0)
    await asyncio.to_thread(lambda: None)
    await house.people.block(BOB, ALICE, NOW)
    gate.set()
    await reading
    assert await house.people.blocks(BOB) == {ALICE}


async def test_in_development_those_who_registered_are_connected_adults(
    store: AccountStore,
) -> None:
    house = LittleAccounts(store, development=True)
    for name in ("alice", "bob"):
        await house.register.register(name, "x", LoginRequest(), NOW)
    await house.jwt_login("carol")
    assert (await house.people.person(ALICE)).age_band == "adult"
    assert await house.people.connected(ALICE, BOB)
    assert not await house.people.connected(ALICE, CAROL)
    assert not await house.people.connected(ALICE, ALICE)
    house.close()


async def test_outside_development_that_connects_nobody(house: LittleAccounts) -> None:
    for user in (ALICE, BOB):
        await house.people.claim(user, {"age_band": "adult", "age_source": "development"})
    assert not await house.people.connected(ALICE, BOB)
    await house.register.register("dora", "seven quiet herons wade", LoginRequest(), NOW)
    assert (await house.people.person("@dora:a.example")).age_band is None


@pytest.mark.parametrize("bound", [1, 3])
async def test_no_more_people_are_remembered_than_there_is_room_for(
    house: LittleAccounts, bound: int
) -> None:
    people = type(house.people)(house.store, house.changes, bound=bound)
    for n in range(20):
        await people.person(f"@p{n}:a.example")
        await people.blocks(f"@p{n}:a.example")
    assert len(people._persons) == len(people._blocks) == bound
