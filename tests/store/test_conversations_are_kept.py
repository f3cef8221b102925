"""What is appended is what is read, in order, once."""

import asyncio

import pytest
from tests.store.houses import House
from tests.store.making import (
    ALICE,
    BOB,
    CAROL,
    SET,
    Store,
    chains,
    epoch_start,
    event,
    found,
    founding,
    member_event,
    say,
    saying,
)

from halfdoor.messaging.ledger import (
    Append,
    LateWrap,
    MembershipChange,
    Receipt,
    SealedState,
    StaleError,
)
from halfdoor.messaging.mailbox import EVENT, INVITE, OWED, READER, RECEIPT
from halfdoor.sealing.chain import advance
from halfdoor.sealing.envelope import clear_body
from halfdoor.store.errors import StoreClosedError, UnknownConversationError


async def test_an_append_to_a_conversation_that_is_not_there_is_refused(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    lost = saying(at, event("!none:a.example", ALICE))
    with pytest.raises(UnknownConversationError):
        await store.conversations.append(type(lost)("!none:a.example", lost.expects, lost.events))
    assert await store.conversations.room("!none:a.example") is None


async def test_writes_to_a_conversation_that_is_not_there_are_refused(store: Store) -> None:
    nowhere = "!none:a.example"
    receipt = Receipt(ALICE, "m.read", None, "$x", 1, 0)
    with pytest.raises(UnknownConversationError):
        await store.conversations.end_epoch(nowhere, [ALICE])
    with pytest.raises(UnknownConversationError):
        await store.conversations.add_readers(nowhere, [])
    with pytest.raises(UnknownConversationError):
        await store.conversations.set_receipt(nowhere, receipt, [])


async def test_an_append_sealed_for_another_epoch_is_stale(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await store.conversations.end_epoch(at.conv, [])
    with pytest.raises(StaleError):
        await say(store, at, event(at.conv, ALICE, (BOB,)))


async def test_an_append_that_saw_an_older_state_is_stale(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await say(store, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    with pytest.raises(StaleError):
        await say(store, at, event(at.conv, ALICE, (BOB,)))


async def test_of_two_that_start_the_same_epoch_one_is_stale(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    at = await say(store, at, event(at.conv, ALICE), ends_epoch=True)
    rivals = [
        say(store, at, event(at.conv, user), start=epoch_start(2, ALICE, BOB))
        for user in (ALICE, BOB)
    ]
    outcomes = await asyncio.gather(*rivals, return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Committed", "StaleError"]
    assert all(report.ok for report in await chains(store))


async def test_an_epoch_that_is_not_the_next_is_stale(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    with pytest.raises(StaleError):
        await say(store, at, event(at.conv, ALICE), start=epoch_start(3, ALICE, BOB))


async def test_a_conversation_is_made_once(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    with pytest.raises(StaleError):
        await store.conversations.append(founding(at.conv, ALICE, CAROL))
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.head == at.head


async def test_a_conversation_cannot_begin_without_an_epoch(store: Store) -> None:
    begin = founding("!new:a.example", ALICE)
    with pytest.raises(StaleError):
        await store.conversations.append(
            type(begin)(begin.conv, (None, 0), begin.events, creates=True)
        )
    assert await store.conversations.room("!new:a.example") is None


async def test_a_repeat_is_answered_with_what_was_kept_the_first_time(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,))
    first = await say(store, at, said)
    again = event(at.conv, ALICE, (BOB,), event_id=said.fields.event_id, body=b"\x01other")
    second = await say(store, at, again)
    assert second.repeat
    assert not first.repeat
    assert second.events == first.events
    assert second.told == ()
    assert len(await store.mailbox.inbox(BOB, after=0, limit=99)) == 2


async def test_a_repeat_is_answered_even_when_the_conversation_moved_on(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,))
    first = await say(store, at, said)
    await store.conversations.end_epoch(at.conv, [])
    assert (await say(store, at, said)).events == first.events


async def test_a_repeat_that_began_and_ended_an_epoch_is_answered_too(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await store.conversations.end_epoch(at.conv, [])
    # Afterwards no epoch is current, just as before: only the epoch's number tells.
    item = Append(
        at.conv,
        (None, at.head.revision),
        (event(at.conv, ALICE),),
        start=epoch_start(2, ALICE, BOB),
        ends_epoch=True,
    )
    first = await store.conversations.append(item)
    second = await store.conversations.append(item)
    assert second.repeat
    assert second.events == first.events


async def test_a_repeat_beside_its_first_in_one_batch_is_kept_once(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,))
    others = [event(at.conv, BOB, (ALICE,)) for _ in range(5)]
    outcomes = await asyncio.gather(*(say(store, at, one) for one in (said, *others, said)))
    assert [one.repeat for one in outcomes] == [False] * 6 + [True]
    assert outcomes[-1].events == outcomes[0].events
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.head.last_seq == at.head.last_seq + 6


async def test_a_repeated_creation_is_answered_with_the_first(store: Store) -> None:
    begin = founding("!new:a.example", ALICE, BOB)
    first = await store.conversations.append(begin)
    second = await store.conversations.append(begin)
    assert second.repeat
    assert second.events == first.events


async def test_numbers_have_no_gaps_and_the_chain_is_the_plain_one(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    senders = [ALICE, BOB] * 20
    said = await asyncio.gather(*(say(store, at, event(at.conv, one)) for one in senders))
    seqs = sorted(event.seq for one in said for event in one.events)
    assert seqs == list(range(at.head.last_seq + 1, at.head.last_seq + 41))
    events = await store.conversations.events(
        at.conv, after=0, before=10**9, limit=100, newest_first=False
    )
    (record,) = await store.conversations.newest_epochs(at.conv, ALICE, 1)
    chain = record.hh
    for one in events:
        assert one.body is not None
        chain = advance(chain, one.seq, one.fields, one.body)
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.head.chain == chain


async def test_an_event_is_read_as_it_was_written(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    said = event(at.conv, ALICE, (BOB,), hidden_from=(CAROL,), target="$a", rel_type="m.replace")
    (kept,) = (await say(house.store, at, said)).events
    store = await house.reopen()
    assert await store.conversations.event(at.conv, said.fields.event_id) == kept
    assert kept.body == said.body
    assert kept.fields == said.fields
    assert kept.txn == said.txn
    assert kept.hidden_from == (CAROL,)
    assert await store.conversations.event("!none:a.example", said.fields.event_id) is None
    assert await store.conversations.event(at.conv, "$not-an-id") is None


async def test_events_are_read_from_both_ends(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    for _ in range(6):
        await say(store, at, event(at.conv, ALICE))
    read = store.conversations.events
    newest = await read(at.conv, after=2, before=8, limit=3, newest_first=True)
    oldest = await read(at.conv, after=2, before=8, limit=3, newest_first=False)
    assert [one.seq for one in newest] == [7, 6, 5]
    assert [one.seq for one in oldest] == [3, 4, 5]
    none = await read("!none:a.example", after=0, before=9, limit=9, newest_first=True)
    assert none == []


async def test_relations_are_found_by_their_target(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    target = (await say(store, at, event(at.conv, ALICE))).events[0].fields.event_id
    for kind in ("m.annotation", "m.replace", "m.replace"):
        await say(store, at, event(at.conv, BOB, target=target, rel_type=kind))
    await say(store, at, event(at.conv, BOB, target="$other", rel_type="m.replace"))
    found_them = await store.conversations.relations(at.conv, target, before=8, limit=2)
    assert [one.seq for one in found_them] == [7, 6]
    edits = await store.conversations.related(at.conv, [target, "$x"], "m.replace")
    assert [one.seq for one in edits] == [6, 7]
    assert await store.conversations.related("!none:a.example", [target], "m.replace") == []
    assert await store.conversations.relations("!none:a.example", target, before=8, limit=2) == []


async def test_the_room_holds_its_state_log_and_the_newest_header(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    at = await say(store, at, event(at.conv, ALICE), ends_epoch=True)
    assert at.head.hh is None
    at = await say(store, at, event(at.conv, ALICE), start=epoch_start(2, ALICE, BOB))
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert [one.fields.type for one in room.state_log] == [
        "m.room.create",
        "m.room.member",
        "m.room.member",
    ]
    assert room.header == b'{"day":20002,"epoch":2}'
    assert room.head == at.head
    assert (room.head.epoch, room.head.epoch_events, room.head.day) == (2, 1, 20_002)


async def test_sealed_state_is_replaced_and_goes_with_its_redaction(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    topic = event(at.conv, ALICE, (BOB,), type="m.room.topic", state_key="")
    value = SealedState("m.room.topic", "", topic.fields, b"\x01first")
    name = event(at.conv, ALICE, type="m.room.name", state_key="")
    other = SealedState("m.room.name", "", name.fields, b"\x01name")
    at = await say(
        store,
        at,
        event(
            at.conv,
            ALICE,
            type="m.room.topic",
            state_key="",
            event_id=topic.fields.event_id,
            sealed_state=value,
        ),
        event(
            at.conv,
            ALICE,
            type="m.room.name",
            state_key="",
            event_id=name.fields.event_id,
            sealed_state=other,
        ),
    )
    renewed = SealedState("m.room.topic", "", topic.fields, b"\x01second")
    at = await say(
        store,
        at,
        event(at.conv, BOB),
        start=epoch_start(2, ALICE, BOB, sealed_state=(renewed,)),
    )
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.sealed_state == (other, renewed)
    await say(store, at, event(at.conv, ALICE, redacts=topic.fields.event_id, destroy_after=1))
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.sealed_state == (other,)


async def test_each_reader_gets_their_own_wraps(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    at = await say(store, at, event(at.conv, ALICE), start=epoch_start(2, ALICE))
    one, two = await store.conversations.newest_epochs(at.conv, BOB, 5)
    assert (one.epoch, one.wrap, one.first_seq) == (1, b"wrap 1 " + BOB.encode(), 1)
    assert (two.epoch, two.wrap, two.first_seq) == (2, None, 4)
    only = await store.conversations.epochs(at.conv, ALICE, [2, 9])
    assert [record.wrap for record in only] == [b"wrap 2 " + ALICE.encode()]
    assert await store.conversations.newest_epochs("!none:a.example", BOB, 5) == []
    assert await store.conversations.epochs("!none:a.example", BOB, [1]) == []


async def test_a_reader_is_added_where_the_record_says(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    (epoch,) = await store.conversations.newest_epochs(at.conv, ALICE, 1)
    first = LateWrap(1, CAROL, b"record 0", b"0" * 32, b"wrap 0", epoch.hh)
    second = LateWrap(1, BOB, b"record 1", b"1" * 32, b"wrap 1", first.rh)
    (told,) = await store.conversations.add_readers(at.conv, [first])
    assert (told.user, told.kind, told.conv) == (CAROL, READER, at.conv)
    await store.conversations.add_readers(at.conv, [second])
    (for_carol,) = await store.conversations.epochs(at.conv, CAROL, [1])
    assert for_carol.records == (b"record 0", b"record 1")
    assert (for_carol.late, for_carol.late_index) == (b"wrap 0", 0)
    (for_alice,) = await store.conversations.epochs(at.conv, ALICE, [1])
    assert (for_alice.late, for_alice.late_index) == (None, -1)


async def test_a_record_that_follows_another_end_is_stale_and_none_is_kept(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    (epoch,) = await store.conversations.newest_epochs(at.conv, ALICE, 1)
    good = LateWrap(1, CAROL, b"record 0", b"0" * 32, b"wrap 0", epoch.hh)
    for bad in (
        LateWrap(1, BOB, b"record 1", b"1" * 32, b"wrap 1", epoch.hh),
        LateWrap(7, BOB, b"record 1", b"1" * 32, b"wrap 1", epoch.hh),
    ):
        with pytest.raises(StaleError):
            await store.conversations.add_readers(at.conv, [good, bad])
    (epoch,) = await store.conversations.newest_epochs(at.conv, CAROL, 1)
    assert epoch.records == ()
    assert await store.mailbox.position(CAROL) == 0


async def test_ending_an_epoch_tells_who_owes(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    told = await store.conversations.end_epoch(at.conv, [ALICE, BOB])
    assert [(one.user, one.kind) for one in told] == [(ALICE, OWED), (BOB, OWED)]
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.head.hh is None
    assert room.head.last_hh == at.head.hh


async def test_a_receipt_moves_forward_only(store: Store) -> None:
    at = await found(store, ALICE, BOB)

    def receipt(seq: int, thread: str | None = None) -> Receipt:
        return Receipt(BOB, "m.read", thread, f"$event{seq}", seq, 5)

    told = await store.conversations.set_receipt(at.conv, receipt(2), [ALICE])
    assert told is not None
    assert [(one.user, one.kind, one.seq) for one in told] == [(ALICE, RECEIPT, 2)]
    assert await store.conversations.set_receipt(at.conv, receipt(2), [ALICE]) is None
    assert await store.conversations.set_receipt(at.conv, receipt(1), [ALICE]) is None
    await store.conversations.set_receipt(at.conv, receipt(1, "main"), [])
    await store.conversations.set_receipt(at.conv, receipt(3), [])
    room = await store.conversations.room(at.conv)
    assert room is not None
    assert room.receipts == (receipt(1, "main"), receipt(3))


async def test_a_membership_moves_the_room_list_of_its_person(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert (place.membership, place.since_seq) == ("invite", 3)
    at = await say(store, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    at = await say(store, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert (place.membership, place.since_seq) == ("join", 4)
    kinds = [row.kind for row in await store.mailbox.inbox(BOB, after=0, limit=9)]
    assert kinds == [INVITE, EVENT, EVENT]


async def test_an_invitation_that_is_not_shown_leaves_no_trace(store: Store) -> None:
    at = await found(store, ALICE)
    hidden = event(
        at.conv,
        ALICE,
        type="m.room.member",
        body=clear_body(b'{"membership":"invite"}'),
        state_key=BOB,
        membership=MembershipChange(BOB, "invite", shown=False),
    )
    await say(store, at, hidden)
    assert await store.mailbox.places(BOB) == []
    assert await store.mailbox.position(BOB) == 0
    assert await store.conversations.room(at.conv) is not None


async def test_shares_and_headers_are_kept_under_the_outer_layer(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await house.store.close()
    raw = await house.raw()
    for secret in (b"share one", b'"epoch":1}', b"wrap 1", b"m.room.create"):
        assert secret not in raw
    assert SET in raw
    await house.open()
    assert all(report.ok for report in await chains(house.store))
    assert at.conv.encode() in raw


async def test_a_closed_store_takes_nothing_more(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    await house.store.close()
    with pytest.raises(StoreClosedError):
        await say(house.store, at, event(at.conv, ALICE))


async def test_what_was_queued_before_closing_is_durable(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    queued = [asyncio.ensure_future(say(house.store, at, event(at.conv, ALICE))) for _ in "123"]
    await asyncio.sleep(0)
    await house.store.close()
    assert [one.result().events[0].seq for one in queued] == [4, 5, 6]
    room = await (await house.open()).conversations.room(at.conv)
    assert room is not None
    assert room.head.last_seq == 6
