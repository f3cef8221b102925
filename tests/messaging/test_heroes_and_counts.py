"""The summary of a conversation: who stands for it, and how many are in it."""

from typing import Any

import pytest
from tests.messaging.little_house import LittleHouse, Someone


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def summary(who: Someone, conv: str) -> dict[str, Any] | None:
    answer = await who.sync()
    section = answer.get("rooms", {}).get("join", {}).get(conv, {})
    found: dict[str, Any] | None = section.get("summary")
    return found


async def test_it_is_told_whenever_it_changes_and_not_otherwise(house: LittleHouse) -> None:
    ada, ben, cleo = [await house.person(name) for name in ("ada", "ben", "cleo")]
    house.connect(ada, ben)
    house.connect(ada, cleo)
    house.connect(ben, cleo)
    conv = await ada.create(ben)
    assert await summary(ada, conv) == {
        "m.heroes": [ben.id], "m.joined_member_count": 1, "m.invited_member_count": 1,
    }  # fmt: skip
    await ada.say(conv, "hello")
    assert await summary(ada, conv) is None
    await ben.join(conv)
    assert await summary(ada, conv) == {
        "m.heroes": [ben.id], "m.joined_member_count": 2, "m.invited_member_count": 0,
    }  # fmt: skip
    await ada.invite(conv, cleo)
    assert await summary(ben, conv) == {
        "m.heroes": [ada.id, cleo.id], "m.joined_member_count": 2, "m.invited_member_count": 1,
    }  # fmt: skip
    await cleo.leave(conv)
    await ben.leave(conv)
    # Nobody is left: those who were here give the conversation its name.
    assert await summary(ada, conv) == {
        "m.heroes": [ben.id, cleo.id], "m.joined_member_count": 1, "m.invited_member_count": 0,
    }  # fmt: skip


async def test_it_is_right_after_a_gap(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ada.sync()
    await ben.join(conv)
    for number in range(20):
        await ben.say(conv, f"m{number}")
    section = (await ada.sync(limit=3))["rooms"]["join"][conv]
    assert section["summary"]["m.joined_member_count"] == 2
    members = {one["state_key"]: one for one in section["state"]["events"]}
    assert members[ben.id]["content"]["membership"] == "join"


async def test_at_most_five_stand_for_it(house: LittleHouse) -> None:
    people = [await house.person(f"p{n}") for n in range(8)]
    for one in people:
        for other in people:
            if one is not other:
                house.connect(one, other)
    conv = await people[0].create(*people[1:])
    found = await summary(people[0], conv)
    assert found is not None
    assert found["m.heroes"] == [one.id for one in people[1:6]]
    assert (found["m.joined_member_count"], found["m.invited_member_count"]) == (1, 7)
