"""To a stranger a conversation answers like one that does not exist."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.messaging.whole_house import V3, WholeHouse, whole_house

NOWHERE = "!AAAAAAAAAAAAAAAAAA:localhost"


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


def requests(room: str, event: str, user: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    here, one = f"{V3}/rooms/{quote(room)}", quote(event)
    other = {"user_id": "@ada:localhost"}
    relations = f"/_matrix/client/v1/rooms/{quote(room)}/relations/{one}"
    return [
        ("PUT", f"{here}/send/m.room.message/t", {"msgtype": "m.text", "body": "x"}),
        ("PUT", f"{here}/redact/{one}/t", {}),
        ("PUT", f"{here}/state/m.room.name", {"name": "x"}),
        ("PUT", f"{here}/typing/{quote(user)}", {"typing": True}),
        ("GET", f"{here}/state", None),
        ("GET", f"{here}/state/m.room.name", None),
        ("GET", f"{here}/state/m.room.create/", None),
        ("GET", f"{here}/members", None),
        ("GET", f"{here}/joined_members", None),
        ("GET", f"{here}/messages?dir=b", None),
        ("GET", f"{here}/event/{one}", None),
        ("GET", f"{here}/context/{one}", None),
        ("GET", relations, None),
        ("POST", f"{here}/invite", other),
        ("POST", f"{here}/kick", other),
        ("POST", f"{here}/ban", other),
        ("POST", f"{here}/unban", other),
        ("POST", f"{here}/leave", {}),
        ("POST", f"{here}/join", {}),
        ("POST", f"{V3}/join/{quote(room)}", {}),
        ("POST", f"{here}/forget", {}),
        ("POST", f"{here}/receipt/m.read/{one}", {}),
        ("POST", f"{here}/read_markers", {"m.read": event}),
    ]


async def test_whatever_a_stranger_asks_is_answered_the_same(whole: WholeHouse) -> None:
    ada, ben, mallory = [await whole.person(name) for name in ("ada", "ben", "mallory")]
    await whole.connect(ada, ben)
    room = await ada.create(ben)
    await ben.join(room)
    event = await ada.say(room, "hello")
    there = [await mallory.any_status(*one) for one in requests(room, event, mallory.user)]
    nowhere = [await mallory.any_status(*one) for one in requests(NOWHERE, event, mallory.user)]
    assert there == nowhere
    assert {status for status, _ in there} == {403}
    assert {answer["errcode"] for _, answer in there} == {"M_FORBIDDEN"}


async def test_what_a_member_asks_for_and_is_not_there_is_not_found(whole: WholeHouse) -> None:
    ada = await whole.person("ada")
    room = await ada.create()
    here, missing = f"{V3}/rooms/{quote(room)}", quote("$" + "A" * 43)
    for path in (f"event/{missing}", f"context/{missing}", "state/m.room.name"):
        status, answer = await ada.any_status("GET", f"{here}/{path}")
        assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")
    status, answer = await ada.any_status("PUT", f"{here}/redact/{missing}/t", {})
    assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")
