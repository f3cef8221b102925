"""When an epoch ends and the next begins, who is in it, and what it carries over (SEALING §3)."""

from typing import Any

import msgspec
import pytest
from tests.messaging.little_house import DAY_MS, LittleHouse, Someone, bodies, escrow_set
from tests.messaging.slow_store import before_first

from halfdoor import ids
from halfdoor.messaging.drafts import draft
from halfdoor.messaging.keep import BusyError, NoKeyError, Plan
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.sealing.epochs import Header, parse_header


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse, **request: Any) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, **request)
    await ben.join(conv)
    return ada, ben, conv


def epoch(house: LittleHouse, conv: str) -> int:
    return house.store.conversations[conv].head.epoch


def header(house: LittleHouse, conv: str, number: int) -> Header:
    return parse_header(house.store.conversations[conv].starts[number].header)


async def name_seen(who: Someone, conv: str) -> list[str]:
    who.token = None
    section = (await who.sync(limit=1))["rooms"]["join"][conv]
    events = [*section["state"]["events"], *section["timeline"]["events"]]
    return [one["content"]["name"] for one in events if one["type"] == "m.room.name"]


async def test_creating_inviting_and_writing_is_one_epoch_for_both(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="ours")
    await ada.say(conv, "one")
    assert epoch(house, conv) == 1
    assert [user for user, _ in header(house, conv, 1).members] == [ada.id, ben.id]


async def test_whoever_loses_every_race_is_told_to_try_again(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    before = len(house.store.conversations[conv].events)
    house.store.stale_times = 4
    with pytest.raises(BusyError):
        await ada.say(conv, "never")
    assert len(house.store.conversations[conv].events) == before
    house.store.stale_times = 3
    await ada.say(conv, "at the fourth try")


async def test_of_two_first_senders_the_loser_uses_the_winners_epoch(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    house.clock.now += DAY_MS
    before_first(house.store, "append", lambda: ben.say(conv, "first"))
    await ada.say(conv, "second")
    assert epoch(house, conv) == 2
    assert {event.epoch for event in house.store.conversations[conv].events[-2:]} == {2}
    assert bodies((await ben.messages(conv, limit=2))["chunk"]) == ["second", "first"]


async def test_a_clock_that_was_set_back_ends_nothing(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    house.clock.now -= 3 * DAY_MS
    await ada.say(conv, "yesterday")
    assert epoch(house, conv) == 1


async def test_ten_thousand_events_are_enough(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    kept = house.store.conversations[conv]
    kept.head = msgspec.structs.replace(kept.head, epoch_events=9_999)
    house.start()
    await ada.say(conv, "the ten-thousandth")
    assert epoch(house, conv) == 1
    await ada.say(conv, "the next")
    assert epoch(house, conv) == 2
    assert kept.head.epoch_events == 1
    assert bodies((await ben.messages(conv))["chunk"]) == ["the next", "the ten-thousandth"]


async def test_another_escrow_set_begins_an_epoch(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="ours")
    await ada.say(conv, "under the old set")
    house.escrow = [escrow_set()]
    house.start()
    await ada.say(conv, "under the new set")
    assert epoch(house, conv) == 2
    sets = [header(house, conv, number).escrow[0].set for number in (1, 2)]
    assert sets[0] != sets[1] == house.escrow[0].hash
    assert bodies((await ben.messages(conv))["chunk"]) == [
        "under the new set", "under the old set",
    ]  # fmt: skip
    assert await name_seen(ben, conv) == ["ours"]


async def test_a_second_set_stands_in_the_next_header(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    house.escrow = [*house.escrow, escrow_set()]
    house.start()
    await ada.say(conv, "one")
    assert len(header(house, conv, 2).escrow) == 2


async def test_a_new_key_begins_an_epoch_that_names_it(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "for the old key")
    old = house.people.keys[ben.id].kid
    ben.reader = Reader(ben.id, "DEVNEW", "session-ben-anew")
    await ben.sign_in()
    await ada.say(conv, "for the new key")
    members = [dict(header(house, conv, number).members)[ben.id] for number in (1, 2)]
    assert members == [old, house.people.keys[ben.id].kid]
    # The old history stays closed to the new key.
    assert bodies((await ben.messages(conv))["chunk"]) == ["for the new key"]


@pytest.mark.parametrize("visibility", ["shared", "invited", "joined"])
async def test_every_change_of_the_readers_begins_one(house: LittleHouse, visibility: str) -> None:
    rule = {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}
    ada, ben, conv = await pair(house, initial_state=[rule], preset="private_chat")
    cleo = await house.person("cleo")
    for one in (ada, ben):
        house.connect(cleo, one)

    async def readers() -> list[str]:
        await ada.say(conv, "x")
        return [user for user, _ in header(house, conv, epoch(house, conv)).members]

    assert await readers() == [ada.id, ben.id]
    await ada.invite(conv, cleo)
    early = visibility != "joined"
    assert await readers() == [ada.id, ben.id] + ([cleo.id] if early else [])
    await cleo.join(conv)
    assert await readers() == [ada.id, ben.id, cleo.id]
    await ada.kick(conv, ben)
    assert await readers() == [ada.id, cleo.id]
    await cleo.leave(conv)
    assert await readers() == [ada.id]


async def test_hiding_history_from_the_invited_puts_them_out_of_the_readers(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await pair(house)
    cleo = await house.person("cleo")
    for one in (ada, _ben):
        house.connect(cleo, one)
    await ada.invite(conv, cleo)
    await ada.set_state(conv, "m.room.history_visibility", {"history_visibility": "joined"})
    await ada.say(conv, "not for cleo yet")
    assert cleo.id not in dict(header(house, conv, epoch(house, conv)).members)


async def test_sealed_state_is_carried_into_each_epoch(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="first")
    hidden = {"history_visibility": "joined"}
    await ada.set_state(conv, "m.room.history_visibility", hidden)
    await ada.set_state(conv, "m.room.name", {"name": "second"})
    await ada.set_state(conv, "m.room.topic", {"topic": "of lamps"})
    house.clock.now += DAY_MS
    await ben.say(conv, "another day")
    cleo = await house.person("cleo")
    for one in (ada, ben):
        house.connect(cleo, one)
    await ada.invite(conv, cleo)
    await cleo.join(conv)
    await ada.say(conv, "welcome")
    # Cleo has no key of the time when it was set, and reads it all the same.
    assert await name_seen(cleo, conv) == ["second"]
    house.start()
    assert await name_seen(cleo, conv) == ["second"]


async def test_an_invitation_carries_the_name(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    cleo = await house.person("cleo")
    for one in (ada, _ben):
        house.connect(cleo, one)
    await ada.set_state(conv, "m.room.name", {"name": "set just now"})
    await ada.invite(conv, cleo)
    section = (await cleo.sync())["rooms"]["invite"][conv]
    names = [
        one["content"] for one in section["invite_state"]["events"] if one["type"] == "m.room.name"
    ]
    assert names == [{"name": "set just now"}]


async def test_a_stranger_is_shown_no_name_with_an_invitation(house: LittleHouse) -> None:
    ada, ben = await house.person("ada"), await house.person("ben")
    conv = await ada.create(name="words")
    await ada.invite(conv, ben)
    assert "words" not in str(await ben.sync())


# -- a writer without a session -------------------------------------------------------------------


async def clear_event(house: LittleHouse, conv: str, user: str) -> None:
    """Write an event that stays clear, as somebody without a session."""

    async def decide(room: Room) -> Plan:
        made = draft(
            "org.halfdoor.new_key", {"user": user}, conv=conv, sender=user, state_key=user,
            event_id=ids.random_event_id(conv),
        )  # fmt: skip
        return Plan(drafts=(made,))

    await house.keeper.keep(Reader(user, "", None), conv, decide)


async def test_words_need_a_session(house: LittleHouse) -> None:
    ada, _ben, conv = await pair(house)
    nobody = Reader(ada.id, "", None)
    with pytest.raises(NoKeyError):
        await house.sender.message(nobody, conv, "m.room.message", {"body": "x"}, "t")
    house.clock.now += DAY_MS
    with pytest.raises(NoKeyError):
        await house.sender.state(nobody, conv, "m.room.name", "", {"name": "x"})


async def test_who_has_no_session_can_begin_an_epoch_and_loses_no_name(
    house: LittleHouse,
) -> None:
    ada, ben, conv = await pair(house, name="ours")
    house.clock.now += DAY_MS
    await clear_event(house, conv, ada.id)
    assert epoch(house, conv) == 2
    assert house.store.conversations[conv].starts[2].sealed_state == ()
    assert set(house.store.conversations[conv].starts[2].wraps) == {ada.id, ben.id}
    for restarted in (False, True):
        if restarted:
            house.start()
        assert await name_seen(ben, conv) == ["ours"]
    # The next epoch that a member begins carries it again.
    house.clock.now += DAY_MS
    await ben.say(conv, "good morning")
    assert [row.type for row in house.store.conversations[conv].starts[3].sealed_state] == [
        "m.room.name"
    ]
    await ada.say(conv, "and you")
    assert bodies((await ada.messages(conv))["chunk"]) == ["and you", "good morning"]


async def test_two_requests_never_begin_the_same_epoch(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house, name="ours", preset="private_chat")
    named = (await house.rooms.get(conv)).state[("m.room.name", "")].fields.event_id
    house.clock.now += DAY_MS
    # A redaction of state begins the epoch of the day, and ends it: no key is in force again.
    before_first(house.store, "append", lambda: ada.redact(conv, named))
    await ada.say(conv, "good morning")
    assert epoch(house, conv) == 3
    assert bodies((await ben.messages(conv))["chunk"]) == ["good morning"]
