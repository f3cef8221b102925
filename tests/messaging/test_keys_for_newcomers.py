"""Late wraps (SEALING §3): who came without a key, or came later, reads what the rules allow."""

import asyncio
from typing import Any

import pytest
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone, bodies, timeline

from halfdoor.messaging.ledger import LateWrap
from halfdoor.sealing.epochs import parse_header


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


def late(house: LittleHouse, conv: str) -> list[LateWrap]:
    return [one for some in house.store.conversations[conv].late.values() for one in some]


async def request_of(who: Someone, conv: str) -> list[str]:
    section = (await who.sync())["rooms"]["invite"][conv]
    return bodies(section.get("org.halfdoor.timeline", {"events": []})["events"])


async def trio(
    house: LittleHouse, visibility: str, **request: Any
) -> tuple[Someone, Someone, Someone, str]:
    """Ada and Ben in a conversation of that history visibility; Cleo, who knows both, outside."""
    ada, ben, cleo = [await house.person(name) for name in ("ada", "ben", "cleo")]
    for one, other in ((ada, ben), (ada, cleo), (ben, cleo)):
        house.connect(one, other)
    rule = {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}
    conv = await ada.create(ben, initial_state=[rule], **request)
    await ben.join(conv)
    return ada, ben, cleo, conv


@pytest.mark.parametrize("visibility", ["invited", "joined"])
async def test_no_wrap_of_the_past_where_history_is_not_shared(
    house: LittleHouse, visibility: str
) -> None:
    ada, _ben, cleo, conv = await trio(house, visibility)
    await ada.say(conv, "before")
    await ada.invite(conv, cleo)
    await ada.say(conv, "while invited")
    await cleo.join(conv)
    await ada.say(conv, "while here")
    assert late(house, conv) == []
    seen = ["while here", "while invited"] if visibility == "invited" else ["while here"]
    assert bodies((await cleo.messages(conv))["chunk"]) == seen
    assert bodies(timeline(await cleo.sync(), conv)) == seen[::-1]


async def test_what_was_hidden_stays_closed_when_history_is_shared_later(
    house: LittleHouse,
) -> None:
    ada, _ben, cleo, conv = await trio(house, "joined")
    await ada.say(conv, "among ourselves")
    await ada.set_state(conv, "m.room.history_visibility", {"history_visibility": "shared"})
    await ada.say(conv, "for whoever comes")
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    assert bodies((await cleo.messages(conv))["chunk"]) == ["for whoever comes"]
    opened = {one.epoch for one in late(house, conv)}
    first = house.store.conversations[conv].events
    closed = {event.epoch for event in first if event.fields.type == "m.room.message"}
    assert opened == {max(closed)}


async def test_no_wrap_for_who_is_not_shown_the_invitation(house: LittleHouse) -> None:
    ada, _ben, cleo, conv = await trio(house, "shared")
    house.people.blocked[cleo.id].add(ada.id)
    await ada.say(conv, "before")
    await ada.invite(conv, cleo)
    assert late(house, conv) == []
    assert house.store.rows.get(cleo.id, []) == []


async def test_a_newcomer_reads_what_is_shared(house: LittleHouse) -> None:
    ada, ben, cleo, conv = await trio(house, "shared")
    for day in range(4):
        await (ada if day % 2 else ben).say(conv, f"day {day}")
        house.clock.now += DAY_MS
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    assert bodies(timeline(await cleo.sync(), conv)) == [f"day {n}" for n in range(4)]
    assert {one.user for one in late(house, conv)} == {cleo.id}


async def test_late_wraps_reach_back_a_hundred_epochs(house: LittleHouse) -> None:
    ada, _ben, cleo, conv = await trio(house, "shared")
    for day in range(104):
        await ada.say(conv, f"day {day}")
        house.clock.now += DAY_MS
    await ada.invite(conv, cleo)
    given = [one.epoch for one in late(house, conv)]
    newest = house.store.conversations[conv].head.epoch
    # The newest began with the invitation, and has them in its header.
    assert sorted(given) == list(range(newest - 99, newest))


async def test_each_late_reader_stands_in_the_chain_of_records(house: LittleHouse) -> None:
    ada, ben, cleo, conv = await trio(house, "shared", preset="trusted_private_chat")
    dan = await house.person("dan")
    for one in (ada, ben, cleo):
        house.connect(dan, one)
    await ada.say(conv, "before")
    await ada.invite(conv, cleo)
    await ben.invite(conv, dan)
    kept = house.store.conversations[conv]
    chain = kept.late[1]
    assert [one.user for one in chain] == [cleo.id, dan.id]
    assert chain[0].after == kept.starts[1].hh
    assert chain[1].after == chain[0].rh
    for one in (cleo, dan):
        await one.join(conv)
        assert bodies((await one.messages(conv))["chunk"]) == ["before"]


async def without_key(house: LittleHouse) -> tuple[Someone, Someone, str]:
    """Ada wrote to Ben, whom the platform made and who never signed in."""
    ada = await house.person("ada")
    ben = await house.person("ben", signed_in=False)
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ada.say(conv, "for when you come")
    await ada.sync()
    header = parse_header(house.store.conversations[conv].starts[1].header)
    assert dict(header.members)[ben.id] is None
    return ada, ben, conv


async def test_an_invitation_is_shown_again_once_its_key_was_given(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    await ben.sign_in()
    assert await request_of(ben, conv) == []
    assert set(await ben.sync()) == {"next_batch"}
    # The next request of a member settles it, and the invitation comes again by itself.
    await ada.sync()
    assert await request_of(ben, conv) == ["for when you come"]
    assert set(await ben.sync()) == {"next_batch"}


async def test_any_member_settles_it(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    cleo = await house.person("cleo")
    house.connect(cleo, ben)
    house.connect(cleo, ada)
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    await cleo.sync()
    await ben.sign_in()
    await cleo.sync()
    await ben.join(conv)
    assert "for when you come" in bodies((await ben.messages(conv))["chunk"])


async def test_who_joined_before_the_key_came_is_sent_the_room_again(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    await ben.sign_in()
    await ben.join(conv)
    section = (await ben.sync())["rooms"]["join"][conv]
    assert bodies(section["timeline"]["events"]) == []
    await ada.sync()
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["timeline"]["limited"] is True
    assert bodies(section["timeline"]["events"]) == ["for when you come"]
    assert {one["type"] for one in section["state"]["events"]} | {
        one["type"] for one in section["timeline"]["events"]
    } >= {"m.room.create", "m.room.power_levels"}


async def test_it_is_settled_although_a_new_epoch_began_first(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    await ben.sign_in()
    # Before Ada's client heard of it, she wrote on: that began an epoch with Ben's key.
    await ada.say(conv, "are you there?")
    await ada.sync()
    ben.token = None
    assert await request_of(ben, conv) == ["for when you come", "are you there?"]


async def test_it_is_settled_by_a_first_sync_as_well(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    await ben.sign_in()
    await ada.say(conv, "are you there?")
    house.start()
    ada.token = None
    await ada.sync()
    ben.token = None
    assert await request_of(ben, conv) == ["for when you come", "are you there?"]


async def test_two_members_at_once_give_it_once(house: LittleHouse) -> None:
    ada, ben, conv = await without_key(house)
    tablet = ada.another_device("TABLET")
    tablet.token = ada.token
    await ben.sign_in()
    await asyncio.gather(ada.sync(), tablet.sync())
    assert [one.user for one in late(house, conv)] == [ben.id]
    assert await request_of(ben, conv) == ["for when you come"]


async def test_a_member_without_a_session_gives_nothing(house: LittleHouse) -> None:
    _ada, ben, conv = await without_key(house)
    await ben.sign_in()
    house.keyring.forget("session-ada")
    await _ada.sync()
    assert late(house, conv) == []
