"""Two nodes on one PostgreSQL write the same conversations, and neither believes its memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.store.making import (
    ALICE,
    BOB,
    CAROL,
    StoppedClock,
    Store,
    chains,
    epoch_start,
    event,
    found,
    founding,
    member_event,
    say,
)
from tests.store.postgres_houses import PostgresHouse
from tests.store.test_months_end import leave_and_end
from tests.store.test_redaction_and_hold import MONTH_MS
from tests.store.test_retention import end

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.records import AccountRecord, LoginToken, PersonRecord
from halfdoor.accounts.store import Change
from halfdoor.clock import month_of
from halfdoor.ids import bucket
from halfdoor.messaging.ledger import Append, LateWrap, StaleError
from halfdoor.messaging.mailbox import DEVICE_LIST, EVENT, AccountData
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore, open_store
from halfdoor.store.postgres.outbox import Outbox
from halfdoor.store.postgres.sweeper import Sweeper


@pytest.fixture
async def other(served: PostgresHouse) -> AsyncIterator[PostgresStore]:
    """A second node on the same databases."""
    first, people = served.addresses
    store = await open_store(first, served.key, people=people, clock=served.clock)
    yield store
    await store.close()


async def test_a_change_on_one_node_binds_the_other(
    served: PostgresHouse, other: PostgresStore
) -> None:
    store = served.store
    at = await found(store, ALICE, BOB)
    moved = await say(other, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    with pytest.raises(StaleError):
        await say(store, at, event(at.conv, ALICE, (BOB,)))
    await say(store, moved, event(at.conv, ALICE, (BOB,)))
    await other.conversations.end_epoch(at.conv, [])
    with pytest.raises(StaleError):
        await say(store, moved, event(at.conv, ALICE, (BOB,)))


async def test_two_nodes_number_one_conversation_without_gaps(
    served: PostgresHouse, other: PostgresStore
) -> None:
    nodes: tuple[Store, Store] = (served.store, other)
    rooms = [await found(served.store, ALICE, BOB) for _ in range(3)]
    # Everybody sends into every room from both nodes at once.
    said = await asyncio.gather(
        *(
            say(node, at, event(at.conv, sender, (to,)))
            for _ in range(15)
            for node in nodes
            for at in rooms
            for sender, to in ((ALICE, BOB), (BOB, ALICE))
        )
    )
    assert len(said) == 180
    assert [report.detail for report in await chains(other)] == ["63 events"] * 3
    for at in rooms:
        seqs = sorted(one.seq for done in said if done.conv == at.conv for one in done.events)
        assert seqs == list(range(4, 64))
    for user in (ALICE, BOB):
        rows = await other.mailbox.inbox(user, after=0, limit=999)
        assert [row.pos for row in rows] == list(range(1, len(rows) + 1))
        for at in rooms:
            told = [row.seq for row in rows if row.conv == at.conv and row.kind == EVENT]
            assert told == sorted(set(told))
            assert told[-60:] == list(range(4, 64))


async def test_of_two_nodes_that_start_the_same_epoch_one_is_stale(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    at = await say(served.store, at, event(at.conv, ALICE), ends_epoch=True)
    outcomes = await asyncio.gather(
        *(
            say(node, at, event(at.conv, ALICE), start=epoch_start(2, ALICE, BOB))
            for node in (served.store, other)
        ),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["Committed", "StaleError"]


async def test_an_epoch_that_one_node_ends_is_ended_whatever_the_other_writes(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    for _ in range(15):
        said, _ = await asyncio.gather(
            say(served.store, at, event(at.conv, ALICE, (BOB,))),
            other.conversations.end_epoch(at.conv, []),
            return_exceptions=True,
        )
        room = await other.conversations.room(at.conv)
        assert room is not None
        # Either the message came first, or it is stale: the epoch is over in both cases.
        assert room.head.hh is None
        kept = 0 if isinstance(said, StaleError) else 1
        assert room.head.last_seq == at.head.last_seq + kept
        begun = epoch_start(room.head.epoch + 1, ALICE, BOB)
        first = Append(at.conv, (None, room.head.revision), (event(at.conv, BOB),), start=begun)
        at = await served.store.conversations.append(first)
    assert all(report.ok for report in await chains(other))


async def test_one_conversation_is_made_by_one_node(
    served: PostgresHouse, other: PostgresStore
) -> None:
    for n in range(10):
        begin = [founding(f"!same{n}:a.example", ALICE, BOB) for _ in range(2)]
        outcomes = await asyncio.gather(
            served.store.conversations.append(begin[0]),
            other.conversations.append(begin[1]),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["Committed", "StaleError"]


async def test_a_request_repeated_at_another_node_is_kept_once(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    for _ in range(10):
        said = event(at.conv, ALICE, (BOB,))
        one, two = await asyncio.gather(say(served.store, at, said), say(other, at, said))
        assert sorted([one.repeat, two.repeat]) == [False, True]
        assert one.events[0].seq == two.events[0].seq
    assert [report.detail for report in await chains(other)] == ["13 events"]
    assert len(await other.mailbox.inbox(BOB, after=0, limit=99)) == 11


async def test_people_who_are_new_in_one_bucket_get_each_their_own_number(
    served: PostgresHouse, other: PostgresStore
) -> None:
    wanted = bucket(ALICE)
    users = [user for user in (f"@p{n}:a.example" for n in range(60_000)) if bucket(user) == wanted]
    await asyncio.gather(
        *(
            node.mailbox.tell(user, DEVICE_LIST, BOB)
            for user in users[:8]
            for node in (served.store, other)
        )
    )
    for user in users[:8]:
        assert [row.pos for row in await other.mailbox.inbox(user, after=0, limit=9)] == [1, 2]


async def test_of_two_last_reservations_at_two_nodes_one_is_refused(
    served: PostgresHouse, other: PostgresStore
) -> None:
    for n in range(10):
        pair = (ALICE, f"@new{n}:a.example")
        answers = await asyncio.gather(
            served.store.mailbox.reserve_contact(*pair, "$1", limit=1),
            other.mailbox.reserve_contact(*pair, "$2", limit=1),
        )
        assert sorted(answers) == [False, True]


async def test_a_chain_of_readers_grows_by_one_record_at_a_time(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    (epoch,) = await other.conversations.newest_epochs(at.conv, ALICE, 1)
    records = [
        LateWrap(1, user, user.encode(), user.encode().ljust(32), b"wrap", epoch.hh)
        for user in (BOB, CAROL)
    ]
    outcomes = await asyncio.gather(
        served.store.conversations.add_readers(at.conv, records[:1]),
        other.conversations.add_readers(at.conv, records[1:]),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["StaleError", "tuple"]


async def test_a_month_key_that_one_node_makes_opens_at_the_other(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    served.clock.now += MONTH_MS
    said = event(at.conv, ALICE, (BOB,))
    await say(other, at, said)
    assert await served.store.conversations.event(at.conv, said.fields.event_id) is not None
    # And a write that has to open what the other sealed.
    served.clock.now += MONTH_MS
    last = event(at.conv, ALICE, (BOB,))
    at = await say(other, at, last)
    redaction = event(at.conv, ALICE, redacts=last.fields.event_id, destroy_after=5)
    await say(served.store, at, redaction)
    assert all(report.ok for report in await chains(served.store))


async def test_two_nodes_that_make_the_keys_of_a_month_have_the_same(
    served: PostgresHouse, other: PostgresStore
) -> None:
    nodes = (served.store, other)
    for _ in range(5):
        served.clock.now += MONTH_MS
        months = await asyncio.gather(*(one.keys.ready_month(one.database) for one in nodes))
        holds = await asyncio.gather(*(one.keys.ready_hold(one.database) for one in nodes))
        assert months[0] == months[1]
        assert holds[0] == holds[1]
        for number in (months[0], holds[0]):
            sealed = nodes[0].keys.outer.seal(number, "t", "p", ["k"], b"body")
            assert nodes[1].keys.outer.open("t", "p", ["k"], sealed) == b"body"


async def test_a_hold_key_that_one_node_destroyed_seals_nothing_at_the_other(
    served: PostgresHouse, other: PostgresStore
) -> None:
    number = await served.store.keys.ready_hold(served.store.database)
    await other.keys.refresh(other.database)
    served.clock.now += 3 * MONTH_MS
    await served.store.destroy_held(0)
    assert number not in served.store.keys.outer.generations
    # The number is given again to another key, and both nodes mean that one.
    assert await served.store.keys.ready_hold(served.store.database) == number
    assert await other.keys.ready_hold(other.database) == number
    sealed = other.keys.outer.seal(number, "t", "p", ["k"], b"body")
    assert served.store.keys.outer.open("t", "p", ["k"], sealed) == b"body"


async def test_nodes_that_open_an_empty_database_at_once_have_the_same_secrets(
    served: PostgresHouse,
) -> None:
    await served.store.close()
    await served.change("DELETE FROM data_key")
    await served.change("DELETE FROM secret")
    first, people = served.addresses
    clock = StoppedClock()
    stores = await asyncio.gather(
        *(open_store(first, served.key, people=people, clock=clock) for _ in range(4))
    )
    assert len({store.secrets() for store in stores}) == 1
    macs = {store.keys.row_mac("person", "@a:b.c", ["@a:b.c"], ["x"]) for store in stores}
    assert len(macs) == 1
    await asyncio.gather(*(store.close() for store in stores))


async def test_of_two_changes_of_an_account_one_is_refused(
    served: PostgresHouse, other: PostgresStore
) -> None:
    here, there = (PostgresAccounts(store.database, store.keys) for store in (served.store, other))
    account = AccountRecord(user=ALICE, created=1)
    for expects in (None, 0, 1):
        change = Change(account=account, expects=expects)
        outcomes = await asyncio.gather(
            here.commit(change), there.commit(change), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in outcomes) == [
            "AccountRecord",
            ConflictError.__name__,
        ]


async def test_a_login_token_is_taken_at_one_node(
    served: PostgresHouse, other: PostgresStore
) -> None:
    here, there = (PostgresAccounts(store.database, store.keys) for store in (served.store, other))
    ub = bucket(ALICE)
    for n in range(10):
        token = LoginToken(lookup=bytes([n]) * 32, user=ALICE, expires=9)
        await here.put_login_token(token)
        taken = await asyncio.gather(
            here.take_login_token(ub, token.lookup), there.take_login_token(ub, token.lookup)
        )
        assert taken.count(None) == 1


async def test_facts_of_a_person_changed_at_two_nodes_are_all_kept(
    served: PostgresHouse, other: PostgresStore
) -> None:
    here, there = (PostgresAccounts(store.database, store.keys) for store in (served.store, other))
    # Of a person who is new, and again and again of one who is known.
    for n in range(10):
        for user in (f"@fact{n}:a.example", BOB):
            await asyncio.gather(
                here.change_persons({user: {"region": f"R{n}"}}),
                there.change_persons({user: {"guardian": f"@g{n}:a.example"}}),
            )
            persons = await here.persons([user])
            expected = PersonRecord(user=user, region=f"R{n}", guardian=f"@g{n}:a.example")
            assert persons[user] == expected


async def test_account_data_written_at_two_nodes_stands_at_two_positions(
    served: PostgresHouse, other: PostgresStore
) -> None:
    told = await asyncio.gather(
        *(
            node.mailbox.set_account_data(ALICE, AccountData("", str(n), b"x", False, 0))
            for n in range(10)
            for node in (served.store, other)
        )
    )
    assert sorted(one.pos for one in told) == list(range(1, 21))


async def test_whoever_delivers_first_tells_what_the_other_node_left(
    served: PostgresHouse, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not served.apart:
        # Both sides share a transaction: there is nothing that could be left.
        assert served.store.conversations._outbox is None
        return
    at = await found(served.store, ALICE, BOB)

    async def dying(self: Outbox, tellings: list[object]) -> list[object]:
        return [ZeroDivisionError() for _ in tellings]

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "deliver", dying)
        with pytest.raises(ZeroDivisionError):
            await say(served.store, at, event(at.conv, ALICE, (BOB,)))
    await say(other, at, event(at.conv, ALICE, (BOB,)))
    await served.store.conversations.sweep()
    await other.conversations.sweep()
    seqs = [row.seq for row in await other.mailbox.inbox(BOB, after=0, limit=99)]
    assert seqs == [3, 4, 5]
    assert await served.ask("SELECT count(*) FROM fanout") == [(0,)]


async def test_a_living_node_tells_what_a_dead_one_left(
    served: PostgresHouse, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(served.store, ALICE, BOB)
    outbox = served.store.conversations._outbox
    if outbox is None:
        assert other.database.shared
        return

    async def dying(self: Outbox, tellings: list[object]) -> list[object]:
        return [ZeroDivisionError() for _ in tellings]

    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "deliver", dying)
        with pytest.raises(ZeroDivisionError):
            await say(served.store, at, event(at.conv, ALICE, (BOB,)))
    left = Outbox(other.database, other.keys)
    # What is new may be on its way; what is still there the next time is not.
    await left.sweep_left()
    assert await other.mailbox.position(BOB) == 1
    sweeper = Sweeper(left, seconds=0.01)
    async with asyncio.timeout(10):
        while await other.mailbox.position(BOB) == 1:
            continue
    await sweeper.close()
    assert [row.seq for row in await other.mailbox.inbox(BOB, after=0, limit=9)] == [3, 4]


async def test_retention_on_one_node_binds_the_other(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    at = await say(other, at, event(at.conv, ALICE, (BOB,)))
    at = await say(other, at, event(at.conv, BOB), start=epoch_start(2, ALICE, BOB))
    glance = (await other.conversations.glances([at.conv]))[at.conv]
    await end(served.store, at.conv, 20_002)
    assert (await other.conversations.glances([at.conv]))[at.conv].begins == 5 != glance.begins
    # What the other seals and opens goes on when the month has ended here.
    served.clock.now += 3 * MONTH_MS
    await leave_and_end(served.store, month_of(served.clock.now) - 1)
    assert [one.seq for one in (await say(other, at, event(at.conv, ALICE))).events] == [6]
    room = await other.conversations.room(at.conv)
    assert room is not None
    assert room.begins == 5
    assert all(report.ok for report in await chains(served.store))


async def test_a_hold_on_one_node_is_kept_by_the_other(
    served: PostgresHouse, other: PostgresStore
) -> None:
    at = await found(served.store, ALICE, BOB)
    await served.store.retention.freeze(at.conv, "case 1")
    await end(other, at.conv, 20_009)
    events = await other.conversations.events(
        at.conv, after=0, before=99, limit=99, newest_first=False
    )
    assert len(events) == 3
    # Both end it, and begin another, at the same time: no key goes while a hold is about to use it.
    await asyncio.gather(
        served.store.retention.thaw(at.conv, "case 1"),
        other.retention.freeze(at.conv, "case 2"),
        other.retention.thaw(at.conv, "case 1"),
        served.store.retention.freeze(at.conv, "case 3"),
    )
    for store in (served.store, other):
        await store.keys.refresh(store.database)
        again = await store.conversations.events(
            at.conv, after=0, before=99, limit=99, newest_first=False
        )
        assert again == events
    assert {one.hold for one in await other.retention.freezes(at.conv)} == {"case 2", "case 3"}
    for hold in ("case 2", "case 3"):
        await asyncio.gather(
            served.store.retention.thaw(at.conv, hold), other.retention.thaw(at.conv, hold)
        )
    assert {n for n in served.store.keys.outer.generations if 192 <= n < 256} == set()
    assert all(report.ok for report in await chains(served.store))
