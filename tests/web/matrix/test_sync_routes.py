"""GET /sync and the filters it uses, by HTTP."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.web.matrix.conftest import Client, Seat, World, good, refusal

from halfdoor.web.matrix.kept_filters import KeptFilters
from halfdoor.web.matrix.syncing import Spread


def rooms(answer: dict[str, Any], kind: str = "join") -> dict[str, Any]:
    """The rooms of a sync answer."""
    found: dict[str, Any] = answer.get("rooms", {}).get(kind, {})
    return found


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": ""},
        {"since": "a.example.-1.boot.0"},
        {"since": "a.example.1.boot." + "9" * 40},
        {"timeout": "soon"},
        {"timeout": "-1"},
        {"timeout": "1.5"},
        {"full_state": "yes"},
        {"use_state_after": "1"},
        {"org.matrix.msc4222.use_state_after": ""},
        {"filter": "7"},
        {"filter": ""},
        {"filter": "{"},
        {"filter": '{"room":1}'},
        {"filter": '{"room":{"timeline":{"limit":-1}}}'},
        {"filter": "{" + " " * 3_000 + "]"},
    ],
)
async def test_a_sync_that_means_nothing_is_refused(world: World, query: dict[str, Any]) -> None:
    ada = await world.person("ada")
    assert refusal(await ada.ask("GET", "/sync", **query)) == (400, "M_INVALID_PARAM")


async def test_a_token_from_another_restore_begins_anew(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    for token in ("elsewhere.1.boot.0", "a.example.999999.boot.0"):
        assert room in rooms(await ada.get("/sync", since=token, timeout=0))


async def test_a_sync_shows_what_happened_and_then_nothing(world: World) -> None:
    ada, ben, room = await world.pair()
    await ada.say(room, "hello")
    first = await ben.get("/sync", timeout=0, set_presence="offline", _cacheBuster="77")
    assert [
        event["content"]["body"]
        for event in rooms(first)[room]["timeline"]["events"]
        if event["type"] == "m.room.message"
    ] == ["hello"]
    second = await ben.get("/sync", since=first["next_batch"], timeout=0)
    assert rooms(second) == {}


async def test_a_long_poll_is_woken(world: World) -> None:
    ada, ben, room = await world.pair()
    token = (await ben.get("/sync"))["next_batch"]
    waiting = asyncio.create_task(ben.get("/sync", since=token, timeout=30_000))
    await asyncio.sleep(0)
    event = await ada.say(room, "are you there")
    answer = await waiting
    assert [one["event_id"] for one in rooms(answer)[room]["timeline"]["events"]] == [event]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ({}, "state"),
        ({"use_state_after": "false"}, "state"),
        ({"use_state_after": "true"}, "state_after"),
        ({"org.matrix.msc4222.use_state_after": "true"}, "org.matrix.msc4222.state_after"),
        (
            {"use_state_after": "true", "org.matrix.msc4222.use_state_after": "true"},
            "org.matrix.msc4222.state_after",
        ),
    ],
)
async def test_state_stands_under_the_key_that_was_asked_for(
    world: World, query: dict[str, str], key: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    section = rooms(await ada.get("/sync", **query))[room]
    assert section[key]["events"] or key == "state"
    keys = {"state", "state_after", "org.matrix.msc4222.state_after"}
    assert keys & set(section) == {key}


async def test_a_full_state_is_sent_when_asked_for(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    token = (await ada.get("/sync"))["next_batch"]
    answer = await ada.get("/sync", since=token, full_state="true")
    assert len(rooms(answer)[room]["state"]["events"]) > 4


async def test_a_device_that_waits_is_told_nothing(world: World) -> None:
    ada = await world.person("ada")
    await ada.create()
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    first = await waiting.get("/sync")
    assert list(first) == ["next_batch"]
    # Its timeout passes, and still there is nothing.
    assert await waiting.get("/sync", since=first["next_batch"], timeout=1) == first


# -- filters -----------------------------------------------------------------------------------


async def kept(who: Client, wanted: dict[str, Any]) -> str:
    """The id of a filter that is kept."""
    filter_id: str = (await who.post(f"/user/{who.id}/filter", wanted))["filter_id"]
    return filter_id


@pytest.mark.parametrize(
    ("raw", "status", "errcode"),
    [
        (b"", 400, "M_NOT_JSON"),
        (b"[]", 400, "M_BAD_JSON"),
        (b'{"room":[]}', 400, "M_BAD_JSON"),
        (b'{"event_format":"federation"}', 400, "M_BAD_JSON"),
        (b'{"other":"\xff"}', 400, "M_NOT_JSON"),
        (b'{"other":"' + b"o" * 65_536 + b'"}', 413, "M_TOO_LARGE"),
    ],
)
async def test_what_is_no_filter_is_not_kept(
    world: World, raw: bytes, status: int, errcode: str
) -> None:
    ada = await world.person("ada")
    answer = await ada.ask("POST", f"/user/{ada.id}/filter", raw=raw)
    assert refusal(answer) == (status, errcode)
    assert world.house.store.filters == {}


async def test_filters_of_others_are_theirs(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    filter_id = await kept(ada, {"room": {"timeline": {"limit": 1}}})
    assert refusal(await ben.ask("POST", f"/user/{ada.id}/filter", {})) == (403, "M_FORBIDDEN")
    answer = await ben.ask("GET", f"/user/{ada.id}/filter/{filter_id}")
    assert refusal(answer) == (403, "M_FORBIDDEN")
    answer = await ben.ask("GET", f"/user/{ben.id}/filter/{filter_id}")
    assert refusal(answer) == (404, "M_NOT_FOUND")
    assert refusal(await ben.ask("GET", "/sync", filter=filter_id)) == (400, "M_INVALID_PARAM")


async def test_a_filter_is_kept_shown_and_used(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    for text in ("one", "two", "three"):
        await ada.say(room, text)
    wanted = {"room": {"timeline": {"limit": 1, "types": ["m.room.message"]}}}
    filter_id = await kept(ada, wanted)
    assert await ada.get(f"/user/{ada.id}/filter/{filter_id}") == wanted
    inline = msgspec.json.encode(wanted).decode()
    padded = "{" + " " * 3_000 + inline[1:]
    for given in (filter_id, filter_id, inline, inline, padded):
        timeline = rooms(await ada.get("/sync", filter=given))[room]["timeline"]
        assert [event["content"]["body"] for event in timeline["events"]] == ["three"]


async def test_a_device_that_waits_may_keep_a_filter_and_read_push_rules(world: World) -> None:
    # js-sdk does both before its first sync, and gives up where it cannot.
    ada = await world.person("ada")
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    filter_id = await kept(waiting, {"room": {}})
    assert list(await waiting.get("/sync", filter=filter_id)) == ["next_batch"]
    assert "override" in (await waiting.get("/pushrules/"))["global"]


async def test_a_kept_filter_is_read_from_the_store_once(world: World) -> None:
    ada = await world.person("ada")
    filter_id = await kept(ada, {"room": {"timeline": {"limit": 7}}})
    filters = KeptFilters(world.house.store)
    first = await filters.find(ada.id, filter_id)
    world.house.store.filters.clear()
    assert await filters.find(ada.id, filter_id) is first
    assert first.timeline.count == 7


async def test_the_answer_to_a_sync_is_json(world: World) -> None:
    ada = await world.person("ada")
    assert good(await ada.ask("GET", "/sync"))["next_batch"]


def test_long_polls_that_begin_together_do_not_end_together() -> None:
    spread = Spread()
    ends = sorted(spread.shorten(30_000) for _ in range(600))
    assert ends[0] >= 24_000
    assert ends[-1] <= 30_000
    # Never more than a few in the same tenth of a second.
    assert max(sum(low <= end < low + 100 for end in ends) for low in range(24_000, 30_000)) < 20


def test_short_polls_last_as_long_as_they_were_asked_to() -> None:
    assert [Spread().shorten(asked) for asked in (0, 1, 9_999)] == [0, 1, 9_999]
