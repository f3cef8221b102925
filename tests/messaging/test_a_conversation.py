"""A conversation from creation to redaction, over a store in memory."""

import pytest
from tests.messaging.little_house import LittleHouse, bodies, escrow_set, timeline

from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.errors import ForbiddenError, UnknownRoomError
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.epochs import parse_header


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def test_without_an_escrow_set_no_standard_conversation_begins() -> None:
    house = LittleHouse(escrow=[])
    ada = await house.person("ada")
    with pytest.raises(NoEscrowSetError):
        await ada.create()


async def test_a_stranger_to_a_conversation_cannot_write_into_it(house: LittleHouse) -> None:
    ada, mallory = await house.person("ada"), await house.person("mallory")
    conv = await ada.create()
    with pytest.raises(ForbiddenError):
        await mallory.say(conv, "hello")
    with pytest.raises(ForbiddenError):
        await mallory.join(conv)
    with pytest.raises(ForbiddenError):
        await mallory.messages(conv)


async def test_a_conversation_that_is_not_there_is_refused(house: LittleHouse) -> None:
    ada = await house.person("ada")
    with pytest.raises(UnknownRoomError):
        await ada.say("!nowhere:a.example", "hello")


async def test_an_adult_stranger_cannot_write_to_a_child(house: LittleHouse) -> None:
    adult = await house.person("adult")
    child = await house.person("child", AgeBand.FROM_13)
    with pytest.raises(ContactRefused):
        await adult.create(child)
    assert house.store.conversations == {}


async def test_create_invite_and_write_at_once_is_read_after_accepting(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, is_direct=True)
    await ada.say(conv, "before you came")
    invited = await ben.sync()
    assert conv in invited["rooms"]["invite"]
    await ben.join(conv)
    answer = await ben.sync()
    assert bodies(timeline(answer, conv)) == ["before you came"]
    await ben.say(conv, "now I am here")
    first = await ada.sync()
    assert bodies(timeline(first, conv)) == ["before you came", "now I am here"]


async def test_a_request_shows_its_one_message_before_it_is_accepted(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(ben)
    await ada.say(conv, "may I write to you?")
    with pytest.raises(ContactRefused):
        await ada.say(conv, "hello??")
    section = (await ben.sync())["rooms"]["invite"][conv]
    assert bodies(section["org.halfdoor.timeline"]["events"]) == ["may I write to you?"]
    await ben.join(conv)
    await ada.say(conv, "thank you")
    assert bodies(timeline(await ben.sync(), conv)) == ["may I write to you?", "thank you"]


async def test_the_same_transaction_is_kept_once(house: LittleHouse) -> None:
    ada = await house.person("ada")
    conv = await ada.create()
    first = await ada.say(conv, "once", txn="t")
    assert await ada.say(conv, "once", txn="t") == first
    assert bodies(timeline(await ada.sync(), conv)) == ["once"]


async def test_whoever_loses_a_race_seals_again(house: LittleHouse) -> None:
    ada = await house.person("ada")
    conv = await ada.create()
    house.store.stale_times = 2
    await ada.say(conv, "third time lucky")
    assert bodies(timeline(await ada.sync(), conv)) == ["third time lucky"]


async def test_a_new_day_begins_a_new_epoch_and_both_stay_readable(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, name="friends")
    await ben.join(conv)
    await ada.say(conv, "monday")
    house.clock.now += 86_400_000
    await ben.say(conv, "tuesday")
    assert house.store.conversations[conv].head.epoch == 2
    answer = await ada.sync()
    assert bodies(timeline(answer, conv)) == ["monday", "tuesday"]
    house.start()
    ben.token = None
    section = (await ben.sync(limit=1))["rooms"]["join"][conv]
    named = [one for one in section["state"]["events"] if one["type"] == "m.room.name"]
    assert [one["content"] for one in named] == [{"name": "friends"}]


async def test_someone_who_never_signed_in_reads_it_after_the_senders_next_sync(
    house: LittleHouse,
) -> None:
    ada = await house.person("ada")
    ben = await house.person("ben", signed_in=False)
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ada.say(conv, "for when you come")
    await ada.sync()
    await ben.sign_in()
    assert bodies((await ben.messages(conv))["chunk"]) == []
    await ada.sync()
    section = (await ben.sync())["rooms"]["invite"][conv]
    assert bodies(section["org.halfdoor.timeline"]["events"]) == ["for when you come"]
    await ben.join(conv)
    assert bodies(timeline(await ben.sync(), conv)) == ["for when you come"]


async def test_who_left_reads_nothing_that_came_later(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    await ada.say(conv, "while you are here")
    await ben.sync()
    await ben.leave(conv)
    await ada.say(conv, "after you left")
    gone = await ben.sync()
    assert [one["type"] for one in gone["rooms"]["leave"][conv]["timeline"]["events"]] == [
        "m.room.member"
    ]
    assert bodies((await ben.messages(conv))["chunk"]) == ["while you are here"]
    assert ben.id not in house.store.conversations[conv].starts[2].wraps


async def test_a_redacted_message_is_cut_for_everybody(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    wrong = await ada.say(conv, "a slip")
    await ben.sync()
    await house.sender.redact(
        ada.reader, conv, wrong, {"reason": "slip"}, "r1", endpoint="redact/x"
    )
    told = timeline(await ben.sync(), conv)
    assert told[0]["type"] == "m.room.redaction"
    assert told[0]["redacts"] == wrong
    chunk = (await ben.messages(conv))["chunk"]
    cut = next(one for one in chunk if one["event_id"] == wrong)
    assert cut["content"] == {}
    assert cut["unsigned"]["redacted_because"]["content"]["reason"] == "slip"
    assert wrong in house.store.conversations[conv].held


async def test_a_gap_is_limited_and_paging_back_closes_it(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    await ben.sync()
    for number in range(30):
        await ada.say(conv, f"m{number}")
    section = (await ben.sync(limit=5))["rooms"]["join"][conv]
    assert section["timeline"]["limited"] is True
    assert bodies(section["timeline"]["events"]) == [f"m{n}" for n in range(25, 30)]
    page = await ben.messages(conv, start=section["timeline"]["prev_batch"], limit=25)
    assert bodies(page["chunk"])[:25] == [f"m{n}" for n in range(24, -1, -1)]


async def test_every_epoch_carries_shares_for_the_emergency_set_too() -> None:
    ordinary, emergency = escrow_set(), escrow_set()
    house = LittleHouse(escrow=[ordinary, emergency])
    ada = await house.person("ada")
    conv = await ada.create()
    house.clock.now += 86_400_000
    await ada.say(conv, "another day")
    for start in house.store.conversations[conv].starts.values():
        named = [entry.set for entry in parse_header(start.header).escrow]
        assert named == [ordinary.hash, emergency.hash]
        assert [(name, len(shares)) for name, shares in start.shares] == [
            (ordinary.hash, 3),
            (emergency.hash, 3),
        ]
