"""Making, joining and forgetting conversations by HTTP."""

import pytest
from tests.messaging.little_house import LittleHouse
from tests.web.matrix.conftest import V1, Seat, World, good, refusal

from halfdoor.safety.ages import AgeBand


async def test_an_adult_stranger_cannot_make_a_conversation_with_a_child(world: World) -> None:
    adult, child = await world.person("adult"), await world.person("child", AgeBand.FROM_13)
    answer = await adult.ask("POST", "/createRoom", {"invite": [child.id]})
    assert refusal(answer) == (403, "M_FORBIDDEN")
    # The age of the other is not what the adult is told.
    assert answer.json()["org.halfdoor.reason"] == "not_reachable"
    assert answer.json()["error"].startswith("You cannot write to this person.")
    assert world.house.store.conversations == {}


async def test_a_suspended_account_makes_no_conversation(world: World) -> None:
    ada = await world.person("ada")
    world.house.people.suspended_users.add(ada.id)
    assert refusal(await ada.ask("POST", "/createRoom", {})) == (403, "M_USER_SUSPENDED")


async def test_who_takes_no_invites_is_not_invited(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    await ben.put(
        f"/user/{ben.id}/account_data/m.invite_permission_config", {"default_action": "block"}
    )
    answer = await ada.ask("POST", "/createRoom", {"invite": [ben.id]})
    assert refusal(answer) == (403, "M_INVITE_BLOCKED")


@pytest.mark.parametrize(
    ("body", "status", "errcode"),
    [
        ({"room_version": "6"}, 400, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 11}, 400, "M_BAD_JSON"),
        ({"invite": "@ben:a.example"}, 400, "M_BAD_JSON"),
        ({"invite": ["ben"]}, 400, "M_BAD_JSON"),
        ({"visibility": "public"}, 403, "M_FORBIDDEN"),
        ({"room_alias_name": "lobby"}, 403, "M_FORBIDDEN"),
        ({"creation_content": {"a": 0.5}}, 400, "M_BAD_JSON"),
        ({"creation_content": {"a": 2**53}}, 400, "M_BAD_JSON"),
        ({"initial_state": [{"type": "m.room.encryption", "content": {}}]}, 403, "M_FORBIDDEN"),
        ({"power_level_content_override": {"users": {}}}, 400, "M_INVALID_ROOM_STATE"),
        ({"name": "n" * 70_000}, 413, "M_TOO_LARGE"),
    ],
)
async def test_what_is_not_offered_makes_no_conversation(
    world: World, body: dict[str, object], status: int, errcode: str
) -> None:
    ada = await world.person("ada")
    assert refusal(await ada.ask("POST", "/createRoom", body)) == (status, errcode)
    assert world.house.store.conversations == {}


async def test_a_session_with_a_former_key_makes_nothing(world: World) -> None:
    ada = await world.person("ada")
    former = world.sit(Seat(ada.id, "OLD", "former", closed=True))
    assert refusal(await former.ask("POST", "/createRoom", {})) == (403, "M_FORBIDDEN")


async def test_a_device_that_waits_for_approval_makes_nothing(world: World) -> None:
    ada = await world.person("ada")
    waiting = world.sit(Seat(ada.id, "NEW", "waiting", pending=True))
    answer = await waiting.ask("POST", "/createRoom", {})
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert answer.json()["org.halfdoor.pending"] is True


async def test_without_custodians_no_conversation_begins_and_it_says_how_to_have_some() -> None:
    world = World(LittleHouse(escrow=[]))
    async with world.http:
        ada = await world.person("ada")
        answer = await ada.ask("POST", "/createRoom", {})
    assert refusal(answer) == (403, "M_FORBIDDEN")
    assert "halfdoor custodian init" in answer.json()["error"]


async def test_aliases_lead_nowhere(world: World) -> None:
    ada = await world.person("ada")
    assert refusal(await ada.ask("POST", "/join/%23lobby:a.example")) == (404, "M_NOT_FOUND")


async def test_joining_a_room_that_is_not_there_looks_like_joining_uninvited(world: World) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    there = await mallory.ask("POST", f"/join/{room}")
    nowhere = await mallory.ask("POST", "/join/!nowhere:a.example")
    assert refusal(there) == (403, "M_FORBIDDEN")
    assert nowhere.json() == there.json()


async def test_a_conversation_one_is_in_cannot_be_forgotten(world: World) -> None:
    ada, mallory = await world.person("ada"), await world.person("mallory")
    room = await ada.create()
    assert refusal(await ada.ask("POST", f"/rooms/{room}/forget")) == (400, "M_UNKNOWN")
    assert refusal(await mallory.ask("POST", f"/rooms/{room}/forget")) == (403, "M_FORBIDDEN")


async def test_a_conversation_is_made_joined_left_and_forgotten(world: World) -> None:
    ada, ben = await world.person("ada"), await world.person("ben")
    world.connect(ada, ben)
    room = await ada.create(ben)
    # nio and js-sdk send no body at all here.
    assert await ben.post(f"/rooms/{room}/join") == {"room_id": room}
    assert await ben.post(f"/join/{room}", {"reason": "again"}) == {"room_id": room}
    assert await ben.get("/joined_rooms") == {"joined_rooms": [room]}
    assert await ben.post(f"/rooms/{room}/leave") == {}
    assert await ben.get("/joined_rooms") == {"joined_rooms": []}
    assert len((await ben.get(f"/rooms/{room}/messages", dir="b"))["chunk"]) > 0
    assert await ben.post(f"/rooms/{room}/forget", {}) == {}
    assert await ben.post(f"/rooms/{room}/forget") == {}
    event = world.house.store.conversations[room].events[0].fields.event_id
    for path in (
        f"/rooms/{room}/messages?dir=b",
        f"/rooms/{room}/context/{event}",
        f"/rooms/{room}/event/{event}",
        f"{V1}/rooms/{room}/relations/{event}",
        f"/rooms/{room}/state",
        f"/rooms/{room}/state/m.room.create",
        f"/rooms/{room}/members",
    ):
        assert refusal(await ben.ask("GET", path)) == (403, "M_FORBIDDEN")
        assert (await ada.ask("GET", path)).status_code == 200


async def test_the_older_name_of_the_api_is_the_same(world: World) -> None:
    ada = await world.person("ada")
    room = await ada.create()
    answer = await ada.ask("GET", "/_matrix/client/r0/joined_rooms")
    assert good(answer) == {"joined_rooms": [room]}
