"""A conversation is standard or end-to-end encrypted from its first event, and stays so."""

from typing import Any

import pytest
from tests.messaging.encrypted_rooms import (
    BOTH,
    ENCRYPTION,
    MEGOLM,
    ciphertext,
    encrypted_pair,
    headers,
    open_house,
    send_encrypted,
    wish,
)
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone, escrow_set, timeline

from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.errors import BadJsonError, ForbiddenError
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused, Reason


@pytest.fixture
def house() -> LittleHouse:
    return open_house()


async def pair(house: LittleHouse, **request: Any) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, **request)
    await ben.join(conv)
    return ada, ben, conv


async def posture_seen(who: Someone, conv: str) -> str:
    who.token = None
    section = (await who.sync(limit=50))["rooms"]["join"][conv]
    events = [*section["state"]["events"], *section["timeline"]["events"]]
    [said] = [one["content"] for one in events if one["type"] == "org.halfdoor.posture"]
    return str(said["posture"])


# -- what may not be asked for -------------------------------------------------------------------


async def test_where_only_standard_is_offered_encryption_is_refused_with_the_reason() -> None:
    house = open_house(allowed=("standard",))
    ada = await house.person("ada")
    for asked in (ENCRYPTION, wish("e2ee")):
        with pytest.raises(ContactRefused) as refused:
            await ada.create(initial_state=[asked])
        assert refused.value.public is Reason.NO_END_TO_END
    assert not house.store.conversations


async def test_where_only_encryption_is_offered_a_standard_conversation_is_refused() -> None:
    house = open_house(allowed=("e2ee",), default="e2ee")
    ada = await house.person("ada")
    with pytest.raises(ContactRefused) as refused:
        await ada.create(initial_state=[wish("standard")])
    assert refused.value.public is Reason.ONLY_END_TO_END
    assert not house.store.conversations


async def test_who_asks_for_encryption_is_never_given_less(house: LittleHouse) -> None:
    ada, kid = await house.person("ada"), await house.person("kid", AgeBand.FROM_16)
    house.connect(ada, kid)
    house.people.chose_dm.add(kid.id)
    with pytest.raises(ContactRefused) as refused:
        await ada.create(kid, initial_state=[ENCRYPTION])
    assert refused.value.public is Reason.NOT_END_TO_END
    assert not house.store.conversations
    await ada.create(kid)


async def test_asking_for_encryption_tells_nobody_who_may_not_be_written_to(
    house: LittleHouse,
) -> None:
    ada, kid = await house.person("ada"), await house.person("kid", AgeBand.FROM_13)
    answers = []
    for request in ({}, {"initial_state": [ENCRYPTION]}):
        with pytest.raises(ContactRefused) as refused:
            await ada.create(kid, **request)
        answers.append((refused.value.public, refused.value.sentence))
    assert answers[0] == answers[1]


async def test_without_custodians_standard_cannot_begin_and_encryption_can() -> None:
    house = open_house(escrow=[])
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    with pytest.raises(NoEscrowSetError):
        await ada.create(ben)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    await send_encrypted(ada, conv)


# -- what a conversation is, it stays ------------------------------------------------------------


@pytest.mark.parametrize("asked", ["standard", "e2ee"])
@pytest.mark.parametrize("said", ["standard", "e2ee", None])
async def test_nobody_changes_the_posture(house: LittleHouse, asked: str, said: str | None) -> None:
    ada, ben, conv = await pair(house, initial_state=[wish(asked)])
    content = {} if said is None else {"posture": said}
    for who in (ada, ben):
        with pytest.raises(ForbiddenError, match="another one is a new conversation"):
            await who.set_state(conv, "org.halfdoor.posture", content)
        with pytest.raises(ForbiddenError):
            await who.send(conv, "org.halfdoor.posture", content)
    assert await posture_seen(ben, conv) == asked


@pytest.mark.parametrize("asked", ["standard", "e2ee"])
@pytest.mark.parametrize("content", [{"algorithm": MEGOLM}, {"algorithm": "none"}, {}])
async def test_nobody_turns_encryption_on_or_off_later(
    house: LittleHouse, asked: str, content: dict[str, Any]
) -> None:
    ada, _ben, conv = await pair(house, initial_state=[wish(asked)])
    before = len(house.store.conversations[conv].events)
    with pytest.raises(ForbiddenError, match="end-to-end encrypted"):
        await ada.set_state(conv, "m.room.encryption", content)
    assert len(house.store.conversations[conv].events) == before


async def test_nobody_redacts_what_says_who_can_read(house: LittleHouse) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    room = await house.rooms.get(conv)
    for kind in ("org.halfdoor.posture", "m.room.encryption"):
        with pytest.raises(ForbiddenError):
            await ada.redact(conv, room.state[(kind, "")].fields.event_id)


async def test_encryption_holds_for_a_creator_who_took_all_power_and_gave_it_away(
    house: LittleHouse,
) -> None:
    powers = {"events": {"org.halfdoor.posture": 0, "m.room.encryption": 0}, "state_default": 0}
    ada, ben, conv = await pair(
        house, initial_state=[ENCRYPTION], power_level_content_override=powers
    )
    for who in (ada, ben):
        with pytest.raises(ForbiddenError):
            await who.set_state(conv, "m.room.encryption", {"algorithm": MEGOLM})
        with pytest.raises(ForbiddenError):
            await who.say(conv, "clear words")


# -- what each takes -----------------------------------------------------------------------------


async def test_a_standard_conversation_takes_nothing_encrypted(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    with pytest.raises(ForbiddenError, match="standard"):
        await send_encrypted(ada, conv)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("m.room.message", {"msgtype": "m.text", "body": "clear words"}),
        ("m.room.message", {"msgtype": "m.image", "body": "x", "url": "mxc://a/b"}),
        ("m.sticker", {"body": "x", "url": "mxc://a/b", "info": {}}),
        ("m.call.invite", {"call_id": "1", "offer": {}}),
        ("org.example.words", {"body": "clear words"}),
        ("m.poll.start", {"m.text": [{"body": "clear words"}]}),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x"}}),
        (
            "m.reaction",
            {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "words " * 20}},
        ),
        (
            "m.reaction",
            {
                "m.relates_to": {"rel_type": "m.annotation", "event_id": "$x", "key": "+"},
                "body": "clear words",
            },
        ),
        (
            "m.reaction",
            {"m.relates_to": {"rel_type": "m.thread", "event_id": "$x", "key": "+"}},
        ),
        (
            "m.reaction",
            {
                "m.relates_to": {
                    "rel_type": "m.annotation",
                    "event_id": "$x",
                    "key": "+",
                    "body": "clear words",
                }
            },
        ),
    ],
)
async def test_an_encrypted_conversation_takes_no_clear_words(
    house: LittleHouse, kind: str, content: dict[str, Any]
) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    before = len(house.store.conversations[conv].events)
    with pytest.raises(ForbiddenError, match="end-to-end encrypted"):
        await ada.send(conv, kind, content)
    assert len(house.store.conversations[conv].events) == before


@pytest.mark.parametrize("name", ["ciphertext", "session_id"])
@pytest.mark.parametrize("value", ["", None, 5, {}])
async def test_an_encrypted_event_that_nobody_could_open_is_refused(
    house: LittleHouse, name: str, value: object
) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    with pytest.raises(BadJsonError):
        await ada.send(conv, "m.room.encrypted", {**ciphertext(), name: value})


@pytest.mark.parametrize(
    "beside",
    [
        {"body": "clear words"},
        {"msgtype": "m.text"},
        {"m.new_content": {"body": "clear words"}},
        {"url": "mxc://a/b"},
        {"file": {"url": "mxc://a/b"}},
    ],
)
async def test_no_clear_words_stand_beside_the_ciphertext(
    house: LittleHouse, beside: dict[str, Any]
) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    with pytest.raises(ForbiddenError, match="end-to-end encrypted"):
        await send_encrypted(ada, conv, **beside)


async def test_what_a_client_needs_may_stand_beside_the_ciphertext(house: LittleHouse) -> None:
    ada, ben, conv = await encrypted_pair(house)
    said = await send_encrypted(ada, conv)
    thread = {"rel_type": "m.thread", "event_id": said}
    more = {"m.relates_to": thread, "m.mentions": {}, "org.halfdoor.franking.commitment": "C"}
    await send_encrypted(ada, conv, "x", **more)
    shown = timeline(await ben.sync(), conv)[-1]["content"]
    assert shown == {**ciphertext("x"), **more}


@pytest.mark.parametrize("algorithm", ["m.olm.v1.curve25519-aes-sha2", "", None])
async def test_no_other_algorithm_is_taken(house: LittleHouse, algorithm: str | None) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    with pytest.raises(ForbiddenError):
        await ada.send(conv, "m.room.encrypted", {**ciphertext(), "algorithm": algorithm})


async def test_encrypted_state_is_refused_in_both(house: LittleHouse) -> None:
    for asked in BOTH:
        ada, _ben, conv = await pair(house, initial_state=[wish(asked)])
        with pytest.raises(ForbiddenError):
            await ada.set_state(conv, "m.room.encrypted", ciphertext())


async def test_messages_reactions_redactions_and_receipts_go_through(house: LittleHouse) -> None:
    ada, ben, conv = await encrypted_pair(house)
    said = await send_encrypted(ada, conv, "one")
    await ben.react(conv, said, "👍")
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": said}}
    again = await send_encrypted(ada, conv, "two", **edit)
    await ben.read(conv, again)
    await ada.redact(conv, again)
    await ada.redact(conv, said)
    await ada.set_state(conv, "m.room.name", {"name": "ours"})
    events = timeline(await ben.sync(limit=50), conv)
    kinds = [one["type"] for one in events if "state_key" not in one]
    assert kinds == [
        "m.room.encrypted",
        "m.reaction",
        "m.room.encrypted",
        *["m.room.redaction"] * 2,
    ]


# -- what is given -------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [ENCRYPTION, wish("e2ee")])
async def test_who_asks_for_encryption_gets_it_and_both_see_it(
    house: LittleHouse, asked: dict[str, Any]
) -> None:
    _ada, ben, conv = await pair(house, initial_state=[asked])
    room = await house.rooms.get(conv)
    assert room.posture == "e2ee"
    assert room.content("m.room.encryption") == {"algorithm": MEGOLM}
    assert await posture_seen(ben, conv) == "e2ee"


async def test_an_invited_person_sees_the_posture_before_accepting(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    shown = (await ben.sync())["rooms"]["invite"][conv]["invite_state"]["events"]
    said = {one["type"]: one["content"] for one in shown}
    assert said["org.halfdoor.posture"] == {"posture": "e2ee"}
    assert said["m.room.encryption"] == {"algorithm": MEGOLM}


async def test_who_asks_for_nothing_gets_the_default() -> None:
    for default in BOTH:
        house = open_house(default=default)
        _ada, ben, conv = await pair(house)
        assert await posture_seen(ben, conv) == default


async def test_a_default_that_these_people_may_not_have_gives_way_to_standard() -> None:
    house = open_house(default="e2ee")
    ada, kid = await house.person("ada"), await house.person("kid", AgeBand.FROM_16)
    house.connect(ada, kid)
    house.people.chose_dm.add(kid.id)
    conv = await ada.create(kid)
    assert (await house.rooms.get(conv)).posture == "standard"


async def test_where_standard_is_not_offered_nothing_gives_way() -> None:
    house = open_house(allowed=("e2ee",), default="e2ee")
    ada, kid = await house.person("ada"), await house.person("kid", AgeBand.FROM_16)
    house.connect(ada, kid)
    house.people.chose_dm.add(kid.id)
    with pytest.raises(ContactRefused) as refused:
        await ada.create(kid)
    assert refused.value.public is Reason.NOT_END_TO_END


async def test_with_nobody_to_tell_apart_the_creators_own_age_decides(house: LittleHouse) -> None:
    await (await house.person("ada")).create(initial_state=[ENCRYPTION])
    for band in (AgeBand.UNDER_13, AgeBand.FROM_13, AgeBand.FROM_16, AgeBand.UNKNOWN):
        kid = await house.person("kid", band)
        with pytest.raises(ContactRefused) as refused:
            await kid.create(initial_state=[ENCRYPTION])
        assert refused.value.public is Reason.OWN_NOT_END_TO_END


# -- custodians ----------------------------------------------------------------------------------


async def test_no_epoch_of_an_encrypted_conversation_has_shares_whatever_happens_in_it(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await encrypted_pair(house)
    eve = await house.person("eve")
    for one in (ada, ben):
        house.connect(one, eve)
    await send_encrypted(ada, conv)
    # Every reason for a new epoch there is (SEALING §3): day, members, a new key, an escrow set.
    house.clock.now += DAY_MS
    await send_encrypted(ada, conv)
    await ada.invite(conv, eve)
    await send_encrypted(ada, conv)
    await eve.join(conv)
    await ada.kick(conv, eve)
    await send_encrypted(ben, conv)
    await ada.set_state(conv, "m.room.history_visibility", {"history_visibility": "joined"})
    await send_encrypted(ben, conv)
    await house.news.new_user_key(ben.id, replaced=True)
    await send_encrypted(ben, conv)
    house.escrow = [escrow_set(), escrow_set()]
    house.start()
    await send_encrypted(ben, conv)
    found = headers(house, conv)
    assert len(found) > 5
    assert {one.posture for one in found} == {"e2ee"}
    assert all(one.escrow == () for one in found)
    assert all(start.shares == [] for start in house.store.conversations[conv].starts.values())


async def test_a_new_escrow_set_begins_no_epoch_where_there_is_no_escrow(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await encrypted_pair(house)
    before = await send_encrypted(ada, conv)
    assert before
    count = len(headers(house, conv))
    house.escrow = [escrow_set()]
    house.start()
    await send_encrypted(ada, conv)
    assert len(headers(house, conv)) == count
