"""/messages and its neighbours: contiguous, honest about the end, nothing that is not theirs."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone, bodies

from halfdoor.messaging.errors import (
    ForbiddenError,
    InvalidParameterError,
    UnknownEventError,
)
from halfdoor.messaging.filters import parse_event_filter


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse, **request: Any) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, **request)
    await ben.join(conv)
    return ada, ben, conv


async def walk(
    who: Someone, conv: str, direction: str, *, limit: int, start: str | None = None
) -> list[dict[str, Any]]:
    """Page to the end in one direction; return all events in the order they came."""
    found: list[dict[str, Any]] = []
    for _ in range(200):
        page = await who.messages(conv, start=start, direction=direction, limit=limit)
        assert len(page["chunk"]) <= limit
        found += page["chunk"]
        if "end" not in page:
            return found
        start = page["end"]
    raise AssertionError("paging never ends")


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [one["event_id"] for one in events]


@pytest.mark.parametrize("token", ["t0", "t-1", "t99999", "tx", "", "x", "t1.5"])
async def test_a_token_of_no_place_here_is_refused(house: LittleHouse, token: str) -> None:
    _ada, ben, conv = await pair(house)
    for name in ("start", "end"):
        with pytest.raises(InvalidParameterError):
            await ben.messages(conv, **{name: token})


async def test_who_was_never_here_reads_nothing(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    event = await ada.say(conv, "hello")
    mallory = await house.person("mallory")
    with pytest.raises(ForbiddenError):
        await mallory.messages(conv)
    with pytest.raises(ForbiddenError):
        await house.history.event(mallory.reader, conv, event)
    with pytest.raises(ForbiddenError):
        await house.history.context(mallory.reader, conv, event, 10, parse_event_filter("{}"))


async def test_an_event_of_another_conversation_is_not_here(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    other = await ada.create(ben)
    event = await ada.say(other, "elsewhere")
    with pytest.raises(UnknownEventError):
        await house.history.event(ada.reader, conv, event)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_both_directions_give_the_same_whole(house: LittleHouse, limit: int) -> None:
    ada, ben, conv = await pair(house)
    for number in range(9):
        await (ada if number % 2 else ben).say(conv, f"m{number}")
    back = await walk(ben, conv, "b", limit=limit)
    forth = await walk(ben, conv, "f", limit=limit)
    assert ids(back) == ids(forth)[::-1]
    assert len(set(ids(back))) == len(back)
    assert back[-1]["type"] == "m.room.create"
    assert bodies(forth) == [f"m{n}" for n in range(9)]


async def test_end_is_absent_at_the_beginning_and_only_there(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "one")
    total = len(house.store.conversations[conv].events)
    assert "end" not in await ben.messages(conv, limit=total)
    page = await ben.messages(conv, limit=total - 1)
    assert "end" in page
    last = await ben.messages(conv, limit=5, start=page["end"])
    assert [one["type"] for one in last["chunk"]] == ["m.room.create"]
    assert "end" not in last


async def test_to_is_where_a_page_stops(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    first = await ben.messages(conv, limit=1)
    for number in range(6):
        await ada.say(conv, f"m{number}")
    here = (await ben.messages(conv, limit=2))["end"]
    back = await ben.messages(conv, end=first["start"], limit=50)
    assert bodies(back["chunk"]) == ["m5", "m4", "m3", "m2", "m1", "m0"]
    forth = await ben.messages(conv, direction="f", start=first["start"], end=here, limit=50)
    assert bodies(forth["chunk"]) == ["m0", "m1", "m2", "m3"]


async def test_a_sync_token_stands_for_the_moment_it_was_given(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for number in range(3):
        await ada.say(conv, f"m{number}")
    await ben.sync()
    token = ben.token
    for number in range(3, 6):
        await ada.say(conv, f"m{number}")
    back = await ben.messages(conv, start=token)
    assert bodies(back["chunk"]) == ["m2", "m1", "m0"]
    forth = await ben.messages(conv, start=token, direction="f")
    assert bodies(forth["chunk"]) == ["m3", "m4", "m5"]


async def test_a_sync_token_is_found_behind_a_long_inbox(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    busy = await ada.create(ben)
    await ben.join(busy)
    await ada.say(conv, "before")
    await ben.sync()
    token = ben.token
    for number in range(2_100):
        await ada.say(busy, f"b{number}")
    await ada.say(conv, "after")
    assert bodies((await ben.messages(conv, start=token))["chunk"]) == ["before"]


async def test_a_filter_leaves_out_and_still_fills_the_page(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for number in range(6):
        await ada.say(conv, f"a{number}")
        await ben.say(conv, f"b{number}")
    wanted = parse_event_filter(json.dumps({"senders": [ben.id], "types": ["m.room.message"]}))
    page = await ben.messages(conv, limit=4, wanted=wanted)
    assert bodies(page["chunk"]) == ["b5", "b4", "b3", "b2"]


async def test_who_left_sees_no_state_of_later(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="before")
    cleo = await house.person("cleo")
    for one in (ada, ben):
        house.connect(cleo, one)
    said = await ada.say(conv, "while ben is here")
    await ben.leave(conv)
    await ada.set_state(conv, "m.room.name", {"name": "after"})
    renamed = {"membership": "join", "displayname": "Ada after"}
    await house.moves.set_member(ada.reader, conv, ada.id, renamed)
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    around = await house.history.context(ben.reader, conv, said, 10, parse_event_filter("{}"))
    page = await ben.messages(conv)
    for state in (around["state"], page["state"]):
        text = str([bytes(one) if not isinstance(one, dict) else one for one in state])
        assert cleo.id not in text
        assert "after" not in text
    assert bodies(page["chunk"]) == ["while ben is here"]


async def test_events_without_a_wrap_are_left_out_at_the_old_end_only(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    # A newcomer gets the newest hundred epochs: what is older stays closed to them.
    for day in range(103):
        house.clock.now += DAY_MS
        await ada.say(conv, f"day {day}")
    cleo = await house.person("cleo")
    for one in (ada, ben):
        house.connect(cleo, one)
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    back = await walk(cleo, conv, "b", limit=7)
    assert bodies(back) == [f"day {n}" for n in range(102, 2, -1)]
    # No older membership or creation stands beyond what cannot be opened.
    assert back[-1]["content"]["body"] == "day 3"
    forth = await walk(cleo, conv, "f", limit=200)
    assert ids(forth) == ids(back)[::-1]
    cleo.token = None
    section = (await cleo.sync(limit=100))["rooms"]["join"][conv]
    whole = (await cleo.messages(conv, limit=100))["chunk"]
    assert ids(section["timeline"]["events"])[::-1] == ids(whole)
    rest = await cleo.messages(conv, start=section["timeline"]["prev_batch"])
    assert ids(whole) + ids(rest["chunk"]) == ids(back)


async def test_a_hole_across_pages_forward_is_never_shown(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for day in range(103):
        house.clock.now += DAY_MS
        await ada.say(conv, f"day {day}")
    cleo = await house.person("cleo")
    for one in (ada, ben):
        house.connect(cleo, one)
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    forth = await walk(cleo, conv, "f", limit=2)
    back = await walk(cleo, conv, "b", limit=50)
    assert ids(forth) == ids(back)[::-1]


async def test_context_stands_between_its_neighbours(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    events = [await ada.say(conv, f"m{n}") for n in range(9)]
    found = await house.history.context(ben.reader, conv, events[4], 4, parse_event_filter("{}"))
    around = msgspec.json.decode(msgspec.json.encode(found))
    assert around["event"]["content"]["body"] == "m4"
    assert bodies(around["events_before"]) == ["m3", "m2"]
    assert bodies(around["events_after"]) == ["m5", "m6"]
    older = await ben.messages(conv, start=around["start"], limit=2)
    newer = await ben.messages(conv, start=around["end"], direction="f", limit=2)
    assert bodies(older["chunk"]) == ["m1", "m0"]
    assert bodies(newer["chunk"]) == ["m7", "m8"]
    assert {one["type"] for one in around["state"]} >= {"m.room.create", "m.room.member"}


async def test_the_members_behind_a_page_come_with_it(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "hello")
    page = await ben.messages(conv, limit=1)
    assert [one["state_key"] for one in page["state"]] == [ada.id]


async def test_an_event_changed_in_the_database_does_not_shut_out_the_others() -> None:
    house = LittleHouse()
    ada = await house.person("ada")
    conv = await ada.create()
    await ada.say(conv, "before")
    await ada.say(conv, "changed")
    await ada.say(conv, "after")
    events = house.store.conversations[conv].events
    place = next(at for at, one in enumerate(events) if one.seq == events[-2].seq)
    body = events[place].body or b""
    events[place] = replace(events[place], body=body[:-1] + bytes([body[-1] ^ 1]))
    house.start()
    chunk = (await ada.messages(conv))["chunk"][:3]
    assert [one["content"].get("body") for one in chunk] == ["after", None, "before"]
    assert [one["unsigned"].get("org.halfdoor.damaged") for one in chunk] == [None, True, None]
