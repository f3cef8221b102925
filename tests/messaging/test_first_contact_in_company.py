"""First contact in larger company (SAFETY §5.13): accomplices, minors, blocks, suspension."""

import msgspec
import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies
from tests.messaging.slow_store import before_first

from halfdoor.messaging.contacts import SuspendedError
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused


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


async def test_an_accomplice_buys_no_second_message(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    helper = await house.person("helper")
    house.connect(ada, helper)
    conv = await ada.create(ben, preset="private_chat")
    await ada.say(conv, "may I?")
    await ada.invite(conv, helper)
    await helper.join(conv)
    # In a conversation of three nobody who is only invited reads along.
    await ada.say(conv, "shouted before the crowd")
    await helper.say(conv, "shouted by the crowd")
    assert await request_of(ben, conv) == []
    await helper.leave(conv)
    assert await request_of(ben, conv) == ["may I?"]
    assert "shouted" not in await all_they_get(ben)
    assert bodies((await ben.messages(conv))["chunk"]) == ["may I?"]
    with pytest.raises(ContactRefused):
        await ada.say(conv, "alone again")


async def test_asked_again_they_still_see_the_request(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    conv = await ada.create(ben)
    await ada.say(conv, "may I?")
    await ada.invite(conv, ben)
    assert await request_of(ben, conv) == ["may I?"]


async def test_what_was_written_to_others_is_not_a_request(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    helper = await house.person("helper")
    house.connect(ada, helper)
    conv = await ada.create(helper, preset="private_chat")
    await helper.join(conv)
    await ada.say(conv, "before ben was asked")
    await ada.invite(conv, ben)
    await ada.say(conv, "while there are three")
    await helper.leave(conv)
    assert "before ben" not in await all_they_get(ben)
    assert "while there" not in await all_they_get(ben)
    # Nothing was written to the two of them.
    assert bodies((await ben.messages(conv))["chunk"]) == []


@pytest.mark.parametrize("band", [AgeBand.FROM_13, AgeBand.FROM_16, AgeBand.UNKNOWN])
async def test_no_minor_is_reached_through_a_third_conversation(
    house: LittleHouse, band: AgeBand
) -> None:
    adult, friend = await house.person("adult"), await house.person("friend")
    child, mate = await house.person("child", band), await house.person("mate")
    for one in (adult, child, mate):
        house.connect(friend, one)
    house.connect(mate, child)
    house.connect(mate, adult)
    # Friend, mate and child know each other; the adult is brought in, or was there before.
    both = await friend.create(mate, preset="private_chat")
    await mate.join(both)
    await friend.invite(both, child)
    with pytest.raises(ContactRefused):
        await friend.invite(both, adult)
    await child.join(both)
    with pytest.raises(ContactRefused):
        await friend.invite(both, adult)
    crowd = await friend.create(adult, preset="private_chat")
    with pytest.raises(ContactRefused):
        await friend.invite(crowd, child)
    await adult.join(crowd)
    with pytest.raises(ContactRefused):
        await friend.invite(crowd, child)
    with pytest.raises(ContactRefused):
        await friend.create(child, adult)
    with pytest.raises(ContactRefused):
        await friend.create(adult, child)


async def test_two_invitations_at_once_do_not_join_adult_and_minor(house: LittleHouse) -> None:
    friend = await house.person("friend", AgeBand.FROM_16)
    adult = await house.person("adult")
    child = await house.person("child", AgeBand.FROM_16)
    house.connect(friend, adult)
    house.connect(friend, child)
    conv = await friend.create()
    before_first(house.store, "append", lambda: friend.invite(conv, adult))
    with pytest.raises(ContactRefused):
        await friend.invite(conv, child)


async def test_a_connection_withdrawn_binds_the_next_request(house: LittleHouse) -> None:
    adult = await house.person("adult")
    child = await house.person("child", AgeBand.FROM_16)
    house.connect(adult, child)
    house.people.chose_dm.add(child.id)
    conv = await adult.create(child)
    await child.join(conv)
    said = await adult.say(conv, "while the platform says so")
    house.people.connections.clear()
    house.people.version += 1
    with pytest.raises(ContactRefused):
        await adult.say(conv, "and now")
    with pytest.raises(ContactRefused):
        await adult.edit(conv, said, "or so")
    with pytest.raises(ContactRefused):
        await adult.set_state(conv, "m.room.topic", {"topic": "or so"})
    with pytest.raises(ContactRefused):
        await adult.react(conv, said, "or so")
    with pytest.raises(ContactRefused):
        await child.say(conv, "either")
    with pytest.raises(ContactRefused):
        await adult.redact(conv, said, reason="or so")
    # What was said may be taken back, and everybody may go.
    await adult.redact(conv, said)
    await adult.leave(conv)
    await child.leave(conv)


async def test_an_unknown_age_is_a_minor_who_receives_and_an_adult_who_sends(
    house: LittleHouse,
) -> None:
    unknown = await house.person("unknown", AgeBand.UNKNOWN)
    adult = await house.person("adult")
    child = await house.person("child", AgeBand.FROM_16)
    with pytest.raises(ContactRefused):
        await adult.create(unknown)
    with pytest.raises(ContactRefused):
        await unknown.create(child)
    with pytest.raises(ContactRefused):
        await child.create(unknown)
    # Asking an adult stays open to those who switched their messages on: an adult has an inbox
    # for requests.
    house.people.chose_dm.add(unknown.id)
    conv = await unknown.create(adult)
    await unknown.say(conv, "may I?")
    assert await request_of(adult, conv) == ["may I?"]


async def test_a_suspended_account_may_read_and_go(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    said = await ben.say(conv, "before")
    other = await ada.create(ben)
    house.people.suspended_users.add(ben.id)
    for act in (
        ben.say(conv, "x"),
        ben.edit(conv, said, "y"),
        ben.redact(conv, said),
        ben.set_state(conv, "m.room.topic", {"topic": "x"}),
        ben.create(ada),
        ben.join(other),
        house.moves.set_member(
            ben.reader, conv, ben.id, {"membership": "join", "displayname": "words"}
        ),
    ):
        with pytest.raises(SuspendedError):
            await act
    ben.token = None
    assert conv in (await ben.sync())["rooms"]["join"]
    await ben.leave(conv)
    await ben.leave(other)


# -- blocks ---------------------------------------------------------------------------------------


async def test_an_invitation_that_is_never_shown_ends_unseen(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    house.people.blocked[ben.id].add(ada.id)
    conv = await ada.create(ben, preset="private_chat")
    later = await ada.create(preset="private_chat")
    await ada.invite(later, ben)
    await ada.say(conv, "words")
    for room in (conv, later):
        await ada.kick(room, ben)
    assert house.store.rows.get(ben.id, []) == []
    assert await house.store.places(ben.id) == []


async def test_nothing_in_a_group_reaches_who_never_saw_the_invitation(
    house: LittleHouse,
) -> None:
    ada, ben = await strangers(house)
    friend = await house.person("friend")
    house.connect(ada, friend)
    house.connect(friend, ben)
    house.people.blocked[ben.id].add(ada.id)
    conv = await ada.create(friend)
    await friend.join(conv)
    await ada.invite(conv, ben)
    await friend.say(conv, "a word of somebody they do not block")
    assert house.store.rows.get(ben.id, []) == []


async def test_words_of_the_blocked_do_not_come_with_a_redaction(house: LittleHouse) -> None:
    ada, ben = await strangers(house)
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    said = await ada.say(conv, "an old word")
    house.people.blocked[ben.id].add(ada.id)
    await ada.redact(conv, said, reason="hear me")
    ben.token = None
    text = msgspec.json.encode([await ben.sync(), await ben.messages(conv)]).decode()
    assert "hear me" not in text
    assert "an old word" not in text
    assert "redacted_because" in text
