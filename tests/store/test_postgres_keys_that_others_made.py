"""Keys that one node makes open at the other, also where many ask there at the same moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.store.making import ALICE, BOB, event, found, member_event, say
from tests.store.postgres_houses import PostgresHouse
from tests.store.test_redaction_and_hold import MONTH_MS

from halfdoor.accounts.records import PersonRecord
from halfdoor.clock import month_of
from halfdoor.messaging.mailbox import AccountData
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.database import Side
from halfdoor.store.postgres.opening import PostgresStore, open_store

# More than there are connections, so that some find what others brought.
READERS = 24


@pytest.fixture
async def other(served: PostgresHouse) -> AsyncIterator[PostgresStore]:
    """A second node on the same databases."""
    first, people = served.addresses
    store = await open_store(first, served.key, people=people, clock=served.clock)
    yield store
    await store.close()


class Overtaken:
    """Lets somebody else bring the newest keys just after a read or write met one it lacks."""

    def __init__(self, store: PostgresStore, patch: pytest.MonkeyPatch) -> None:
        self._store = store
        self.met = 0
        database = store.database
        self._read, self._write = database.read, database.write
        self._transaction = database.transaction
        for name in ("read", "write", "transaction"):
            patch.setattr(database, name, getattr(self, name))

    async def read(self, *given: Any) -> Any:
        async with self._overtaking():
            return await self._read(*given)

    async def write(self, *given: Any) -> Any:
        async with self._overtaking():
            return await self._write(*given)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._overtaking(), self._transaction() as con:
            yield con

    @contextlib.asynccontextmanager
    async def _overtaking(self) -> AsyncIterator[None]:
        try:
            yield
        except (Denied, RowMacError):
            self.met += 1
            await self._store.keys.refresh(self._store.database)
            raise


async def test_many_readers_at_once_open_what_another_node_sealed_under_a_new_key(
    served: PostgresHouse, other: PostgresStore
) -> None:
    rooms = [await found(served.store, ALICE, BOB) for _ in range(3)]
    for _ in range(3):
        served.clock.now += MONTH_MS
        said = [event(at.conv, ALICE, (BOB,)) for at in rooms]
        rooms = [await say(served.store, at, one) for at, one in zip(rooms, said, strict=True)]
        ids = [(at.conv, one.fields.event_id) for at, one in zip(rooms, said, strict=True)]
        read = await asyncio.gather(
            *(other.conversations.event(*ids[n % 3]) for n in range(READERS)),
            *(other.conversations.room(ids[n % 3][0]) for n in range(READERS)),
        )
        assert None not in read


async def test_many_readers_at_once_open_what_another_node_sealed_under_a_new_account_key(
    served: PostgresHouse, other: PostgresStore
) -> None:
    accounts = PostgresAccounts(served.store.database, served.store.keys)
    theirs = PostgresAccounts(other.database, other.keys)
    for generation in range(2, 5):
        await served.store.keys.renew_account(served.store.database)
        await accounts.put_persons([PersonRecord(user=BOB)])
        await served.store.mailbox.set_account_data(
            BOB, AccountData("", "x", b"{}", sealed=False, pos=0)
        )
        assert other.keys.account == generation - 1
        people, data = await asyncio.gather(
            asyncio.gather(*(theirs.persons([BOB]) for _ in range(READERS))),
            asyncio.gather(*(other.mailbox.account_data(BOB) for _ in range(READERS))),
        )
        assert all(BOB in one for one in people)
        assert all(len(one) == 1 for one in data)


async def test_a_reader_whom_another_overtakes_reads_again(
    served: PostgresHouse, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(served.store, ALICE, BOB)
    served.clock.now += MONTH_MS
    said = event(at.conv, ALICE, (BOB,))
    await say(served.store, at, said)
    overtaken = Overtaken(other, monkeypatch)
    assert await other.conversations.event(at.conv, said.fields.event_id) is not None
    assert overtaken.met == 1


async def test_a_writer_whom_a_reader_overtakes_writes_again(
    served: PostgresHouse, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(served.store, ALICE, BOB)
    await other.keys.ready_month(other.database)
    served.clock.now += MONTH_MS
    said = event(at.conv, ALICE, (BOB,))
    at = await say(served.store, at, said)
    # The clock of this node is behind: it seals under the month before, and knows no other.
    served.clock.now -= MONTH_MS
    overtaken = Overtaken(other, monkeypatch)
    redaction = event(at.conv, ALICE, redacts=said.fields.event_id)
    assert (await say(other, at, redaction)).events[0].seq == at.head.last_seq + 1
    assert overtaken.met == 1


async def test_a_telling_that_a_reader_overtakes_is_told_again(
    served: PostgresHouse, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(served.store, ALICE, BOB)
    await other.keys.ready_month(other.database)
    await served.store.keys.renew_account(served.store.database)
    # The room list row of Bob lies under the new account key from here on.
    at = await say(served.store, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    overtaken = Overtaken(other, monkeypatch)
    said = await say(other, at, event(at.conv, ALICE, (BOB,)))
    assert {one.user for one in said.told} == {ALICE, BOB}
    left = await say(other, said, member_event(at.conv, BOB, BOB, "leave", (ALICE,)))
    assert ALICE in {one.user for one in left.told}
    assert overtaken.met == 1


async def test_a_row_that_was_changed_is_refused_although_nobody_made_a_key(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    await served.change("UPDATE event SET sealed = zeroblob(64)")
    await other.keys.refresh(other.database)
    before = other.keys.changes
    read = await asyncio.gather(
        *(
            other.conversations.events(at.conv, after=0, before=9, limit=9, newest_first=False)
            for _ in range(READERS)
        ),
        return_exceptions=True,
    )
    assert {type(one) for one in read} == {Denied}
    assert other.keys.changes == before


class Late:
    """A connection whose first answer about the keys comes after somebody else had a newer one."""

    def __init__(self, con: Any, meanwhile: Any) -> None:
        self._con = con
        self._meanwhile = [meanwhile]

    async def fetch(self, *given: Any) -> Any:
        rows = await self._con.fetch(*given)
        if self._meanwhile:
            await self._meanwhile.pop()()
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


async def test_an_old_answer_takes_no_key_away_that_a_newer_one_brought(
    served: PostgresHouse, other: PostgresStore
) -> None:
    served.clock.now += MONTH_MS
    month = month_of(served.clock.now)

    async def another_looks() -> None:
        await served.store.keys.ready_month(served.store.database)
        await other.keys.refresh(other.database)
        assert month in other.keys.outer.generations

    async def look(con: Any) -> None:
        await other.keys.load(Late(con, another_looks))

    await other.database.write(look, Side.CONVERSATIONS)
    assert month in other.keys.outer.generations
