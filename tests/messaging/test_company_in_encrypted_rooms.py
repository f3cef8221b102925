"""Who may be in an end-to-end encrypted conversation, as time goes on; and first contact there."""

import pytest
from msgspec.structs import replace
from tests.messaging.encrypted_rooms import (
    ENCRYPTION,
    ciphertext,
    encrypted_pair,
    open_house,
    send_encrypted,
)
from tests.messaging.little_house import LittleHouse, Someone

from halfdoor.messaging.rooms import DamagedRoomError
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused, Reason


@pytest.fixture
def house() -> LittleHouse:
    return open_house()


async def request_of(who: Someone, conv: str) -> list[str]:
    """Return the kinds of the messages that an invited person is shown."""
    who.token = None
    section = (await who.sync())["rooms"]["invite"][conv]
    return [one["type"] for one in section.get("org.halfdoor.timeline", {"events": []})["events"]]


# -- who is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "band", [AgeBand.UNDER_13, AgeBand.FROM_13, AgeBand.FROM_16, AgeBand.UNKNOWN]
)
async def test_nobody_whose_age_forbids_it_is_invited_later(
    house: LittleHouse, band: AgeBand
) -> None:
    ada, ben, conv = await encrypted_pair(house)
    kid = await house.person("kid", band)
    for one in (ada, ben):
        house.connect(one, kid)
    before = len(house.store.conversations[conv].events)
    with pytest.raises(ContactRefused):
        await ada.invite(conv, kid)
    assert len(house.store.conversations[conv].events) == before


async def test_a_young_person_comes_with_checks_and_where_all_are_connected(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await encrypted_pair(house)
    kid = await house.person("kid", AgeBand.FROM_16)
    house.people.chose_dm.add(kid.id)
    house.connect(ada, kid)
    house.connect(ben, kid)
    with pytest.raises(ContactRefused) as refused:
        await ada.invite(conv, kid)
    assert refused.value.public is Reason.NOT_END_TO_END
    house.people.checked.add(kid.id)
    house.people.version += 1
    await ada.invite(conv, kid)
    await kid.join(conv)
    await send_encrypted(kid, conv)


async def test_one_connection_too_few_keeps_a_young_person_out(house: LittleHouse) -> None:
    ada, ben, conv = await encrypted_pair(house)
    pal = await house.person("pal", AgeBand.FROM_16)
    kid = await house.person("kid", AgeBand.FROM_16)
    for one in (pal, kid):
        house.people.checked.add(one.id)
        house.people.chose_dm.add(one.id)
        house.connect(ada, one)
        house.connect(ben, one)
    await ada.invite(conv, pal)
    with pytest.raises(ContactRefused) as refused:
        await ada.invite(conv, kid)
    assert refused.value.public is Reason.NOT_END_TO_END


async def test_who_turned_out_to_be_a_child_cannot_join_any_more(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    house.people.bands[ben.id] = AgeBand.FROM_13
    house.people.version += 1
    with pytest.raises(ContactRefused) as refused:
        await ben.join(conv)
    assert refused.value.public is Reason.OWN_NOT_END_TO_END
    await ben.leave(conv)


async def test_who_turned_out_to_be_a_child_writes_no_more_and_is_not_written_to(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await encrypted_pair(house)
    said = await send_encrypted(ben, conv)
    house.people.bands[ben.id] = AgeBand.FROM_13
    house.people.version += 1
    with pytest.raises(ContactRefused) as refused:
        await send_encrypted(ben, conv)
    assert refused.value.public is Reason.OWN_NOT_END_TO_END
    with pytest.raises(ContactRefused) as refused:
        await send_encrypted(ada, conv)
    assert refused.value.public is Reason.NOT_END_TO_END
    # What one has said can be taken back, and one can go.
    await ben.redact(conv, said)
    await ben.leave(conv)


async def test_a_child_in_a_standard_conversation_is_not_concerned(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben", AgeBand.FROM_16)
    house.people.chose_dm.add(ben.id)
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    await ben.say(conv, "fine")


# -- first contact -------------------------------------------------------------------------------


async def test_first_contact_is_one_encrypted_event(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    said = await send_encrypted(ada, conv, "may I?")
    with pytest.raises(ContactRefused):
        await send_encrypted(ada, conv, "hello?")
    with pytest.raises(ContactRefused):
        await ada.react(conv, said)
    with pytest.raises(ContactRefused):
        await ada.set_state(conv, "m.room.name", {"name": "words"})
    assert await request_of(ben, conv) == ["m.room.encrypted"]
    await ben.join(conv)
    await send_encrypted(ada, conv, "thanks")


async def test_the_number_counts_over_both_postures(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    clear = await ada.create(ben)
    hidden = await ada.create(ben, initial_state=[ENCRYPTION])
    await ada.say(clear, "may I?")
    with pytest.raises(ContactRefused) as refused:
        await send_encrypted(ada, hidden)
    assert refused.value.public is Reason.LIMIT_REACHED
    assert await request_of(ben, hidden) == []


async def test_a_request_that_was_turned_down_closes_both_postures(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    await ben.leave(conv)
    with pytest.raises(ContactRefused) as refused:
        await ada.create(ben, initial_state=[ENCRYPTION])
    assert refused.value.public is Reason.CLOSED


async def test_whoever_is_blocked_is_answered_the_same_in_both(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.people.blocked[ben.id].add(ada.id)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    await send_encrypted(ada, conv)
    assert conv not in (await ben.sync()).get("rooms", {}).get("invite", {})


# -- what people are told ------------------------------------------------------------------------


async def test_encrypted_messages_are_counted_as_unread_until_they_are_read(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await encrypted_pair(house)
    await ben.sync()
    last = ""
    for number in range(3):
        last = await send_encrypted(ada, conv, f"m{number}")
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["unread_notifications"] == {"notification_count": 3, "highlight_count": 0}
    await ben.read(conv, last)
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["unread_notifications"]["notification_count"] == 0


async def test_an_edit_of_an_encrypted_message_is_bundled_with_it(house: LittleHouse) -> None:
    ada, ben, conv = await encrypted_pair(house)
    said = await send_encrypted(ada, conv, "one")
    relation = {"m.relates_to": {"rel_type": "m.replace", "event_id": said}}
    edit = await send_encrypted(ada, conv, "two", **relation)
    events = (await ben.messages(conv))["chunk"]
    [shown] = [one for one in events if one["event_id"] == said]
    assert shown["content"] == ciphertext("one")
    assert shown["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit


# -- a changed database --------------------------------------------------------------------------


async def test_a_conversation_that_contradicts_itself_is_neither_read_nor_written(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    kept = house.store.conversations[conv]
    [place] = [
        at for at, one in enumerate(kept.events) if one.fields.type == "org.halfdoor.posture"
    ]
    forged = replace(kept.events[place], body=b'\x00{"posture":"standard"}')
    kept.events[place] = forged
    house.start()
    with pytest.raises(DamagedRoomError):
        await send_encrypted(ada, conv)
    with pytest.raises(DamagedRoomError):
        await ada.say(conv, "clear words")
