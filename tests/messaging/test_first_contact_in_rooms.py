"""First contact (SAFETY §5.13) as conversations live it: one message, no other way to say more."""

from typing import Any

import msgspec
import pytest
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone, bodies

from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused

Json = dict[str, Any]


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def strangers(house: LittleHouse) -> tuple[Someone, Someone]:
    return await house.person("ada"), await house.person("ben")


async def request_of(who: Someone, conv: str) -> list[str]:
    """Return the messages that an invited person is shown before they accept."""
    who.token = None
    section = (await who.sync())["rooms"]["invite"][conv]
    return bodies(section.get("org.halfdoor.timeline", {"events": []})["events"])


async def all_they_get(who: Someone) -> str:
    """Return everything that syncing tells somebody, as text."""
    who.token = None
    return msgspec.json.encode(await who.sync()).decode()


# -- one message ---------------------------------------------------------------------------------


async def test_one_message_over_all_conversations(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    first, second = await ada.create(ben), await ada.create(ben)
    await ada.say(first, "may I?")
    for conv in (first, second, await ada.create(ben)):
        with pytest.raises(ContactRefused):
            await ada.say(conv, "hello?")
    assert await request_of(ben, first) == ["may I?"]
    assert await request_of(ben, second) == []


async def test_an_edit_counts(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    said = await ada.say(conv, "may I?")
    with pytest.raises(ContactRefused):
        await ada.edit(conv, said, "more words")
    assert await request_of(ben, conv) == ["may I?"]


async def test_taking_back_ones_own_is_free_and_gives_no_second_chance(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    said = await ada.say(conv, "a slip")
    with pytest.raises(ContactRefused):
        await ada.redact(conv, said, reason="words in a reason")
    await ada.redact(conv, said)
    assert "a slip" not in await all_they_get(ben)
    with pytest.raises(ContactRefused):
        await ada.say(conv, "once more")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.room.message", {"msgtype": "m.image", "body": "x", "url": "mxc://a/b"}),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "key": "hi"}}),
        ("m.sticker", {"body": "x", "url": "mxc://a/b"}),
        ("org.example.words", {"body": "x"}),
        ("m.room.message", {"msgtype": "m.text", "body": "see https://evil.example/x"}),
    ],
)
async def test_anything_but_plain_words_is_refused(
    house: LittleHouse, kind: str, content: Json
) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    with pytest.raises(ContactRefused):
        await ada.send(conv, kind, content)
    await ada.say(conv, "the one message is still there")


async def test_a_repeated_transaction_is_the_same_one_message(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    first = await ada.say(conv, "may I?", txn="x")
    assert await ada.say(conv, "may I?", txn="x") == first
    assert await request_of(ben, conv) == ["may I?"]


# -- other ways to say something ------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_body",
    [
        {"name": "call me"},
        {"topic": "call me"},
        {"initial_state": [{"type": "m.room.name", "content": {"name": "call me"}}]},
        {"initial_state": [{"type": "m.room.avatar", "content": {"url": "mxc://a/b"}}]},
    ],
)
async def test_a_conversation_cannot_be_made_to_speak(
    house: LittleHouse, request_body: Json
) -> None:
    ada, ben = await strangers(house)
    with pytest.raises(ContactRefused):
        await ada.create(ben, **request_body)
    assert house.store.conversations == {}


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.room.name", {"name": "call me"}),
        ("m.room.topic", {"topic": "call me"}),
        ("m.room.avatar", {"url": "mxc://a/b"}),
        ("org.example.words", {"body": "call me"}),
        ("m.room.server_acl", {"allow": ["call.me"]}),
    ],
)
async def test_state_is_refused_before_they_accept(
    house: LittleHouse, kind: str, content: Json
) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    with pytest.raises(ContactRefused):
        await ada.set_state(conv, kind, content)
    await ben.join(conv)
    await ada.set_state(conv, "m.room.name", {"name": "friends now"})


async def test_power_levels_say_nothing_before_they_accept(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    held = (await house.rooms.get(conv)).content("m.room.power_levels") or {}
    with pytest.raises(ContactRefused):
        await ada.set_state(conv, "m.room.power_levels", {**held, "notifications": {"call me": 1}})


async def test_a_reason_is_refused_before_they_accept(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create()
    with pytest.raises(ContactRefused):
        await ada.invite(conv, ben, reason="call me")
    await ada.invite(conv, ben)
    own = {"membership": "join", "displayname": "Ada", "reason": "call me"}
    with pytest.raises(ContactRefused):
        await house.moves.set_member(ada.reader, conv, ada.id, own)
    again = {"membership": "invite", "reason": "call me"}
    with pytest.raises(ContactRefused):
        await house.moves.set_member(ada.reader, conv, ben.id, again)
    assert "call me" not in await all_they_get(ben)


async def test_an_invitation_is_not_taken_back_with_words(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben, preset="private_chat")
    await ben.sync()
    for move in (house.moves.kick, house.moves.ban):
        with pytest.raises(ContactRefused):
            await move(ada.reader, conv, ben.id, {"reason": "call me"})
    await ada.kick(conv, ben)
    assert "leave" in (await ben.sync())["rooms"]


@pytest.mark.parametrize("band", [AgeBand.ADULT, AgeBand.FROM_13, AgeBand.UNKNOWN])
async def test_nobody_is_told_of_being_banned_from_where_they_never_were(
    house: LittleHouse, band: AgeBand
) -> None:
    ada = await house.person("ada")
    ben = await house.person("ben", band)
    conv = await ada.create()
    await house.moves.ban(ada.reader, conv, ben.id, {"reason": "call me"})
    await house.moves.unban(ada.reader, conv, ben.id, {"reason": "call me again"})
    assert "call me" not in await all_they_get(ben)
    assert house.store.rows.get(ben.id, []) == []
    assert await house.store.places(ben.id) == []


async def test_whoever_left_is_not_written_to_by_bans(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben, preset="private_chat")
    await ben.leave(conv)
    await ben.sync()
    await house.moves.ban(ada.reader, conv, ben.id, {"reason": "call me"})
    await house.moves.unban(ada.reader, conv, ben.id, {"reason": "call me"})
    assert set(await ben.sync()) == {"next_batch"}


# -- the answer -----------------------------------------------------------------------------------


async def test_a_refused_request_closes_the_pair_for_thirty_days(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    await ben.leave(conv)
    with pytest.raises(ContactRefused):
        await ada.create(ben)
    with pytest.raises(ContactRefused):
        await ada.invite(conv, ben)
    house.clock.now += 30 * DAY_MS - 1
    with pytest.raises(ContactRefused):
        await ada.create(ben)
    house.clock.now += 1
    conv = await ada.create(ben)
    await ada.say(conv, "the one message, unused so far")
    with pytest.raises(ContactRefused):
        await ada.say(conv, "and another")


async def test_accepting_connects(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    await ben.join(conv)
    for number in range(3):
        await ada.say(conv, f"m{number} https://example.org/")
        await ben.say(conv, f"n{number}")
    other = await ben.create(ada, name="ours")
    await ben.say(other, "one")
    await ben.say(other, "two")
    assert await request_of(ada, other) == ["one", "two"]


async def test_leaving_after_accepting_does_not_close_the_pair(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    await ben.join(conv)
    await ben.leave(conv)
    await ada.create(ben)
