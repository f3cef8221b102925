"""Unread counts: by push rules, emptied by every kind of reading, and never left standing."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.little_house import LittleHouse
from tests.messaging.slow_store import before_first
from tests.messaging.whole_house import NO_NEWS, V3, Client, WholeHouse, whole_house

from halfdoor.messaging.errors import BadJsonError, UnknownEventError, UnknownRoomError


@pytest.fixture(params=[False, True], ids=["one file", "two files"])
async def house(tmp_path: Path, request: Any) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path, two_files=request.param) as one:
        yield one


async def pair(house: WholeHouse) -> tuple[Client, Client, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    await house.connect(ada, ben)
    room = await ada.create(ben)
    await ben.join(room)
    return ada, ben, room


async def counts(who: Client, room: str, since: str | None = None) -> tuple[int, int]:
    section = (await who.sync(since))["rooms"]["join"][room]["unread_notifications"]
    return section["notification_count"], section["highlight_count"]


async def read(who: Client, room: str, event: str, kind: str = "m.read", **body: Any) -> None:
    path = f"{V3}/rooms/{quote(room)}/receipt/{kind}/{quote(event)}"
    await who.ask("POST", path, body)


async def test_no_receipt_of_a_kind_or_event_that_is_not_there() -> None:
    little = LittleHouse()
    ada, mallory = await little.person("ada"), await little.person("mallory")
    conv = await ada.create()
    event = await ada.say(conv, "x")
    with pytest.raises(BadJsonError):
        await ada.read(conv, event, "m.seen")
    with pytest.raises(UnknownEventError):
        await ada.read(conv, "$nowhere")
    with pytest.raises(UnknownRoomError):
        await mallory.read(conv, event)


async def test_what_others_say_counts_and_ones_own_does_not(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    for number in range(3):
        await ada.say(room, f"m{number}")
    assert await counts(ben, room) == (3, 0)
    assert await counts(ada, room) == (0, 0)
    await ada.say(room, "ben, look")
    assert await counts(ben, room) == (4, 1)


@pytest.mark.parametrize("kind", ["m.read", "m.read.private"])
async def test_reading_empties_the_count_and_says_nothing(house: WholeHouse, kind: str) -> None:
    ada, ben, room = await pair(house)
    events = [await ada.say(room, f"m{number}") for number in range(3)]
    since = (await ben.sync())["next_batch"]
    await read(ben, room, events[1], kind)
    assert await counts(ben, room, since) == (1, 0)
    await read(ben, room, events[2], kind)
    # Nought is said as well, else badges stay lit.
    assert await counts(ben, room, since) == (0, 0)
    assert await counts(ben, room) == (0, 0)
    # A receipt never moves back.
    await read(ben, room, events[0], kind)
    assert await counts(ben, room) == (0, 0)


async def test_the_two_kinds_together_read_the_further(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    events = [await ada.say(room, f"m{number}") for number in range(4)]
    await read(ben, room, events[2], "m.read.private")
    await read(ben, room, events[0], "m.read")
    assert await counts(ben, room) == (1, 0)


async def test_writing_reads_what_stands_above(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    await ada.say(room, "ben?")
    since = (await ben.sync())["next_batch"]
    await ben.say(room, "yes")
    assert await counts(ben, room, since) == (0, 0)
    await ada.say(room, "good")
    assert await counts(ben, room) == (1, 0)


async def test_the_other_device_is_told_at_once(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    phone = await house.device(ben.user)
    event = await ada.say(room, "hello")
    since = (await phone.sync())["next_batch"]
    await read(ben, room, event, "m.read.private")
    assert await counts(phone, room, since) == (0, 0)


async def test_a_private_receipt_is_nobody_elses(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    event = await ada.say(room, "hello")
    since = (await ada.sync())["next_batch"]
    await read(ben, room, event, "m.read.private")
    assert (await ada.sync(since)).keys() == NO_NEWS
    assert "m.read.private" not in str(await ada.sync())
    await read(ben, room, event, "m.read")
    section = (await ada.sync(since))["rooms"]["join"][room]
    found = section["ephemeral"]["events"]
    assert list(found[0]["content"][event]) == ["m.read"]
    assert list(found[0]["content"][event]["m.read"]) == [ben.user]


async def test_the_counts_survive_a_restart(tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada, ben, room = await pair(house)
        events = [await ada.say(room, f"m{number}") for number in range(3)]
        await read(ben, room, events[0])
        await house.house.close()
        house.open()
        ben.caller.app = house.app
        assert await counts(ben, room) == (2, 0)


async def test_reactions_and_silent_rooms_do_not_count(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    event = await ada.say(room, "one")
    relation = {"rel_type": "m.annotation", "event_id": event, "key": "+"}
    path = f"{V3}/rooms/{quote(room)}/send/m.reaction/r1"
    await ada.ask("PUT", path, {"m.relates_to": relation})
    assert await counts(ben, room) == (1, 0)
    rule = {
        "conditions": [{"kind": "event_match", "key": "room_id", "pattern": room}],
        "actions": [],
    }
    await ben.ask("PUT", f"{V3}/pushrules/global/override/{quote(room, safe='')}", rule)
    await ada.say(room, "two")
    assert await counts(ben, room) == (1, 0)


async def say_in_thread(who: Client, room: str, root: str, text: str) -> str:
    who.sent += 1
    relation = {"rel_type": "m.thread", "event_id": root}
    path = f"{V3}/rooms/{quote(room)}/send/m.room.message/th{who.sent}"
    body = {"msgtype": "m.text", "body": text, "m.relates_to": relation}
    event: str = (await who.ask("PUT", path, body))["event_id"]
    return event


async def test_the_receipt_of_a_thread_reads_the_thread(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    root = await ben.say(room, "root")
    reply = await say_in_thread(ada, room, root, "in the thread")
    assert await counts(ben, room) == (1, 0)
    await read(ben, room, reply, "m.read", thread_id=root)
    # Nothing is left to read, so nothing may stay lit.
    assert await counts(ben, room) == (0, 0)


async def test_reading_one_thread_leaves_the_rest_unread(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    root = await ben.say(room, "root")
    said = await ada.say(room, "in the open")
    reply = await say_in_thread(ada, room, root, "in the thread")
    await read(ben, room, reply, "m.read", thread_id=root)
    assert (await counts(ben, room))[0] >= 1
    await read(ben, room, said, "m.read", thread_id="main")
    assert await counts(ben, room) == (0, 0)


async def test_reading_the_open_leaves_a_thread_unread(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    root = await ben.say(room, "root")
    reply = await say_in_thread(ada, room, root, "in the thread")
    said = await ada.say(room, "in the open")
    await read(ben, room, said, "m.read", thread_id="main")
    assert (await counts(ben, room))[0] >= 1
    await read(ben, room, reply, "m.read.private", thread_id=root)
    assert await counts(ben, room) == (0, 0)


async def test_a_receipt_without_a_thread_reads_everything(house: WholeHouse) -> None:
    ada, ben, room = await pair(house)
    root = await ben.say(room, "root")
    await say_in_thread(ada, room, root, "in the thread")
    said = await ada.say(room, "in the open")
    await read(ben, room, said)
    assert await counts(ben, room) == (0, 0)


async def test_a_receipt_stays_although_the_conversation_was_read_anew_meanwhile() -> None:
    little = LittleHouse()
    ada, ben = await little.person("ada"), await little.person("ben")
    little.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    event = await ada.say(conv, "hello")
    await ada.sync()

    async def read_anew() -> None:
        # Somebody lost a race meanwhile, and the conversation was read from the store again.
        little.rooms.drop(conv)
        await little.rooms.get(conv)

    before_first(little.store, "set_receipt", read_anew)
    await ben.read(conv, event)
    section = (await ada.sync())["rooms"]["join"][conv]
    assert section["ephemeral"]["events"][0]["content"][event]["m.read"].keys() == {ben.id}
