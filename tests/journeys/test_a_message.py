"""Two people, two SDKs, real sockets with TLS: from the first message to the crash."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from tests.journeys.house import House
from tests.journeys.js_client import JsClient
from tests.journeys.pairs import PASSWORD, Pair, bodies, new_name, sign_up, visiting
from tests.journeys.person import Person, becomes, eventually, meet, sees, whole_history
from tests.journeys.raw_client import RawClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

MESSAGES_EACH_WAY = 200
GAP = 60
ALL_EVENTS = '{"room":{"timeline":{"limit":1000}}}'
# A timeline holds a hundred at most, however many are asked for.
FEWER_THAN_A_TIMELINE = 80


async def test_what_was_written_at_once_is_read_by_the_other_who_accepts_later(
    house: House, pair: Pair
) -> None:
    writer = pair.left
    kind = "js" if isinstance(pair.right, JsClient) else "nio"
    async with visiting(await sign_up(house, kind)) as reader:
        room_id = await writer.create_dm(reader.user_id)
        await becomes(writer, room_id, "join")
        first = await writer.send(room_id, "are you there?")
        second = await writer.send(room_id, "I will wait")

        await reader.start()
        await becomes(reader, room_id, "invite")
        await reader.accept(room_id)
        await becomes(reader, room_id, "join")

        await sees(reader, room_id, second)
        history = await whole_history(reader, room_id)
        assert [(one.event_id, one.sender, one.body) for one in history] == [
            (first, writer.user_id, "are you there?"),
            (second, writer.user_id, "I will wait"),
        ]
        answer = await reader.send(room_id, "now I am")
        assert (await sees(writer, room_id, answer)).body == "now I am"


async def test_two_hundred_messages_each_way_arrive_in_one_order_for_both(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)

    async def write(person: Person, name: str) -> list[tuple[str, str]]:
        return [
            (await person.send(room_id, body), body)
            for body in (f"{name} {number}" for number in range(MESSAGES_EACH_WAY))
        ]

    by_left, by_right = await asyncio.gather(write(pair.left, "left"), write(pair.right, "right"))
    for person in (pair.left, pair.right):
        for sent in (by_left, by_right):
            await sees(person, room_id, sent[-1][0], what="the last of two hundred")
    left_view = await whole_history(pair.left, room_id)
    right_view = await whole_history(pair.right, room_id)

    assert left_view == right_view
    for person, sent in ((pair.left, by_left), (pair.right, by_right)):
        seen = [(m.event_id, m.body) for m in left_view if m.sender == person.user_id]
        assert seen == sent
    assert len(left_view) == 2 * MESSAGES_EACH_WAY


async def test_an_edit_a_reaction_and_a_redaction_reach_the_other(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    edited = await pair.left.send(room_id, "see you at five")
    redacted = await pair.left.send(room_id, "do not tell her")
    await sees(pair.right, room_id, redacted)

    await pair.left.edit(room_id, edited, "see you at six")
    reaction = await pair.right.react(room_id, edited, "👍")
    await pair.left.redact(room_id, redacted)

    for person in (pair.left, pair.right):
        message = await sees(
            person,
            room_id,
            edited,
            lambda m: m.edited and bool(m.reactions),
            what="edit and reaction",
        )
        assert message.body == "see you at six"
        assert message.reactions == {"👍": [pair.right.user_id]}
        gone = await sees(person, room_id, redacted, lambda m: m.redacted, what="the redaction")
        assert gone.body is None

    await pair.right.redact(room_id, reaction)
    for person in (pair.left, pair.right):
        await sees(person, room_id, edited, lambda m: not m.reactions, what="no reaction any more")


async def test_reading_tells_the_writer_and_sets_the_count_to_an_explicit_zero(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    await pair.left.send(room_id, "one")
    last = await pair.left.send(room_id, "two")
    await sees(pair.right, room_id, last)
    await eventually(
        lambda: pair.right.unread(room_id),
        lambda count: count == 2,
        "two unread messages are counted",
        explain=pair.right.explain,
    )
    async with pair.house.client() as other_device:
        await other_device.login(pair.right.user_id, PASSWORD)
        before = await other_device.sync()
        counted = before["rooms"]["join"][room_id]["unread_notifications"]
        assert counted["notification_count"] == 2

        await pair.right.read_up_to(room_id, last)

        await eventually(
            lambda: pair.left.read_by(room_id, pair.right.user_id),
            lambda event_id: event_id == last,
            "the writer learns that it was read",
            explain=pair.left.explain,
        )
        await eventually(
            lambda: pair.right.unread(room_id),
            lambda count: count == 0,
            "the reader's count goes to 0",
            explain=pair.right.explain,
        )
        after = await other_device.sync(before["next_batch"], milliseconds=10_000)
        assert after["rooms"]["join"][room_id]["unread_notifications"]["notification_count"] == 0


async def test_typing_is_seen_and_ends(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    for is_typing, expected in ((True, [pair.left.user_id]), (False, [])):
        await pair.left.typing(room_id, is_typing=is_typing)
        await eventually(
            lambda: pair.right.typing_in(room_id),
            lambda who, expected=expected: who == expected,  # type: ignore[misc]
            f"typing is {is_typing}",
            explain=pair.right.explain,
        )


async def test_after_a_gap_paging_back_finds_neither_hole_nor_duplicate(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    early = [f"before the tunnel {number}" for number in range(5)]
    sent = [await pair.left.send(room_id, body) for body in early]
    await sees(pair.right, room_id, sent[-1])

    await pair.right.go_offline()
    missed = [f"in the tunnel {number}" for number in range(GAP)]
    sent = [await pair.left.send(room_id, body) for body in missed]
    await pair.right.come_online()

    await sees(pair.right, room_id, sent[-1])
    held = await pair.right.timeline(room_id)
    assert len(held) < GAP, "the sync after the gap was not limited: no gap was tried"
    assert bodies(held) == missed[-len(held) :]
    assert bodies(await whole_history(pair.right, room_id, limit=17)) == early + missed
    new = await pair.left.send(room_id, "out again")
    await sees(pair.right, room_id, new)
    assert bodies(await pair.right.timeline(room_id)) == [*early, *missed, "out again"]


async def test_both_go_on_after_the_server_was_killed_and_nothing_is_lost_or_doubled(
    pair: Pair,
) -> None:
    room_id = await meet(pair.left, pair.right)
    sent = [
        await pair.left.send(room_id, "before, from the left"),
        await pair.right.send(room_id, "before, from the right"),
    ]
    for event_id in sent:
        await sees(pair.left, room_id, event_id)
        await sees(pair.right, room_id, event_id)

    await asyncio.to_thread(pair.house.kill)
    during = [
        asyncio.create_task(pair.left.send(room_id, "during, from the left")),
        asyncio.create_task(pair.right.send(room_id, "during, from the right")),
    ]
    await asyncio.to_thread(pair.house.start)
    sent += await asyncio.gather(*during)
    sent += [
        await pair.left.send(room_id, "after, from the left"),
        await pair.right.send(room_id, "after, from the right"),
    ]
    for person in (pair.left, pair.right):
        for event_id in sent:
            await sees(person, room_id, event_id)
        history = await whole_history(person, room_id)
        assert sorted(one.event_id for one in history) == sorted(sent)
        assert len(history) == 6


async def test_the_history_without_any_sdk_agrees_with_both(pair: Pair) -> None:
    room_id = await meet(pair.left, pair.right)
    sent = [await person.send(room_id, "hello") for person in (pair.left, pair.right) * 10]
    async with pair.house.client() as raw:
        await raw.login(pair.left.user_id, PASSWORD)
        assert await _page_back(raw, room_id, limit=7) == sent


async def _page_back(raw: RawClient, room_id: str, *, limit: int) -> list[str]:
    """Ids of all messages, oldest first, by `/messages` alone, and each by `/event` too."""
    found: list[str] = []
    page = await raw.messages(room_id, limit=limit)
    while True:
        found += [e["event_id"] for e in page["chunk"] if e["type"] == "m.room.message"]
        if page.get("end") is None:
            break
        page = await raw.messages(room_id, page["end"], limit=limit)
    for event_id in found[:3]:
        path = f"/_matrix/client/v3/rooms/{quote(room_id)}/event/{quote(event_id)}"
        assert (await raw.ask("GET", path))["content"]["body"] == "hello"
    return found[::-1]


async def test_a_sync_while_messages_arrive_is_continued_by_its_own_token(house: House) -> None:
    """From nothing, and at the moment of joining: what a sync showed, the next one leaves out."""
    async with house.client() as writer, house.client() as reader, house.client() as guest:
        await writer.register(new_name(), PASSWORD)
        await reader.register(new_name(), PASSWORD)
        await guest.register(new_name(), PASSWORD)
        room_id = await writer.create_dm(reader.user_id)
        await reader.join(room_id)
        other_room = await writer.create_dm(guest.user_id)
        before_joining = (await guest.sync(filter=ALL_EVENTS))["next_batch"]
        done = asyncio.Event()

        async def write() -> dict[str, list[str]]:
            sent: dict[str, list[str]] = {room_id: [], other_room: []}
            while not done.is_set() and len(sent[room_id]) < FEWER_THAN_A_TIMELINE:
                for room, events in sent.items():
                    events.append(await writer.send(room, "on and on"))
            return sent

        writing = asyncio.create_task(write())
        beginnings = [await reader.sync(filter=ALL_EVENTS) for _ in range(50)]
        await guest.join(other_room)
        joining = await guest.sync(before_joining, filter=ALL_EVENTS)
        done.set()
        sent = await writing
        for client, room, first in (
            *((reader, room_id, beginning) for beginning in beginnings),
            (guest, other_room, joining),
        ):
            rest = await client.sync(first["next_batch"], filter=ALL_EVENTS)
            assert _texts(first, room) + _texts(rest, room) == sent[room]


def _texts(answer: Any, room_id: str) -> list[str]:
    room = answer.get("rooms", {}).get("join", {}).get(room_id, {})
    events = room.get("timeline", {}).get("events", [])
    return [event["event_id"] for event in events if event["type"] == "m.room.message"]
