"""`unsigned`: age, the reader's membership, and what a state event took the place of."""

from typing import Any

import msgspec
import pytest
from tests.messaging.little_house import LittleHouse, Someone

Json = dict[str, Any]


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    return ada, ben, conv


async def everywhere(who: Someone, conv: str, event: str) -> list[Json]:
    """Return *event* as /event, /messages, /sync and the state of a sync give it."""
    alone: Json = msgspec.json.decode(await who.house.history.event(who.reader, conv, event))
    paged = (await who.messages(conv))["chunk"]
    who.token = None
    section = (await who.sync(limit=100))["rooms"]["join"][conv]
    who.token = None
    after = (await who.sync(limit=1, state_after="state_after"))["rooms"]["join"][conv]
    lists = (paged, section["timeline"]["events"], after["state_after"]["events"])
    return [alone] + [one for some in lists for one in some if one["event_id"] == event]


async def test_age_is_how_long_ago_it_was(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    said = await ada.say(conv, "hello")
    house.clock.now += 1_234
    assert {one["unsigned"]["age"] for one in await everywhere(ben, conv, said)} == {1_234}
    # A clock that was set back makes nothing younger than new.
    house.clock.now -= 10_000
    assert {one["unsigned"]["age"] for one in await everywhere(ben, conv, said)} == {0}


async def test_membership_is_the_readers_own_at_the_event(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create()
    early = await ada.say(conv, "before")
    await ada.invite(conv, ben)
    asked = await ada.say(conv, "asked")
    await ben.join(conv)
    late = await ada.say(conv, "here")
    for event, membership in ((early, "leave"), (asked, "invite"), (late, "join")):
        found = await everywhere(ben, conv, event)
        assert {one["unsigned"]["membership"] for one in found} == {membership}
        found = await everywhere(ada, conv, event)
        assert {one["unsigned"]["membership"] for one in found} == {"join"}


async def test_state_says_what_it_replaced(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    first = await ada.set_state(conv, "m.room.name", {"name": "one"})
    second = await ada.set_state(conv, "m.room.name", {"name": "two"})
    rule = await ada.set_state(conv, "m.room.guest_access", {"guest_access": "forbidden"})
    for found in await everywhere(ben, conv, first):
        assert "replaces_state" not in found["unsigned"]
        assert "prev_content" not in found["unsigned"]
    for found in await everywhere(ben, conv, second):
        assert found["unsigned"]["replaces_state"] == first
        assert found["unsigned"]["prev_content"] == {"name": "one"}
    for found in await everywhere(ben, conv, rule):
        assert found["unsigned"]["prev_content"] == {"guest_access": "can_join"}


async def test_a_join_shows_the_invitation_before_it(house: LittleHouse) -> None:
    _ada, ben, conv = await pair(house)
    event = (await house.rooms.get(conv)).state[("m.room.member", ben.id)].fields.event_id
    for found in await everywhere(ben, conv, event):
        assert found["unsigned"]["prev_content"]["membership"] == "invite"


async def test_what_was_redacted_is_not_shown_as_the_content_before(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    first = await ada.set_state(conv, "m.room.name", {"name": "bad words"})
    second = await ada.set_state(conv, "m.room.name", {"name": "two"})
    content = {"membership": "join", "displayname": "worse words"}
    named = await house.moves.set_member(ben.reader, conv, ben.id, content)
    again = await house.moves.set_member(
        ben.reader, conv, ben.id, {"membership": "join", "displayname": "Ben"}
    )
    await ada.redact(conv, first)
    await ben.redact(conv, named)
    for event, before in ((second, {}), (again, {"membership": "join"})):
        for found in await everywhere(ada, conv, event):
            assert found["unsigned"].get("prev_content", {}) == before
    assert "words" not in str(await ada.messages(conv))


async def test_the_name_before_one_came_is_not_shown_where_history_is_hidden(
    house: LittleHouse,
) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    hidden = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    conv = await ada.create(initial_state=[hidden], name="a secret name")
    await ada.invite(conv, ben)
    await ben.join(conv)
    event = await ada.set_state(conv, "m.room.name", {"name": "for everybody"})
    for found in await everywhere(ben, conv, event):
        assert found["content"] == {"name": "for everybody"}
        assert "a secret name" not in str(found)
