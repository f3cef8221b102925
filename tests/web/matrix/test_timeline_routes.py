"""GET messages, context, event and relations by HTTP."""

from typing import Any

import pytest
from tests.web.matrix.conftest import V1, Client, World, refusal


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"dir": "up"}, "M_INVALID_PARAM"),
        ({"dir": ""}, "M_INVALID_PARAM"),
        ({"dir": "b", "limit": "ten"}, "M_INVALID_PARAM"),
        ({"dir": "b", "limit": "-1"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "here"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "t0"}, "M_INVALID_PARAM"),
        ({"dir": "b", "from": "t999"}, "M_INVALID_PARAM"),
        ({"dir": "b", "to": "t-1"}, "M_INVALID_PARAM"),
        ({"dir": "b", "filter": "{"}, "M_INVALID_PARAM"),
        ({"dir": "b", "filter": "7"}, "M_INVALID_PARAM"),
        ({"dir": "b", "filter": "{" + " " * 3_000}, "M_INVALID_PARAM"),
    ],
)
async def test_a_page_that_cannot_be_found_is_refused(
    world: World, query: dict[str, Any], errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    assert refusal(await ada.ask("GET", f"/rooms/{room}/messages", **query)) == (400, errcode)


def readable(room: str, event: str) -> list[str]:
    """Every path that reads back."""
    return [
        f"/rooms/{room}/messages?dir=b",
        f"/rooms/{room}/context/{event}",
        f"/rooms/{room}/event/{event}",
        f"{V1}/rooms/{room}/relations/{event}",
    ]


async def test_a_stranger_reads_nothing_and_learns_nothing(world: World) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    event = await ada.say(room, "secret")
    there = readable(room, event)
    nowhere = readable("!nowhere:a.example", event)
    for path, other in zip(there, nowhere, strict=True):
        answer = await mallory.ask("GET", path)
        assert refusal(answer) == (403, "M_FORBIDDEN")
        assert (await mallory.ask("GET", other)).json() == answer.json()


async def test_an_event_that_is_not_there_is_not_found(world: World) -> None:
    ada = await world.person("ada")
    room, other = await ada.create(), await ada.create()
    elsewhere = await ada.say(other, "elsewhere")
    for event in ("$nowhere", elsewhere, "%00x".replace("%00", "%20")):
        for path in readable(room, event)[1:]:
            assert refusal(await ada.ask("GET", path)) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("path", ["context", "relations"])
async def test_a_number_that_is_none_is_refused(world: World, path: str) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    event = await ada.say(room, "hello")
    start = f"{V1}/rooms/{room}" if path == "relations" else f"/rooms/{room}"
    answer = await ada.ask("GET", f"{start}/{path}/{event}", limit="many")
    assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_relations_are_asked_for_in_words_of_the_specification(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    event = await ada.say(room, "hello")
    queries: list[dict[str, Any]] = [{"dir": "up"}, {"recurse": "maybe"}, {"from": "here"}]
    for query in queries:
        answer = await ada.ask("GET", f"{V1}/rooms/{room}/relations/{event}", **query)
        assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_history_is_read_page_by_page_without_a_hole(world: World) -> None:
    ada, ben, room = await world.pair()
    sent = [await ada.say(room, f"{n}") for n in range(7)]
    query: dict[str, Any] = {"dir": "b", "limit": 3}
    wanted = '{"types":["m.room.message"]}'
    found: list[str] = []
    while True:
        page = await ben.get(f"/rooms/{room}/messages", filter=wanted, **query)
        found += [event["event_id"] for event in page["chunk"]]
        if "end" not in page:
            break
        query["from"] = page["end"]
    assert found == sent[::-1]
    forwards = await ben.get(f"/rooms/{room}/messages", dir="f", limit=100, filter=wanted)
    assert [event["event_id"] for event in forwards["chunk"]] == sent


async def test_one_event_stands_between_its_neighbours(world: World) -> None:
    ada, _, room = await world.pair()
    one, two, three = [await ada.say(room, text) for text in ("one", "two", "three")]
    assert (await ada.get(f"/rooms/{room}/event/{two}"))["content"]["body"] == "two"
    around = await ada.get(f"/rooms/{room}/context/{two}", limit=2)
    assert [event["event_id"] for event in around["events_before"]] == [one]
    assert around["event"]["event_id"] == two
    assert [event["event_id"] for event in around["events_after"]] == [three]
    assert {event["type"] for event in around["state"]} >= {"m.room.create", "m.room.member"}
    # Ids come percent-encoded from some clients (MATRIX §1.4).
    encoded = f"/rooms/{room.replace('!', '%21')}/event/{two.replace('$', '%24')}"
    assert (await ada.get(encoded))["event_id"] == two


async def react(who: Client, room: str, event: str, key: str) -> str:
    """React to an event."""
    relates = {"rel_type": "m.annotation", "event_id": event, "key": key}
    content = {"m.relates_to": relates}
    sent = await who.put(f"/rooms/{room}/send/m.reaction/{key}", content)
    found: str = sent["event_id"]
    return found


async def test_relations_are_found_in_all_three_forms(world: World) -> None:
    ada, ben, room = await world.pair()
    event = await ada.say(room, "hello")
    reactions = [await react(ben, room, event, key) for key in ("a", "b", "c")]
    replaced: dict[str, Any] = {
        "m.new_content": {"msgtype": "m.text", "body": "hi"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    }
    edit = await ada.say(room, "* hi", **replaced)
    base = f"{V1}/rooms/{room}/relations/{event}"

    async def found(path: str, **query: object) -> list[str]:
        return [one["event_id"] for one in (await ben.get(path, **query))["chunk"]]

    assert await found(base, recurse="true") == [edit, *reactions[::-1]]
    assert await found(f"{base}/m.annotation") == reactions[::-1]
    assert await found(f"{base}/m.annotation", dir="f") == reactions
    assert await found(f"{base}/m.annotation/m.reaction", limit=2) == reactions[:0:-1]
    assert await found(f"{base}/m.annotation/m.room.message") == []
    page = await ben.get(f"{base}/m.annotation", limit=2)
    rest = await ben.get(f"{base}/m.annotation", **{"from": page["next_batch"]})
    assert [one["event_id"] for one in rest["chunk"]] == reactions[:1]
