"""Where people live in another database, what they are told survives a failure there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.houses import SqliteHouse
from tests.store.making import ALICE, BOB, event, found, member_event, say

from halfdoor.messaging.mailbox import EVENT
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.opening import Store
from halfdoor.store.sqlite.projection import Projector


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[SqliteHouse]:
    house = SqliteHouse(tmp_path, two_files=True)
    yield house
    await house.store.close()


async def waiting(store: Store) -> int:
    found: int = await store.database.read(
        lambda con: con.execute("SELECT count(*) FROM fanout").fetchone()[0], Side.CONVERSATIONS
    )
    return found


async def limit_people(store: Store, pages: int) -> None:
    await store.database.write(
        lambda con: con.execute(f"PRAGMA max_page_count={pages}").fetchone(), Side.PEOPLE
    )


async def told(store: Store, user: str, conv: str) -> list[int]:
    rows = await store.mailbox.inbox(user, after=0, limit=9999)
    return [row.seq for row in rows if row.conv == conv]


async def test_people_are_told_later_in_order_if_their_side_is_full(apart: SqliteHouse) -> None:
    store = apart.store
    rooms = [await found(store, ALICE, BOB) for _ in range(3)]
    await limit_people(store, 1)
    # Enough for the tables to need more pages than they have.
    outcomes = await asyncio.gather(
        *(say(store, at, *(event(at.conv, ALICE, (BOB,)) for _ in range(200))) for at in rooms),
        return_exceptions=True,
    )
    assert all(isinstance(one, StoreUnavailableError) for one in outcomes)
    assert await waiting(store) >= 3
    assert await told(store, BOB, rooms[0].conv) == [3]
    await limit_people(store, 100_000)
    await say(store, rooms[0], event(rooms[0].conv, BOB, (ALICE,)))
    assert await told(store, BOB, rooms[0].conv) == list(range(3, 205))
    for at in rooms[1:]:
        assert await told(store, BOB, at.conv) == list(range(3, 204))
    await store.conversations.sweep()
    assert await waiting(store) == 0


async def test_a_sweep_tells_what_was_left(apart: SqliteHouse) -> None:
    store = apart.store
    at = await found(store, ALICE, BOB)
    await limit_people(store, 1)
    lost = [event(at.conv, ALICE, (BOB,)) for _ in range(300)]
    with pytest.raises(StoreUnavailableError):
        await say(store, at, *lost, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    await limit_people(store, 100_000)
    await store.conversations.sweep()
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert (place.membership, place.notify) == ("join", 0)
    assert await told(store, BOB, at.conv) == list(range(3, 305))
    # A client that sends the same again is answered with what was kept.
    again = await say(store, at, *lost)
    assert again.repeat
    assert await told(store, BOB, at.conv) == list(range(3, 305))


async def test_entries_met_again_are_not_told_again(apart: SqliteHouse) -> None:
    at = await found(apart.store, ALICE, BOB)
    await say(apart.store, at, event(at.conv, ALICE, (BOB,)))
    assert await waiting(apart.store) == 1
    before = await told(apart.store, BOB, at.conv)
    for _ in range(2):
        await apart.reopen()
        assert await told(apart.store, BOB, at.conv) == before
    store = apart.store
    await say(store, at, event(at.conv, ALICE, (BOB,)))
    assert await told(store, BOB, at.conv) == [*before, 5]


async def test_a_conversation_that_cannot_be_told_holds_up_no_other(
    apart: SqliteHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = apart.store
    sick, sound = await found(store, ALICE, BOB), await found(store, ALICE, BOB)
    project = Projector.project

    def failing(self, con, tellings):  # type: ignore[no-untyped-def]
        if any(telling is not None and telling.conv == sick.conv for telling in tellings):
            raise ZeroDivisionError
        return project(self, con, tellings)

    with monkeypatch.context() as patch:
        patch.setattr(Projector, "project", failing)
        outcomes = await asyncio.gather(
            say(store, sick, event(sick.conv, ALICE, (BOB,))),
            say(store, sound, event(sound.conv, ALICE, (BOB,))),
            say(store, sick, event(sick.conv, ALICE, (BOB,))),
            return_exceptions=True,
        )
        assert isinstance(outcomes[0], ZeroDivisionError)
        assert not isinstance(outcomes[1], BaseException)
        assert isinstance(outcomes[2], StoreUnavailableError)
        assert await told(store, BOB, sick.conv) == [3]
        assert await told(store, BOB, sound.conv) == [3, 4]
    await store.conversations.sweep()
    assert await told(store, BOB, sick.conv) == [3, 4, 5]
    rows = await store.mailbox.inbox(BOB, after=0, limit=99)
    assert [row.kind for row in rows if row.conv == sick.conv][1:] == [EVENT, EVENT]
