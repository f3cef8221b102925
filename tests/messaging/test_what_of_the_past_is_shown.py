"""History visibility as people meet it: before they came, while invited, after they left."""

from typing import Any

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies

from halfdoor.messaging.errors import ForbiddenError, UnknownEventError


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def trio(house: LittleHouse, visibility: str) -> tuple[Someone, Someone, Someone, str]:
    """Ada and Ben inside, Cleo outside, all connected."""
    ada, ben, cleo = [await house.person(name) for name in ("ada", "ben", "cleo")]
    for one, other in ((ada, ben), (ada, cleo), (ben, cleo)):
        house.connect(one, other)
    rule = {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}
    conv = await ada.create(ben, initial_state=[rule], preset="private_chat")
    await ben.join(conv)
    return ada, ben, cleo, conv


async def course(ada: Someone, cleo: Someone, conv: str) -> dict[str, str]:
    """Let Cleo come, go, and come again, with something said in between; return the ids."""
    said = {"before": await ada.say(conv, "before")}
    await ada.invite(conv, cleo)
    said["asked"] = await ada.say(conv, "asked")
    await cleo.join(conv)
    said["here"] = await ada.say(conv, "here")
    await cleo.leave(conv)
    said["away"] = await ada.say(conv, "away")
    await ada.invite(conv, cleo)
    said["asked again"] = await ada.say(conv, "asked again")
    await cleo.join(conv)
    said["back"] = await ada.say(conv, "back")
    return said


SEEN = {
    "shared": ["before", "asked", "here", "away", "asked again", "back"],
    "invited": ["asked", "here", "asked again", "back"],
    "joined": ["here", "back"],
}


async def every_way(who: Someone, conv: str) -> list[list[str]]:
    """Return the words that each way of reading shows, oldest first."""
    back = bodies((await who.messages(conv))["chunk"])[::-1]
    forth = bodies((await who.messages(conv, direction="f"))["chunk"])
    who.token = None
    section = (await who.sync(limit=100))["rooms"]["join"][conv]
    return [back, forth, bodies(section["timeline"]["events"])]


@pytest.mark.parametrize("visibility", ["shared", "invited", "joined"])
async def test_who_comes_goes_and_comes_again_sees_what_the_rule_says(
    house: LittleHouse, visibility: str
) -> None:
    ada, _ben, cleo, conv = await trio(house, visibility)
    said = await course(ada, cleo, conv)
    assert await every_way(cleo, conv) == [SEEN[visibility]] * 3
    for text, event in said.items():
        if text in SEEN[visibility]:
            assert await house.history.event(cleo.reader, conv, event)
        else:
            with pytest.raises(UnknownEventError):
                await house.history.event(cleo.reader, conv, event)
    assert (await every_way(ada, conv))[0] == SEEN["shared"]


@pytest.mark.parametrize("visibility", ["shared", "invited", "joined"])
async def test_in_a_group_who_is_only_asked_reads_nothing(
    house: LittleHouse, visibility: str
) -> None:
    ada, _ben, cleo, conv = await trio(house, visibility)
    await ada.say(conv, "before")
    await ada.invite(conv, cleo)
    await ada.say(conv, "asked")
    assert list((await cleo.sync())["rooms"]["invite"][conv]) == ["invite_state"]
    with pytest.raises(ForbiddenError):
        await cleo.messages(conv)


@pytest.mark.parametrize("visibility", ["shared", "invited", "joined"])
async def test_who_left_sees_what_they_saw_and_no_more(house: LittleHouse, visibility: str) -> None:
    ada, _ben, cleo, conv = await trio(house, visibility)
    await ada.say(conv, "before")
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    await ada.say(conv, "here")
    await cleo.leave(conv)
    await ada.say(conv, "away")
    seen = ["before", "here"] if visibility == "shared" else ["here"]
    assert bodies((await cleo.messages(conv))["chunk"])[::-1] == seen


async def test_opening_history_later_opens_nothing_older(house: LittleHouse) -> None:
    ada, _ben, cleo, conv = await trio(house, "joined")
    await ada.say(conv, "among ourselves")
    await ada.set_state(conv, "m.room.history_visibility", {"history_visibility": "shared"})
    await ada.say(conv, "for everybody")
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    assert await every_way(cleo, conv) == [["for everybody"]] * 3


async def test_world_readable_is_not_offered(house: LittleHouse) -> None:
    ada, _ben, _cleo, conv = await trio(house, "shared")
    for value in ("world_readable", "nonsense", 7):
        content: dict[str, Any] = {"history_visibility": value}
        with pytest.raises(ForbiddenError):
            await ada.set_state(conv, "m.room.history_visibility", content)
