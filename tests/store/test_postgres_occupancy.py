"""A database is served by one process alone, or by several that hear of one another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.store.making import ALICE, BOB, event, found, say
from tests.store.postgres_houses import PostgresHouse

from halfdoor.store.errors import DataInUseError, StoreUnavailableError
from halfdoor.store.postgres import occupancy
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.occupancy import Occupancy
from halfdoor.store.postgres.opening import PostgresStore, open_store


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occupancy, "_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(Occupancy.take, "__defaults__", (0.1,))


@asynccontextmanager
async def serving(house: PostgresHouse, *, alone: bool | None) -> AsyncIterator[PostgresStore]:
    first, people = house.addresses
    store = await open_store(first, house.key, people=people, clock=house.clock, alone=alone)
    try:
        yield store
    finally:
        await store.close()


async def refused(house: PostgresHouse, *, alone: bool) -> str:
    with pytest.raises(DataInUseError) as error:
        async with serving(house, alone=alone):
            pass
    return str(error.value)


async def test_who_has_it_alone_lets_nobody_else_serve(served: PostgresHouse) -> None:
    async with serving(served, alone=True):
        assert "[bus] nats_url" in await refused(served, alone=True)
        assert "because it has no message bus" in await refused(served, alone=False)
        # A look from beside is not serving.
        async with serving(served, alone=None) as beside:
            await beside.mailbox.position(ALICE)
    async with serving(served, alone=True):
        pass


async def test_who_shares_it_shares_it_with_those_who_do(served: PostgresHouse) -> None:
    async with serving(served, alone=False) as one, serving(served, alone=False) as other:
        at = await found(one, ALICE, BOB)
        await say(other, at, event(at.conv, ALICE, (BOB,)))
        assert "serves from this database" in await refused(served, alone=True)


async def test_one_that_was_killed_is_waited_for(
    served: PostgresHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Occupancy.take, "__defaults__", (10.0,))
    async with serving(served, alone=True) as store:
        assert store.occupancy is not None

        async def end() -> None:
            await asyncio.sleep(0.05)
            await store.close()

        ending = asyncio.create_task(end())
        async with serving(served, alone=True) as next_one:
            await next_one.mailbox.position(ALICE)
        await ending


async def cut(house: PostgresHouse) -> None:
    """End the connections of whoever holds a database, as a restart of the server does."""
    con = await asyncpg.connect(house._dsn(people=True))
    await con.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    await con.close()


async def lost(store: PostgresStore) -> None:
    assert store.occupancy is not None
    async with asyncio.timeout(10):
        while store.occupancy.losses == 0:  # noqa: ASYNC110 - the server ends the connection
            await asyncio.sleep(0.01)


async def regained(store: PostgresStore) -> None:
    async with asyncio.timeout(10):
        while store.database.refusal is not None:  # noqa: ASYNC110 - the server decides
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("alone", [True, False])
async def test_a_lost_hold_is_taken_again(served: PostgresHouse, alone: bool) -> None:
    async with serving(served, alone=alone) as store:
        at = await found(store, ALICE, BOB)
        for _ in range(2):
            assert store.occupancy is not None
            store.occupancy.losses = 0
            await cut(served)
            await lost(store)
            await regained(store)
            at = await say(store, at, event(at.conv, ALICE, (BOB,)))
        if alone:
            await refused(served, alone=True)


async def test_while_the_hold_is_lost_nothing_is_served(
    served: PostgresHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(served, alone=True) as store:
        at = await found(store, ALICE, BOB)

        async def away(self: Occupancy) -> bool:
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr(Occupancy, "_try", away)
            await cut(served)
            await lost(store)
            with pytest.raises(StoreUnavailableError, match="hold on the database was lost"):
                await say(store, at, event(at.conv, ALICE, (BOB,)))
            with pytest.raises(StoreUnavailableError, match="hold on the database was lost"):
                await store.mailbox.position(ALICE)
        await regained(store)
        await say(store, at, event(at.conv, ALICE, (BOB,)))


async def test_who_was_replaced_meanwhile_serves_no_more(
    served: PostgresHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Occupancy._try
    async with serving(served, alone=True) as store:
        mine = store.occupancy

        async def late(self: Occupancy) -> bool:
            return False if self is mine else await original(self)

        with monkeypatch.context() as patch:
            patch.setattr(Occupancy, "_try", late)
            await cut(served)
            await lost(store)
            async with serving(served, alone=True) as other:
                await found(other, ALICE, BOB)
        assert mine is not None
        assert mine._task is not None
        await mine._task
        # What it remembers is from before: it must not be believed.
        with pytest.raises(StoreUnavailableError, match="restart this one"):
            await store.mailbox.position(ALICE)


async def test_a_hold_says_nothing_of_its_address(served: PostgresHouse) -> None:
    async with serving(served, alone=True) as store:
        assert served.postgresql.server.password not in repr(store.occupancy)
        assert isinstance(Address(served.addresses[0]), Address)
