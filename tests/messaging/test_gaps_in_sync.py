"""A gap: the newest events, the word `limited`, a way back, and the state that changed in it."""

from typing import Any

import pytest
from tests.messaging.client_view import View
from tests.messaging.little_house import LittleHouse, Someone, bodies
from tests.messaging.slow_store import before_first

Section = dict[str, Any]
KEYS = ("state_after", "org.matrix.msc4222.state_after")


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse, **request: Any) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, **request)
    await ben.join(conv)
    await ben.sync()
    return ada, ben, conv


async def joined(who: Someone, conv: str, **options: Any) -> Section:
    section: Section = (await who.sync(**options))["rooms"]["join"][conv]
    return section


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [one["type"] for one in events]


async def test_without_a_gap_nothing_is_said_to_be_missing(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for number in range(5):
        await ada.say(conv, f"m{number}")
    section = await joined(ben, conv, limit=5)
    assert section["timeline"]["limited"] is False
    assert bodies(section["timeline"]["events"]) == [f"m{n}" for n in range(5)]
    assert section["state"]["events"] == []


async def test_the_page_before_prev_batch_joins_without_overlap(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    for number in range(12):
        await ada.say(conv, f"m{number}")
    section = await joined(ben, conv, limit=5)
    assert section["timeline"]["limited"] is True
    page = await ben.messages(conv, start=section["timeline"]["prev_batch"], limit=7)
    assert bodies(page["chunk"]) == [f"m{n}" for n in range(6, -1, -1)]


async def test_state_that_changed_in_the_gap_is_told_beside_it(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.set_state(conv, "m.room.name", {"name": "first"})
    await ada.set_state(conv, "m.room.name", {"name": "second"})
    await ada.set_state(conv, "org.example.flag", {"on": True})
    for number in range(3):
        await ada.say(conv, f"m{number}")
    await ada.set_state(conv, "m.room.topic", {"topic": "in the timeline"})
    section = await joined(ben, conv, limit=3)
    assert section["timeline"]["limited"] is True
    assert kinds(section["timeline"]["events"]) == ["m.room.message"] * 2 + ["m.room.topic"]
    told = {one["type"]: one["content"] for one in section["state"]["events"]}
    assert told == {"m.room.name": {"name": "second"}, "org.example.flag": {"on": True}}


@pytest.mark.parametrize("key", KEYS)
async def test_state_after_goes_to_the_end_and_takes_the_place_of_state(
    house: LittleHouse, key: str
) -> None:
    ada, ben, conv = await pair(house)
    await ada.set_state(conv, "m.room.name", {"name": "in the gap"})
    for number in range(3):
        await ada.say(conv, f"m{number}")
    await ada.set_state(conv, "m.room.topic", {"topic": "in the timeline"})
    section = await joined(ben, conv, limit=3, state_after=key)
    assert "state" not in section
    told = {one["type"]: one["content"] for one in section[key]["events"]}
    assert told == {
        "m.room.name": {"name": "in the gap"},
        "m.room.topic": {"topic": "in the timeline"},
    }


@pytest.mark.parametrize("key", KEYS)
async def test_state_after_of_a_room_that_was_left_says_that_it_was_left(
    house: LittleHouse, key: str
) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "bye")
    await ben.leave(conv)
    await ada.set_state(conv, "m.room.name", {"name": "after"})
    section = (await ben.sync(state_after=key))["rooms"]["leave"][conv]
    assert "state" not in section
    assert kinds(section["timeline"]["events"]) == ["m.room.message", "m.room.member"]
    told = {(one["type"], one["state_key"]): one["content"] for one in section[key]["events"]}
    assert told == {("m.room.member", ben.id): {"membership": "leave"}}


async def test_a_room_joined_just_now_comes_whole_and_limited(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, name="ours")
    for number in range(8):
        await ada.say(conv, f"m{number}")
    await ben.sync()
    await ben.join(conv)
    await ada.say(conv, "welcome")
    section = await joined(ben, conv, limit=3)
    assert section["timeline"]["limited"] is True
    events = section["timeline"]["events"]
    assert kinds(events) == ["m.room.message", "m.room.member", "m.room.message"]
    state = {(one["type"], one["state_key"]): one for one in section["state"]["events"]}
    assert {"m.room.create", "m.room.power_levels", "m.room.name", "org.halfdoor.posture"} <= {
        kind for kind, _ in state
    }
    # The state is that before the timeline: there they were still invited.
    assert state["m.room.member", ben.id]["content"]["membership"] == "invite"
    assert section["summary"]["m.joined_member_count"] == 2


async def test_a_room_joined_again_comes_whole_after_a_gap(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="ours")
    await ada.say(conv, "one")
    await ben.leave(conv)
    await ada.say(conv, "while away")
    await ada.invite(conv, ben)
    await ben.join(conv)
    await ada.say(conv, "back")
    section = await joined(ben, conv, limit=20)
    assert section["timeline"]["limited"] is True
    texts = bodies(section["timeline"]["events"])
    assert texts == ["one", "while away", "back"]
    assert len({one["event_id"] for one in section["timeline"]["events"]}) == len(
        section["timeline"]["events"]
    )


async def test_full_state_gives_all_of_it_even_if_nothing_happened(house: LittleHouse) -> None:
    _ada, ben, conv = await pair(house, name="ours")
    section = await joined(ben, conv, full_state=True)
    assert section["timeline"]["events"] == []
    assert section["timeline"]["limited"] is False
    assert {"m.room.create", "m.room.name", "m.room.member"} <= set(
        kinds(section["state"]["events"])
    )


async def test_a_long_gap_is_told_in_pieces_without_a_hole(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)

    async def older(room: str, start: str) -> dict[str, Any]:
        return await ben.messages(room, start=start, limit=100)

    view = View(older)
    await view.fold(await ben.sync(since=None))
    # More rows than one answer is made of.
    for number in range(2_500):
        await ada.say(conv, f"m{number}")
    answers = 0
    while len(answer := await ben.sync(limit=50)) > 1:
        answers += 1
        await view.fold(answer)
    assert answers == 2
    texts = bodies(view.rooms[conv].timeline)
    assert texts[-2_500:] == [f"m{n}" for n in range(2_500)]


async def test_an_event_that_came_while_the_first_answer_was_made_is_told_once(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await pair(house)
    ben.token = None
    before_first(house.rooms, "get", lambda: ada.say(conv, "meanwhile"))
    first = await joined(ben, conv)
    second = await ben.sync()
    later = second.get("rooms", {}).get("join", {}).get(conv, {"timeline": {"events": []}})
    told = bodies(first["timeline"]["events"]) + bodies(later["timeline"]["events"])
    assert told == ["meanwhile"]
