"""Receipts, read markers and typing by HTTP."""

from typing import Any

import pytest
from tests.web.matrix.conftest import World, refusal


def receipts(answer: dict[str, Any], room: str) -> dict[str, Any]:
    """The receipts of a room in a sync answer."""
    for event in answer["rooms"]["join"][room]["ephemeral"]["events"]:
        if event["type"] == "m.receipt":
            found: dict[str, Any] = event["content"]
            return found
    return {}


@pytest.mark.parametrize(
    ("kind", "body", "errcode"),
    [
        ("m.seen", {}, "M_INVALID_PARAM"),
        ("m.read", {"thread_id": 7}, "M_BAD_JSON"),
        ("m.read", {"thread_id": ""}, "M_INVALID_PARAM"),
        ("m.read", {"thread_id": "$" + "t" * 255}, "M_INVALID_PARAM"),
        ("m.read", {"thread_id": "$come to the old bridge"}, "M_INVALID_PARAM"),
        ("m.read.private", {"thread_id": "$ünder"}, "M_INVALID_PARAM"),
        ("m.fully_read", {"thread_id": "main"}, "M_INVALID_PARAM"),
    ],
)
async def test_a_receipt_that_means_nothing_is_refused(
    world: World, kind: str, body: dict[str, object], errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    event = await ada.say(room, "hello")
    answer = await ada.ask("POST", f"/rooms/{room}/receipt/{kind}/{event}", body)
    assert refusal(answer) == (400, errcode)
    assert world.house.store.conversations[room].receipts == {}


@pytest.mark.parametrize("kind", ["m.read", "m.read.private", "m.fully_read"])
async def test_nothing_is_read_up_to_an_event_that_is_not_there(world: World, kind: str) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    event = await ada.say(room, "hello")
    answer = await ada.ask("POST", f"/rooms/{room}/receipt/{kind}/$nowhere")
    assert refusal(answer) == (404, "M_NOT_FOUND")
    answer = await mallory.ask("POST", f"/rooms/{room}/receipt/{kind}/{event}")
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert world.house.store.conversations[room].receipts == {}


async def test_markers_of_the_wrong_type_move_nothing(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    event = await ada.say(room, "hello")
    path = f"/rooms/{room}/read_markers"
    answer = await ada.ask("POST", path, {"m.read": event, "m.fully_read": 7})
    assert refusal(answer) == (400, "M_BAD_JSON")
    answer = await ada.ask("POST", path, {"m.fully_read": event, "m.read": "$nowhere"})
    assert refusal(answer) == (404, "M_NOT_FOUND")
    assert world.house.store.conversations[room].receipts == {}
    marker = await ada.ask("GET", f"/user/{ada.id}/rooms/{room}/account_data/m.fully_read")
    assert refusal(marker) == (404, "M_NOT_FOUND")


async def test_a_receipt_is_seen_by_the_other_and_a_private_one_is_not(world: World) -> None:
    ada, ben, room = await world.pair()
    one, two = await ada.say(room, "one"), await ada.say(room, "two")
    await ben.post(f"/rooms/{room}/receipt/m.read/{one}")
    await ben.post(f"/rooms/{room}/receipt/m.read.private/{two}", {"thread_id": "main"})
    seen = receipts(await ada.get("/sync"), room)
    assert list(seen) == [one]
    assert list(seen[one]["m.read"]) == [ben.id]
    assert (
        receipts(await ben.get("/sync"), room)[two]["m.read.private"][ben.id]["thread_id"] == "main"
    )


async def test_all_markers_move_at_once(world: World) -> None:
    ada, ben, room = await world.pair()
    event = await ada.say(room, "hello")
    markers = dict.fromkeys(("m.fully_read", "m.read", "m.read.private"), event)
    assert await ben.post(f"/rooms/{room}/read_markers", markers) == {}
    assert await ben.post(f"/rooms/{room}/read_markers", {"m.read": None}) == {}
    assert set(receipts(await ben.get("/sync"), room)[event]) == {"m.read", "m.read.private"}
    path = f"/user/{ben.id}/rooms/{room}/account_data/m.fully_read"
    assert await ben.get(path) == {"event_id": event}
    counts = (await ben.get("/sync"))["rooms"]["join"][room]["unread_notifications"]
    assert counts == {"notification_count": 0, "highlight_count": 0}


# -- typing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"typing": "yes"}, "M_BAD_JSON"),
        ({"typing": True, "timeout": "long"}, "M_BAD_JSON"),
        ({"typing": True, "timeout": -1}, "M_INVALID_PARAM"),
    ],
)
async def test_typing_that_means_nothing_is_refused(
    world: World, body: dict[str, object], errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("PUT", f"/rooms/{room}/typing/{ada.id}", body)
    assert refusal(answer) == (400, errcode)


async def test_nobody_types_for_another_or_where_they_are_not(world: World) -> None:
    ada, ben, room = await world.pair()
    mallory = await world.person("mallory")
    for who, whom in ((ada, ben), (mallory, mallory)):
        answer = await who.ask("PUT", f"/rooms/{room}/typing/{whom.id}", {"typing": True})
        assert refusal(answer) == (403, "M_FORBIDDEN")
    assert world.house.typing.users(room) == []


@pytest.mark.parametrize(
    ("body", "lasts_ms"),
    [
        ({"typing": True}, 30_000),
        ({"typing": True, "timeout": None}, 30_000),
        ({"typing": True, "timeout": 5_000}, 5_000),
        ({"typing": True, "timeout": 10**30}, 120_000),
        ({"typing": False, "timeout": 5_000}, 0),
    ],
)
async def test_typing_lasts_as_long_as_said_but_no_longer_than_two_minutes(
    world: World, body: dict[str, object], lasts_ms: int
) -> None:
    ada, _, room = await world.pair()
    assert await ada.put(f"/rooms/{room}/typing/{ada.id}", body) == {}
    world.house.clock.now += lasts_ms - 1
    assert world.house.typing.users(room) == ([ada.id] if lasts_ms else [])
    world.house.clock.now += 1
    assert world.house.typing.users(room) == []
