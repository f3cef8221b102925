"""Leaving, being put out, turning down, forgetting: each is told once and then the room is gone."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies
from tests.messaging.whole_house import V3, WholeHouse, whole_house

from halfdoor.messaging.errors import ForbiddenError


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def trio(house: LittleHouse) -> tuple[Someone, Someone, str]:
    """Ada above Ben, in a conversation both have joined."""
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, preset="private_chat")
    await ben.join(conv)
    await ben.sync()
    return ada, ben, conv


def left(answer: dict[str, Any], conv: str) -> dict[str, Any]:
    rooms = answer["rooms"]
    assert conv not in rooms.get("join", {})
    assert conv not in rooms.get("invite", {})
    section: dict[str, Any] = rooms["leave"][conv]
    return section


async def test_who_was_put_out_can_do_nothing_more(house: LittleHouse) -> None:
    ada, ben, conv = await trio(house)
    event = await ada.say(conv, "one")
    await ada.kick(conv, ben)
    with pytest.raises(ForbiddenError):
        await ben.say(conv, "still here")
    with pytest.raises(ForbiddenError):
        await ben.join(conv)
    with pytest.raises(ForbiddenError):
        await ben.set_state(conv, "m.room.name", {"name": "x"})
    assert event


async def test_leaving_is_told_once(house: LittleHouse) -> None:
    ada, ben, conv = await trio(house)
    await ada.say(conv, "bye")
    await ben.leave(conv)
    section = left(await ben.sync(), conv)
    events = section["timeline"]["events"]
    assert [one["type"] for one in events] == ["m.room.message", "m.room.member"]
    assert events[-1]["content"] == {"membership": "leave"}
    await ada.say(conv, "not for ben")
    assert set(await ben.sync()) == {"next_batch"}
    ben.token = None
    assert "rooms" not in await ben.sync()


@pytest.mark.parametrize("act", ["leave", "kick", "ban"])
async def test_the_end_is_told_even_after_a_gap(house: LittleHouse, act: str) -> None:
    ada, ben, conv = await trio(house)
    for number in range(30):
        await ada.say(conv, f"m{number}")
    if act == "leave":
        await ben.leave(conv)
    elif act == "kick":
        await ada.kick(conv, ben)
    else:
        await house.moves.ban(ada.reader, conv, ben.id, {})
    await ada.say(conv, "later")
    section = left(await ben.sync(limit=5), conv)
    events = section["timeline"]["events"]
    assert section["timeline"]["limited"] is True
    assert events[-1]["content"]["membership"] == ("ban" if act == "ban" else "leave")
    assert bodies(events) == ["m26", "m27", "m28", "m29"]
    page = await ben.messages(conv, start=section["timeline"]["prev_batch"], limit=3)
    assert bodies(page["chunk"]) == ["m25", "m24", "m23"]
    assert set(await ben.sync()) == {"next_batch"}


async def test_an_invitation_turned_down_is_told_once_to_both(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.sync()
    await ada.sync()
    await ben.leave(conv)
    section = left(await ben.sync(), conv)
    assert [one["content"]["membership"] for one in section["timeline"]["events"]] == ["leave"]
    assert set(await ben.sync()) == {"next_batch"}
    told = (await ada.sync())["rooms"]["join"][conv]["timeline"]["events"]
    assert [(one["state_key"], one["content"]["membership"]) for one in told] == [(ben.id, "leave")]


async def test_turning_down_twice_in_one_gap_leads_to_no_page_that_is_refused(
    house: LittleHouse,
) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.sync()
    await ben.leave(conv)
    await ada.invite(conv, ben)
    await ben.leave(conv)
    section = left(await ben.sync(limit=1), conv)
    assert section["timeline"]["limited"] is False
    assert len(section["timeline"]["events"]) == 1


async def test_an_invitation_taken_back_unseen_is_told_as_left(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, preset="private_chat")
    await ben.sync()
    again = await ada.create(ben, preset="private_chat")
    await ada.kick(conv, ben)
    await ada.kick(again, ben)
    answer = await ben.sync()
    left(answer, conv)
    left(answer, again)
    assert set(await ben.sync()) == {"next_batch"}


async def test_put_out_and_invited_again_in_one_gap_is_an_invitation(house: LittleHouse) -> None:
    ada, ben, conv = await trio(house)
    await ada.kick(conv, ben)
    await ada.invite(conv, ben)
    answer = await ben.sync()
    assert list(answer["rooms"]) == ["invite"]
    assert conv in answer["rooms"]["invite"]


async def test_leaving_twice_is_as_good_as_once(house: LittleHouse) -> None:
    _ada, ben, conv = await trio(house)
    await ben.leave(conv)
    events = len(house.store.conversations[conv].events)
    await ben.leave(conv)
    assert len(house.store.conversations[conv].events) == events


async def test_a_forgotten_room_is_gone_everywhere(whole: WholeHouse) -> None:
    ada, ben = await whole.person("ada"), await whole.person("ben")
    await whole.connect(ada, ben)
    room = await ada.create(ben)
    here = f"{V3}/rooms/{quote(room)}"
    await ben.join(room)
    event = await ada.say(room, "hello")
    await ben.ask("POST", f"{here}/forget", status=400)
    await ben.ask("POST", f"{here}/leave")
    everything = quote('{"room":{"include_leave":true}}')
    wide = f"{V3}/sync?filter={everything}"
    assert room in (await ben.ask("GET", wide))["rooms"]["leave"]
    assert (await ben.history(room))[0]["content"] == {"membership": "leave"}
    await ben.ask("POST", f"{here}/forget")
    await ben.ask("POST", f"{here}/forget")
    assert "rooms" not in await ben.ask("GET", wide)
    for path in ("messages?dir=b", f"event/{quote(event)}", f"context/{quote(event)}", "state"):
        status, _ = await ben.any_status("GET", f"{here}/{path}")
        assert status in {403, 404}, path
    # A new invitation is a new beginning.
    await ada.ask("POST", f"{here}/invite", {"user_id": ben.user})
    assert room in (await ben.ask("GET", wide))["rooms"]["invite"]


async def test_a_rejected_invitation_can_be_forgotten(whole: WholeHouse) -> None:
    ada, ben = await whole.person("ada"), await whole.person("ben")
    await whole.connect(ada, ben)
    room = await ada.create(ben)
    here = f"{V3}/rooms/{quote(room)}"
    since = (await ben.sync())["next_batch"]
    await ben.ask("POST", f"{here}/leave")
    assert room in (await ben.sync(since))["rooms"]["leave"]
    await ben.ask("POST", f"{here}/forget")
    everything = quote('{"room":{"include_leave":true}}')
    assert "rooms" not in await ben.ask("GET", f"{V3}/sync?filter={everything}")
