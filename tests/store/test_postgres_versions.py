"""What one process writes about people, another can tell by one look; nobody decides on less."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.store.making import ALICE, BOB, CAROL, event, found, founding
from tests.store.postgres_houses import PostgresHouse

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.records import AccountRecord, Block, Connection, LoginToken, PersonRecord
from halfdoor.accounts.store import Change, Seen
from halfdoor.ids import new_room_id
from halfdoor.messaging.ledger import Append, Committed, Glance, Receipt, StaleError
from halfdoor.messaging.mailbox import AccountData
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore, open_store
from halfdoor.store.postgres.used_names import UsedNames

ALL = (ALICE, BOB, CAROL)


@pytest.fixture
def accounts(served: PostgresHouse) -> PostgresAccounts:
    return PostgresAccounts(served.store.database, served.store.keys)


async def versions(store: PostgresStore) -> dict[str, int]:
    """Return the versions of everybody; 0 for those without a stream."""
    found = await store.mailbox.standings(ALL)
    return {user: found[user].version if user in found else 0 for user in ALL}


async def moved_by(store: PostgresStore, act: Awaitable[object]) -> set[str]:
    """Do *act* and return whose version it moved."""
    before = await versions(store)
    await act
    after = await versions(store)
    assert all(after[user] >= before[user] for user in ALL)
    return {user for user in ALL if after[user] != before[user]}


WRITES: list[tuple[str, Callable[[PostgresAccounts], Awaitable[object]], set[str]]] = [
    ("person", lambda a: a.put_persons([PersonRecord(user=ALICE), PersonRecord(user=BOB)]),
     {ALICE, BOB}),
    ("facts", lambda a: a.change_persons({BOB: {"suspended": True}}), {BOB}),
    ("connection", lambda a: a.put_connections([Connection(a=ALICE, b=BOB, source="x", since=1)]),
     {ALICE, BOB}),
    ("no connection", lambda a: a.drop_connection(ALICE, CAROL), {ALICE, CAROL}),
    ("block", lambda a: a.put_block(Block(user=ALICE, peer=BOB, since=1)), {ALICE}),
    ("no block", lambda a: a.drop_block(ALICE, BOB), {ALICE}),
    ("account", lambda a: a.commit(_made(ALICE)), {ALICE}),
    ("profile", lambda a: a.set_profile(ALICE, {"displayname": "A"}), set()),
    ("use", lambda a: a.seen(ALICE, Seen("s", "d", 1, None)), set()),
    ("login token", lambda a: a.put_login_token(LoginToken(lookup=b"x" * 32, user=ALICE,
                                                           expires=1)), set()),
]  # fmt: skip


def _made(user: str) -> Change:
    return Change(account=AccountRecord(user=user, created=1, revision=-1), expects=None)


async def test_every_write_that_others_remember_moves_a_version(
    served: PostgresHouse, accounts: PostgresAccounts
) -> None:
    for what, act, users in WRITES:
        # The first of them come before anybody has a stream.
        assert await moved_by(served.store, act(accounts)) == users, what
    for what, act, users in WRITES[:-2]:
        if what != "account":
            assert await moved_by(served.store, act(accounts)) == users, what


async def test_a_change_that_is_refused_moves_nothing(
    served: PostgresHouse, accounts: PostgresAccounts
) -> None:
    await accounts.commit(_made(ALICE))
    before = await versions(served.store)
    with pytest.raises(ConflictError):
        await accounts.commit(_made(ALICE))
    assert await versions(served.store) == before


async def test_account_data_that_the_server_acts_on_moves_a_version(served: PostgresHouse) -> None:
    mailbox = served.store.mailbox

    def put(room: str, kind: str, *, sealed: bool) -> Awaitable[object]:
        return mailbox.set_account_data(ALICE, AccountData(room, kind, b"{}", sealed, 0))

    assert await moved_by(served.store, put("", "m.push_rules", sealed=False)) == {ALICE}
    assert await moved_by(served.store, put("", "m.direct", sealed=True)) == set()
    assert await moved_by(served.store, put("!r:a", "m.fully_read", sealed=False)) == set()


async def test_what_others_write_to_a_person_moves_the_position_alone(
    served: PostgresHouse,
) -> None:
    await found(served.store, ALICE, BOB)
    standings = await served.store.mailbox.standings(ALL)
    assert {user: one.pos for user, one in standings.items()} == {ALICE: 3, BOB: 1}
    assert {one.version for one in standings.values()} == {0}


async def test_who_decided_on_old_people_is_refused_and_the_others_are_not(
    served: PostgresHouse, accounts: PostgresAccounts
) -> None:
    store = served.store
    at = await found(store, ALICE, BOB)
    stood = tuple((await versions(store)).items())

    def append(versions: tuple[tuple[str, int], ...]) -> Append:
        expects = (at.head.hh, at.head.revision)
        new = event(at.conv, ALICE, (BOB,))
        return Append(at.conv, expects, (new,), versions=versions)

    first = append(stood)
    kept = await store.conversations.append(first)
    await accounts.put_block(Block(user=BOB, peer=ALICE, since=1))
    with pytest.raises(StaleError):
        await store.conversations.append(append(stood))
    # Somebody who was nobody, and is somebody now.
    await accounts.change_persons({CAROL: {"region": "FI"}})
    fresh = tuple((await versions(store)).items())
    stale = tuple((user, 0 if user == CAROL else version) for user, version in fresh)
    with pytest.raises(StaleError):
        await store.conversations.append(append(stale))
    # A repeat is no decision: it was answered already.
    if served.apart:
        # Two databases tell what is new first: it is decided anew, and then found to be there.
        first = msgspec.structs.replace(first, versions=fresh)
    again = await store.conversations.append(first)
    assert (again.repeat, again.events) == (True, kept.events)
    # In one batch the ones go and the others stay, each answered for itself.
    work = store.conversations._writer._groups[0]._commit
    from halfdoor.store.postgres.append import AppendWork

    month = store.keys.month()
    items = [append(fresh), append(stood), append(()), append(stale), append(fresh)]
    outcomes = await work([AppendWork(item, month, None) for item in items])
    assert [type(one) for one in outcomes] == [
        Committed,
        StaleError,
        Committed,
        StaleError,
        Committed,
    ]
    assert [one.events[0].seq for one in outcomes if isinstance(one, Committed)] == [5, 6, 7]


async def test_a_conversation_is_made_by_what_holds_of_its_people(
    served: PostgresHouse, accounts: PostgresAccounts
) -> None:
    await accounts.put_persons([PersonRecord(user=BOB)])
    made = founding(new_room_id("a.example"), ALICE, BOB)
    with pytest.raises(StaleError):
        await served.store.conversations.append(
            msgspec.structs.replace(made, versions=((ALICE, 0), (BOB, 0)))
        )
    assert await served.store.conversations.room(made.conv) is None
    made = founding(new_room_id("a.example"), ALICE, BOB)
    # Of somebody to whom nothing was ever written, nothing changed.
    assert ALICE not in await served.store.mailbox.standings([ALICE])
    await served.store.conversations.append(
        msgspec.structs.replace(made, versions=((ALICE, 0), (BOB, 1)))
    )


async def test_a_glance_shows_where_conversations_stand(served: PostgresHouse) -> None:
    first, people = served.addresses
    store = await open_store(first, served.key, people=people, clock=served.clock, alone=False)
    try:
        at, other = await found(store, ALICE, BOB), await found(store, ALICE, CAROL)
        glances = await store.conversations.glances([at.conv, "!none:a", other.conv])
        assert {conv: one.head for conv, one in glances.items()} == {
            at.conv: at.head,
            other.conv: other.head,
        }
        receipt = Receipt(ALICE, "m.read", None, at.events[0].fields.event_id, 1, 5)

        async def glance() -> Glance:
            return (await store.conversations.glances([at.conv]))[at.conv]

        before = await glance()
        await store.conversations.set_receipt(at.conv, receipt, [BOB])
        after = await glance()
        assert after.told > before.told
        assert after.head == before.head
        # Nothing moved, so nothing is shown to have.
        await store.conversations.set_receipt(at.conv, receipt, [BOB])
        assert await glance() == after
        assert await store.conversations.receipts(at.conv) == (receipt,)
        assert await store.conversations.receipts("!none:a") == ()
    finally:
        await store.close()


async def test_the_name_of_a_request_is_good_once_at_whichever_process(
    served: PostgresHouse,
) -> None:
    store = served.store
    here = UsedNames(store.database, store.secrets().k_lookup)
    there = UsedNames(store.database, store.secrets().k_lookup)
    assert await here.take("canary-jti", 2_000, 1_000)
    assert not await there.take("canary-jti", 2_000, 1_500)
    assert not await here.take("canary-jti", 2_000, 1_500)
    assert await there.take("another", 2_000, 1_500)
    # Of two at the same time one is refused.
    both = await asyncio.gather(here.take("both", 2_000, 1_500), there.take("both", 2_000, 1_500))
    assert sorted(both) == [False, True]
    # Nothing is kept for longer than it counts, and the name itself never.
    assert await there.take("canary-jti", 9_000, 2_000)
    assert b"canary-jti" not in await served.raw()
    assert "k_lookup" not in repr(here)
