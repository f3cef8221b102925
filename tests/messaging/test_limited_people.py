"""A limited person is refused from their next request on, and nobody learns more than they must."""

from collections.abc import Awaitable

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies

from halfdoor.messaging.contacts import SuspendedError
from halfdoor.messaging.removal import Company, Removal
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused, Reason
from halfdoor.safety.measures import NONE, Limits

SERVER = "@server:a.example"


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


def limit(house: LittleHouse, who: Someone, **limits: object) -> None:
    """Let a decision hold for *who*, as a change of their record would."""
    house.people.limited[who.id] = Limits(**limits)  # type: ignore[arg-type]
    house.people.version += 1


def free(house: LittleHouse, who: Someone) -> None:
    house.people.limited[who.id] = NONE
    house.people.version += 1


async def pair(house: LittleHouse, band: AgeBand = AgeBand.ADULT) -> tuple[Someone, Someone, str]:
    """Return a connected adult and somebody of *band*, and their conversation."""
    alice = await house.person("alice")
    ben = await house.person("ben")
    house.connect(alice, ben)
    room = await alice.create(ben)
    await ben.join(room)
    house.people.bands[ben.id] = band
    house.people.version += 1
    return alice, ben, room


async def young(house: LittleHouse) -> Someone:
    """Return somebody of 16 who switched direct messages on."""
    child = await house.person("child", AgeBand.FROM_16)
    house.people.chose_dm.add(child.id)
    return child


async def refused(what: Awaitable[object]) -> Reason:
    with pytest.raises(ContactRefused) as caught:
        await what
    return caught.value.reason


async def test_no_new_conversations_stops_beginning_and_inviting_and_nothing_else(
    house: LittleHouse,
) -> None:
    alice, ben, room = await pair(house)
    cat = await house.person("cat")
    house.connect(alice, cat)
    house.connect(ben, cat)
    limit(house, alice, no_new_conversations=True)
    assert await refused(alice.create(cat)) is Reason.OWN_NO_NEW_CONVERSATIONS
    assert await refused(alice.create()) is Reason.OWN_NO_NEW_CONVERSATIONS
    assert await refused(alice.invite(room, cat)) is Reason.OWN_NO_NEW_CONVERSATIONS
    await alice.say(room, "still here")
    # Others may begin one with them.
    other = await cat.create(alice)
    await alice.join(other)
    await alice.say(other, "hello")
    free(house, alice)
    await alice.create(cat)


async def test_no_media_stops_pictures_and_not_words(house: LittleHouse) -> None:
    alice, _, room = await pair(house)
    limit(house, alice, no_media=True)
    for kind in ("m.image", "m.file", "m.video", "m.audio"):
        sent = alice.send(room, "m.room.message", {"msgtype": kind, "body": "a"})
        assert await refused(sent) is Reason.OWN_NO_MEDIA
    event = await alice.say(room, "words")
    await alice.edit(room, event, "other words")
    await alice.react(room, event)
    await alice.redact(room, event)
    picture = {"msgtype": "m.image", "body": "a", "m.new_content": {"msgtype": "m.image"}}
    assert await refused(alice.send(room, "m.room.message", picture)) is Reason.OWN_NO_MEDIA
    avatar = alice.set_state(room, "m.room.avatar", {"url": "mxc://a/b"})
    assert await refused(avatar) is Reason.OWN_NO_MEDIA


@pytest.mark.parametrize("band", [AgeBand.FROM_13, AgeBand.FROM_16, AgeBand.UNKNOWN])
async def test_no_contact_with_minors_cuts_a_conversation_that_stands(
    house: LittleHouse, band: AgeBand
) -> None:
    alice, child, room = await pair(house, band)
    event = await alice.say(room, "before")
    limit(house, alice, no_minors=True)
    for what in (
        alice.say(room, "after"),
        alice.react(room, event),
        alice.edit(room, event, "other"),
        alice.set_state(room, "m.room.topic", {"topic": "hello child"}),
        alice.redact(room, event, reason="hello child"),
        alice.create(child),
    ):
        assert await refused(what) is Reason.NO_MINORS
    # Nor does the child find somebody at the other end of it.
    assert await refused(child.say(room, "are you there?")) is Reason.NO_MINORS
    assert await refused(child.create(alice)) is Reason.NO_MINORS
    # What was said can be taken back; both may go, and the child may put the other out.
    await alice.redact(room, event)
    free(house, alice)
    await alice.say(room, "again")


async def test_who_may_have_no_contact_with_minors_leaves_without_a_last_word(
    house: LittleHouse,
) -> None:
    alice, child, room = await pair(house, AgeBand.FROM_13)
    limit(house, alice, no_minors=True)
    await house.moves.leave(alice.reader, room, {"reason": "find me elsewhere"})
    assert "find me elsewhere" not in str(await child.messages(room))


async def test_a_suspended_person_leaves_without_a_last_word(house: LittleHouse) -> None:
    alice, ben, room = await pair(house)
    limit(house, alice, suspended=True)
    with pytest.raises(SuspendedError):
        await alice.say(room, "no")
    assert bodies((await alice.messages(room))["chunk"]) == []
    await house.moves.leave(alice.reader, room, {"reason": "find me elsewhere"})
    assert "find me elsewhere" not in str(await ben.messages(room))


async def test_in_a_group_the_limited_person_falls_silent_and_the_child_does_not(
    house: LittleHouse,
) -> None:
    alice, child, room = await pair(house, AgeBand.FROM_13)
    ben = await house.person("ben2")
    house.connect(alice, ben)
    house.connect(child, ben)
    await alice.invite(room, ben)
    await ben.join(room)
    limit(house, alice, no_minors=True)
    assert await refused(alice.say(room, "hello")) is Reason.NO_MINORS
    await child.say(room, "hello ben")
    await ben.say(room, "hello child")


async def test_nobody_brings_the_two_together(house: LittleHouse) -> None:
    alice = await house.person("alice")
    child = await young(house)
    ben = await house.person("ben")
    for one, other in ((alice, child), (alice, ben), (child, ben)):
        house.connect(one, other)
    limit(house, alice, no_minors=True)
    assert await refused(ben.create(alice, child)) is Reason.NO_MINORS
    assert await refused(ben.create(child, alice)) is Reason.NO_MINORS
    room = await ben.create(alice)
    await alice.join(room)
    assert await refused(ben.invite(room, child)) is Reason.NO_MINORS
    den = await ben.create(child)
    await child.join(den)
    assert await refused(ben.invite(den, alice)) is Reason.NO_MINORS


async def test_an_invitation_from_before_cannot_be_accepted(house: LittleHouse) -> None:
    alice = await house.person("alice")
    child = await young(house)
    house.connect(alice, child)
    room = await child.create(alice)
    limit(house, alice, no_minors=True)
    assert await refused(alice.join(room)) is Reason.NO_MINORS
    await alice.leave(room)


async def test_the_child_may_put_the_other_out(house: LittleHouse) -> None:
    alice = await house.person("alice")
    child = await young(house)
    house.connect(alice, child)
    room = await child.create(alice, preset="private_chat")
    await alice.join(room)
    limit(house, alice, no_minors=True)
    await child.kick(room, alice)
    assert house.rooms.at_hand(room).members[alice.id] == "leave"  # type: ignore[union-attr]


async def test_putting_a_child_out_is_contact_too(house: LittleHouse) -> None:
    alice = await house.person("alice")
    child = await young(house)
    house.connect(alice, child)
    room = await alice.create(child, preset="private_chat")
    await child.join(room)
    limit(house, alice, no_minors=True)
    assert await refused(alice.kick(room, child, reason="hello child")) is Reason.NO_MINORS


async def test_the_child_is_shown_no_signs_of_the_other(house: LittleHouse) -> None:
    alice, child, room = await pair(house, AgeBand.FROM_13)
    event = await child.say(room, "hello")
    await child.sync()
    limit(house, alice, no_minors=True)
    await house.markers.typing(alice.reader, room, 10_000)
    await alice.read(room, event)
    assert alice.id not in str((await child.sync())["rooms"])


async def test_a_limit_ends_by_itself_while_nothing_else_changes(house: LittleHouse) -> None:
    alice, _, room = await pair(house, AgeBand.FROM_13)
    ends = house.clock.now + 1_000
    limit(house, alice, no_minors=True, until=ends)
    assert await refused(alice.say(room, "no")) is Reason.NO_MINORS
    house.people.limited[alice.id] = NONE
    assert await refused(alice.say(room, "no")) is Reason.NO_MINORS
    house.clock.now = ends
    await alice.say(room, "yes")


async def test_a_removed_message_is_gone_for_both_and_lies_in_the_hold(house: LittleHouse) -> None:
    alice, ben, room = await pair(house)
    event = await alice.say(room, "what nobody should read")
    await ben.sync()
    removal = Removal(store=house.store, rooms=house.rooms, keeper=house.keeper, server=SERVER)
    assert await removal.remove(room, event)
    for who in (alice, ben):
        shown = {one["event_id"]: one for one in (await who.messages(room))["chunk"]}
        assert shown[event]["content"] == {}
        assert shown[event]["unsigned"]["redacted_because"]["sender"] == SERVER
    told = str(await ben.sync())
    assert "m.room.redaction" in told
    # A crash in between is followed by the same again.
    count = len((await ben.messages(room))["chunk"])
    assert not await removal.remove(room, event)
    assert not await removal.remove(room, "$nothing")
    assert not await removal.remove("!nowhere:a.example", event)
    assert len((await ben.messages(room))["chunk"]) == count
    await ben.say(room, "going on")


async def test_two_make_a_pair_three_do_not(house: LittleHouse) -> None:
    alice, ben, room = await pair(house)
    company = Company(house.rooms)
    assert await company.is_pair(room)
    assert await company.is_pair("!nowhere:a.example")
    cat = await house.person("cat")
    house.connect(alice, cat)
    house.connect(ben, cat)
    await alice.invite(room, cat)
    assert not await company.is_pair(room)
    await cat.leave(room)
    assert await company.is_pair(room)
