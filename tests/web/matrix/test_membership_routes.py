"""Invite, leave, kick, ban, unban, and the lists of members, by HTTP."""

from typing import Any

import pytest
from tests.web.matrix.conftest import World, good, refusal


@pytest.mark.parametrize("move", ["invite", "kick", "ban", "unban"])
@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"user_id": 7}, "M_BAD_JSON"),
        ({"user_id": None}, "M_BAD_JSON"),
        ({"user_id": "ben"}, "M_INVALID_PARAM"),
        ({"user_id": "@" + "b" * 300 + ":a.example"}, "M_INVALID_PARAM"),
        ({"user_id": "@ben:a.example", "reason": {}}, "M_BAD_JSON"),
    ],
)
async def test_moving_nobody_in_particular_is_refused(
    world: World, move: str, body: dict[str, object], errcode: str
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    before = len(world.house.store.conversations[room].events)
    assert refusal(await ada.ask("POST", f"/rooms/{room}/{move}", body)) == (400, errcode)
    assert len(world.house.store.conversations[room].events) == before


@pytest.mark.parametrize("move", ["invite", "kick", "ban", "unban", "leave"])
async def test_a_stranger_moves_nobody_and_learns_nothing(world: World, move: str) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    body = {"user_id": ada.id}
    there = await mallory.ask("POST", f"/rooms/{room}/{move}", body)
    nowhere = await mallory.ask("POST", f"/rooms/!nowhere:a.example/{move}", body)
    assert refusal(there) == (403, "M_FORBIDDEN")
    assert nowhere.json() == there.json()


async def test_nobody_without_an_account_is_invited(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("POST", f"/rooms/{room}/invite", {"user_id": "@nobody:a.example"})
    assert refusal(answer) == (404, "M_NOT_FOUND")


async def test_a_reason_larger_than_an_event_is_refused(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("POST", f"/rooms/{room}/leave", {"reason": "r" * 70_000})
    assert refusal(answer) == (413, "M_TOO_LARGE")
    assert await ada.get("/joined_rooms") == {"joined_rooms": [room]}


async def test_people_are_invited_put_out_banned_and_let_in_again(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create()
    path = f"/rooms/{room}"
    whom = {"user_id": ben.id}
    assert await ada.post(f"{path}/invite", whom) == {}
    assert await ben.post(f"{path}/join") == {"room_id": room}
    assert await ada.post(f"{path}/kick", whom | {"reason": "enough"}) == {}
    assert await ben.get("/joined_rooms") == {"joined_rooms": []}
    assert await ada.post(f"{path}/ban", whom) == {}
    assert refusal(await ben.ask("POST", f"{path}/join")) == (403, "M_FORBIDDEN")
    assert await ada.post(f"{path}/unban", whom) == {}
    assert await ada.post(f"{path}/invite", whom) == {}
    assert await ben.post(f"{path}/leave", {"reason": "no, thank you"}) == {}


# -- who is there ------------------------------------------------------------------------------


async def test_a_stranger_sees_no_members(world: World) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    for path in ("members", "joined_members", "state"):
        there = await mallory.ask("GET", f"/rooms/{room}/{path}")
        nowhere = await mallory.ask("GET", f"/rooms/!nowhere:a.example/{path}")
        assert refusal(there) == (403, "M_FORBIDDEN")
        assert nowhere.json() == there.json()


async def test_an_invited_person_sees_no_members_before_joining(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create(ben)
    assert refusal(await ben.ask("GET", f"/rooms/{room}/members")) == (403, "M_FORBIDDEN")
    assert refusal(await ben.ask("GET", f"/rooms/{room}/joined_members")) == (403, "M_FORBIDDEN")


@pytest.mark.parametrize(
    "query", [{"membership": "gone"}, {"not_membership": ""}, {"at": "yesterday"}, {"at": "t999"}]
)
async def test_members_are_asked_for_in_words_of_the_specification(
    world: World, query: dict[str, Any]
) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("GET", f"/rooms/{room}/members", **query)
    assert refusal(answer) == (400, "M_INVALID_PARAM")


async def test_members_are_chosen_by_membership(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create(ben)

    async def found(**query: str) -> set[str]:
        chunk = (await ada.get(f"/rooms/{room}/members", **query))["chunk"]
        assert all(event["room_id"] == room for event in chunk)
        return {event["state_key"] for event in chunk}

    assert await found() == {ada.id, ben.id}
    assert await found(membership="join") == {ada.id}
    assert await found(not_membership="join") == {ben.id}
    assert await found(membership="join", not_membership="join") == set()
    assert await ada.get(f"/rooms/{room}/joined_members") == {
        "joined": {ada.id: {"display_name": "Ada"}}
    }


async def test_members_at_a_token_are_those_of_that_time(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create()
    token = (await ada.get("/sync"))["next_batch"]
    await ada.post(f"/rooms/{room}/invite", {"user_id": ben.id})
    chunk = (await ada.get(f"/rooms/{room}/members", at=token))["chunk"]
    assert {event["state_key"] for event in chunk} == {ada.id}


async def test_who_left_sees_the_members_they_left_behind(world: World) -> None:
    ada, ben, room = await world.pair()
    cyd = await world.person("cyd")
    world.connect(ada, cyd)
    world.connect(ben, cyd)
    await ben.post(f"/rooms/{room}/leave")
    await ada.post(f"/rooms/{room}/invite", {"user_id": cyd.id})
    chunk = (await ben.get(f"/rooms/{room}/members"))["chunk"]
    assert {event["state_key"]: event["content"]["membership"] for event in chunk} == {
        ada.id: "join",
        ben.id: "leave",
    }


async def test_members_before_one_joined_are_hidden_where_history_is(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    hidden = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    room = await ada.create(initial_state=[hidden])
    await ada.say(room, "to nobody yet")
    then = f"t{len(world.house.store.conversations[room].events) + 1}"
    await ada.post(f"/rooms/{room}/invite", {"user_id": ben.id})
    await ben.post(f"/join/{room}")
    early = await ben.ask("GET", f"/rooms/{room}/members", at=then)
    assert refusal(early) == (403, "M_FORBIDDEN")
    assert good(await ada.ask("GET", f"/rooms/{room}/members", at=then))["chunk"]
