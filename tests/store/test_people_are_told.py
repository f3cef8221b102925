"""One counter for each person orders all they are told; the room list counts what is unread."""

import asyncio

import pytest
from tests.store.houses import House
from tests.store.making import ALICE, BOB, CAROL, Store, event, found, member_event, say

from halfdoor.messaging.ledger import Append, Told
from halfdoor.messaging.mailbox import (
    ACCOUNT,
    DEVICE_LIST,
    EVENT,
    PENDING,
    ROOM,
    AccountData,
    Contact,
)


async def unread(store: Store, user: str, conv: str) -> tuple[int, int, int]:
    place = await store.mailbox.place(user, conv)
    assert place is not None
    return place.notify, place.highlight, place.read_seq


async def test_nobody_has_a_position_before_anything_was_written(store: Store) -> None:
    assert await store.mailbox.position(ALICE) == 0
    assert await store.mailbox.inbox(ALICE, after=0, limit=9) == []
    assert await store.mailbox.places(ALICE) == []
    assert await store.mailbox.place(ALICE, "!none:a.example") is None
    assert await store.mailbox.account_data(ALICE) == []
    assert await store.mailbox.one_account_data(ALICE, "", "m.direct") is None
    assert await store.mailbox.filter(ALICE, "none") is None


async def test_positions_of_a_person_strictly_increase_whoever_writes(store: Store) -> None:
    rooms = await asyncio.gather(*(found(store, ALICE, BOB) for _ in range(5)))
    writes = [say(store, at, event(at.conv, ALICE, (BOB,))) for at in rooms for _ in range(8)]
    writes += [store.mailbox.tell(BOB, DEVICE_LIST, ALICE) for _ in range(8)]  # type: ignore[misc]
    await asyncio.gather(*writes)
    for user in (ALICE, BOB):
        rows = await store.mailbox.inbox(user, after=0, limit=999)
        positions = [row.pos for row in rows]
        assert positions == sorted(set(positions))
        assert positions[-1] == await store.mailbox.position(user)
        for at in rooms:
            seqs = [row.seq for row in rows if row.conv == at.conv and row.kind == EVENT]
            assert seqs == sorted(set(seqs))


async def test_what_an_append_told_is_what_the_inbox_holds(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    said = await say(store, at, event(at.conv, ALICE, (BOB,), highlight=True))
    (mine,) = [one for one in said.told if one.user == ALICE]
    (theirs,) = [one for one in said.told if one.user == BOB]
    assert await store.mailbox.inbox(ALICE, after=mine.pos - 1, limit=9) == [mine]
    assert await store.mailbox.inbox(BOB, after=theirs.pos - 1, limit=9) == [theirs]
    assert (theirs.notify, theirs.highlight) == (True, True)
    assert (mine.notify, mine.highlight) == (False, False)


async def test_an_inbox_is_read_in_pieces(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    for _ in range(5):
        at = await say(store, at, event(at.conv, ALICE, (BOB,)))
    first = await store.mailbox.inbox(BOB, after=0, limit=4)
    rest = await store.mailbox.inbox(BOB, after=first[-1].pos, limit=4)
    assert len(first) == 4
    assert [row.seq for row in first + rest] == [3, 4, 5, 6, 7, 8]


async def test_unread_is_counted_and_an_own_message_empties_it(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await say(store, at, event(at.conv, ALICE, (BOB,)))
    await say(store, at, event(at.conv, ALICE, (BOB,), highlight=True))
    await say(store, at, event(at.conv, ALICE, (BOB,), notify=False))
    assert await unread(store, BOB, at.conv) == (2, 1, 0)
    await say(store, at, event(at.conv, BOB, (ALICE,)))
    assert await unread(store, BOB, at.conv) == (0, 0, 7)
    assert await unread(store, ALICE, at.conv) == (1, 0, 6)


async def test_reading_up_to_an_event_leaves_the_later_ones_unread(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    for _ in range(4):
        await say(store, at, event(at.conv, ALICE, (BOB,), highlight=True))
    told = await store.mailbox.set_read(BOB, at.conv, 5)
    assert (told.kind, told.conv, told.seq) == (ROOM, at.conv, 5)
    assert told.pos == await store.mailbox.position(BOB)
    assert await unread(store, BOB, at.conv) == (2, 2, 5)
    await say(store, at, event(at.conv, ALICE, (BOB,)))
    assert await unread(store, BOB, at.conv) == (3, 2, 5)
    await store.mailbox.set_read(BOB, at.conv, 7)
    assert await unread(store, BOB, at.conv) == (1, 0, 7)


async def test_a_read_marker_never_goes_back(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    for _ in range(3):
        await say(store, at, event(at.conv, ALICE, (BOB,)))
    told = await store.mailbox.set_read(BOB, at.conv, 6)
    again = await store.mailbox.set_read(BOB, at.conv, 4)
    assert again == Told(BOB, told.pos, ROOM, at.conv, 6, notify=False, highlight=False)
    assert await unread(store, BOB, at.conv) == (0, 0, 6)
    assert await store.mailbox.position(BOB) == told.pos


async def test_leaving_empties_the_counters(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await say(store, at, event(at.conv, ALICE, (BOB,)))
    await say(store, at, member_event(at.conv, BOB, BOB, "leave", (ALICE,)))
    assert (await unread(store, BOB, at.conv))[:2] == (0, 0)


async def test_only_a_left_conversation_can_be_forgotten(store: Store) -> None:
    at = await found(store, ALICE, BOB)
    await store.mailbox.forget(BOB, at.conv)
    assert [place.conv for place in await store.mailbox.places(BOB)] == [at.conv]
    at = await say(store, at, member_event(at.conv, BOB, BOB, "leave", (ALICE,)))
    await store.mailbox.forget(BOB, at.conv)
    assert await store.mailbox.places(BOB) == []
    place = await store.mailbox.place(BOB, at.conv)
    assert place is not None
    assert place.forgotten
    await say(store, at, member_event(at.conv, ALICE, BOB, "invite"))
    (place,) = await store.mailbox.places(BOB)
    assert (place.membership, place.forgotten) == ("invite", False)


async def test_someone_who_is_told_of_a_conversation_is_not_thereby_in_it(store: Store) -> None:
    at = await found(store, ALICE)
    told = await store.mailbox.tell(BOB, ROOM, at.conv)
    assert await store.mailbox.inbox(BOB, after=0, limit=9) == [told]
    assert await store.mailbox.places(BOB) == []
    assert await store.mailbox.place(BOB, at.conv) is None


async def test_a_row_about_a_person_names_them(store: Store) -> None:
    told = [
        await store.mailbox.tell(ALICE, DEVICE_LIST, BOB),
        await store.mailbox.tell(ALICE, PENDING, ""),
    ]
    assert await store.mailbox.inbox(ALICE, after=0, limit=9) == told
    assert [one.conv for one in told] == [BOB, ""]


async def test_account_data_is_kept_at_the_position_of_its_row(house: House) -> None:
    store = house.store
    first = await store.mailbox.set_account_data(
        ALICE, AccountData("", "m.direct", b"sealed", sealed=True, pos=0)
    )
    at = await found(store, ALICE)
    second = await store.mailbox.set_account_data(
        ALICE, AccountData(at.conv, "m.tag", b"clear", sealed=False, pos=0)
    )
    third = await store.mailbox.set_account_data(
        ALICE, AccountData("", "m.direct", b"sealed again", sealed=True, pos=0)
    )
    assert [one.kind for one in (first, second, third)] == [ACCOUNT] * 3
    store = await house.reopen()
    tag = AccountData(at.conv, "m.tag", b"clear", sealed=False, pos=second.pos)
    direct = AccountData("", "m.direct", b"sealed again", sealed=True, pos=third.pos)
    assert await store.mailbox.account_data(ALICE) == [tag, direct]
    assert await store.mailbox.account_data(ALICE, after=second.pos) == [direct]
    assert await store.mailbox.one_account_data(ALICE, at.conv, "m.tag") == tag
    await store.close()
    assert b"sealed again" not in await house.raw()


async def test_the_same_filter_gets_the_same_id(store: Store) -> None:
    one = await store.mailbox.set_filter(ALICE, b'{"a":1}')
    two = await store.mailbox.set_filter(ALICE, b'{"a":2}')
    assert await store.mailbox.set_filter(ALICE, b'{"a":1}') == one
    assert one != two
    assert await store.mailbox.filter(ALICE, one) == b'{"a":1}'
    assert await store.mailbox.filter(BOB, one) is None


async def test_first_contact_is_counted_once_for_each_event(store: Store) -> None:
    reserve = store.mailbox.reserve_contact
    assert await reserve(ALICE, BOB, "$1", limit=2)
    assert await reserve(ALICE, BOB, "$1", limit=2)
    assert await reserve(ALICE, BOB, "$2", limit=2)
    assert not await reserve(ALICE, BOB, "$3", limit=2)
    assert await reserve(ALICE, BOB, "$2", limit=2)
    assert await reserve(ALICE, CAROL, "$3", limit=2)
    assert await store.mailbox.contact(ALICE, BOB) == Contact(sent=2, closed_until=0)
    assert await store.mailbox.contact(BOB, ALICE) == Contact()


async def test_of_two_last_reservations_at_once_one_is_refused(store: Store) -> None:
    asked = [
        store.mailbox.reserve_contact(ALICE, BOB, event_id, limit=1) for event_id in ("$1", "$2")
    ]
    assert sorted(await asyncio.gather(*asked)) == [False, True]


async def test_a_pair_is_closed_until_the_time_given(store: Store) -> None:
    await store.mailbox.close_contact(ALICE, BOB, 500)
    await store.mailbox.close_contact(ALICE, BOB, 900)
    assert await store.mailbox.contact(ALICE, BOB) == Contact(sent=0, closed_until=900)


async def test_after_a_restore_positions_go_on_where_no_client_has_been(house: House) -> None:
    at = await found(house.store, ALICE, BOB)
    before = await house.store.mailbox.position(BOB)
    await house.store.close()
    assert await house.count_restore() == 1
    await house.open()
    at = await say(house.store, at, event(at.conv, ALICE, (BOB,)))
    assert before < 1 << 40 < await house.store.mailbox.position(BOB)
    # The numbers of events go on without a gap, so that the chain still proves their order.
    assert at.events[0].seq == 4
    told = await house.store.mailbox.tell(BOB, ROOM, at.conv)
    assert told.pos == (1 << 40) + 2


@pytest.mark.parametrize("turns", [3])
async def test_own_messages_and_others_are_counted_in_order_within_a_batch(
    store: Store, turns: int
) -> None:
    at = await found(store, ALICE, BOB)
    events = tuple(
        event(at.conv, user, (other,))
        for _ in range(turns)
        for user, other in ((ALICE, BOB), (BOB, ALICE))
    )
    await store.conversations.append(Append(at.conv, (at.head.hh, at.head.revision), events))
    assert await unread(store, BOB, at.conv) == (0, 0, 3 + 2 * turns)
    assert await unread(store, ALICE, at.conv) == (1, 0, 2 + 2 * turns)
