"""Messages between devices: none is lost, none is doubled, and nobody else's way in."""

from typing import Any

import pytest
from tests.messaging.encrypted_rooms import (
    ENCRYPTION,
    encrypted_pair,
    open_house,
    send_encrypted,
)
from tests.messaging.little_house import LittleHouse, Someone
from tests.messaging.two_little_nodes import two_nodes

from halfdoor.e2ee.to_device import (
    AT_ONCE,
    BadMessagesError,
    TooManyTargetsError,
    TypeRefusedError,
)
from halfdoor.e2ee.to_device_store import Parcel
from halfdoor.messaging import sync_to_device
from halfdoor.messaging.contacts import SuspendedError
from halfdoor.messaging.device_messages import DeviceMessages
from halfdoor.messaging.encrypted_company import EncryptedCompany
from halfdoor.messaging.errors import ForbiddenError, InvalidParameterError
from halfdoor.messaging.sync_token import parse_token
from halfdoor.safety.ages import AgeBand

OLM = "m.room.encrypted"


class CutOffError(Exception):
    """The process ends here."""


START = "m.key.verification.start"


def messages_of(house: LittleHouse) -> DeviceMessages:
    """Return what passes messages in *house*, made anew: only the store remembers."""
    return DeviceMessages(
        store=house.to_device,
        company=EncryptedCompany(house.rooms, house.store, house.contacts),
        audience=house.audience,
        wakeups=house.wakeups,
        clock=house.clock,
    )


async def send(who: Someone, to: dict[str, Any], *, txn: str = "t", type: str = OLM) -> None:
    await messages_of(who.house).send(who.reader, type, txn, {"messages": to})


def to(whom: Someone, n: int = 0, device: str | None = None) -> dict[str, Any]:
    return {whom.id: {device or whom.reader.device: {"n": n}}}


def numbers(answer: dict[str, Any]) -> list[int]:
    """Return what the messages between devices in a sync answer say, in order."""
    return [one["content"]["n"] for one in answer.get("to_device", {}).get("events", [])]


def sign_in(house: LittleHouse, *people: Someone) -> None:
    for one in people:
        house.store.devices.setdefault(one.id, []).append(one.reader.device)


async def pair() -> tuple[LittleHouse, Someone, Someone, str]:
    """Return two people with an encrypted conversation, both with a token."""
    house = open_house()
    ada, ben, conv = await encrypted_pair(house)
    sign_in(house, ada, ben)
    await ada.sync()
    await ben.sync()
    return house, ada, ben, conv


# -- losses -------------------------------------------------------------------------------------


async def test_a_repeated_token_repeats_the_same_messages() -> None:
    _, ada, ben, _ = await pair()
    before = ben.token
    await send(ada, to(ben, 1), txn="a")
    await send(ada, to(ben, 2), txn="b")
    first = await ben.sync(since=before)
    assert first["to_device"]["events"][0] == {
        "type": OLM, "sender": ada.id, "content": {"n": 1}
    }  # fmt: skip
    assert numbers(first) == numbers(await ben.sync(since=before)) == [1, 2]


async def test_a_lost_answer_loses_nothing_also_over_a_restart() -> None:
    house, ada, ben, _ = await pair()
    before = ben.token
    await send(ada, to(ben, 1))
    await ben.sync()
    house.start()
    assert numbers(await ben.sync(since=before)) == [1]


async def test_what_the_next_token_acknowledged_is_gone() -> None:
    house, ada, ben, _ = await pair()
    before = ben.token
    await send(ada, to(ben, 1))
    await ben.sync()
    assert numbers(await ben.sync()) == []
    assert house.store.queues[ben.id, ben.reader.device] == []
    assert numbers(await ben.sync(since=before)) == []


async def test_the_hundred_and_first_waits_for_the_next_sync_and_none_is_lost() -> None:
    _, ada, ben, conv = await pair()
    total = 2 * AT_ONCE + 30
    for n in range(total):
        await send(ada, to(ben, n), txn=f"t{n}")
        if n % 50 == 0:
            await send_encrypted(ada, conv)
    before = ben.token
    first = await ben.sync()
    assert numbers(first) == list(range(AT_ONCE))
    assert numbers(await ben.sync(since=before)) == list(range(AT_ONCE))
    # It need not wait for news: there is more already.
    second = await ben.sync(since=first["next_batch"], timeout_ms=30_000)
    assert numbers(second) == list(range(AT_ONCE, 2 * AT_ONCE))
    assert "rooms" not in second
    again = await ben.sync(since=first["next_batch"])
    assert numbers(again) == list(range(AT_ONCE, 2 * AT_ONCE))
    assert numbers(await ben.sync()) == list(range(2 * AT_ONCE, total))
    assert numbers(await ben.sync()) == []


async def test_a_first_sync_of_a_device_with_many_messages_gives_them_all_in_turn() -> None:
    house, ada, ben, _ = await pair()
    for n in range(AT_ONCE + 5):
        await send(ada, to(ben, n), txn=f"t{n}")
    house.start()
    ben.token = None
    first = await ben.sync()
    assert numbers(first) == list(range(AT_ONCE))
    ben.token = None
    assert numbers(await ben.sync()) == list(range(AT_ONCE))
    await send(ada, to(ben, 900), txn="late")
    assert numbers(await ben.sync()) == [*range(AT_ONCE, AT_ONCE + 5), 900]
    assert numbers(await ben.sync()) == []


async def test_a_message_that_comes_between_two_answers_is_in_the_second() -> None:
    _, ada, ben, _ = await pair()
    await send(ada, to(ben, 1), txn="a")
    await ben.sync()
    await send(ada, to(ben, 2), txn="b")
    assert numbers(await ben.sync()) == [2]


async def test_a_message_for_another_device_is_not_shown_and_ends_no_wait() -> None:
    house, ada, ben, _ = await pair()
    phone = ben.another_device("PHONE")
    sign_in(house, phone)
    await phone.sync()
    await send(ada, to(ben, 1, "PHONE"))
    assert numbers(await ben.sync()) == []
    assert numbers(await phone.sync()) == [1]


async def test_two_nodes_hand_over_what_one_of_them_took() -> None:
    node = two_nodes()
    other = next(peer for peer in node.peers if peer is not node)
    ada = await node.person("ada")
    sign_in(node, ada)
    here, there = Someone(node, ada.reader), Someone(other, ada.reader)
    await there.sync()
    await send(here, to(here, 1))
    assert numbers(await there.sync()) == [1]
    await there.sync()
    await send(here, to(here, 2), txn="u")
    assert numbers(await there.sync()) == [2]


# -- what it costs -------------------------------------------------------------------------------


async def test_who_has_no_messages_pays_one_look_for_a_device_and_process() -> None:
    house, ada, ben, conv = await pair()
    house.start()
    for _ in range(5):
        await send_encrypted(ada, conv)
        await ben.sync()
    assert house.to_device.asked == 1


async def test_what_is_forgotten_of_empty_queues_costs_a_look_and_no_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sync_to_device, "_BOUND", 1)
    house, ada, ben, _ = await pair()
    for n in range(4):
        before = house.to_device.asked
        await ada.sync()
        await send(ada, to(ben, n), txn=f"t{n}")
        assert numbers(await ben.sync()) == [n]
        assert house.to_device.asked > before


# -- repeats -------------------------------------------------------------------------------------


async def test_a_repeated_transaction_adds_nothing_even_after_a_restart() -> None:
    house, ada, ben, _ = await pair()
    await send(ada, to(ben, 1))
    house.start()
    await send(ada, to(ben, 1))
    assert numbers(await ben.sync()) == [1]
    await send(ada, to(ben, 1))
    assert numbers(await ben.sync()) == []


async def test_the_same_transaction_of_another_device_or_type_is_another_message() -> None:
    house, ada, ben, _ = await pair()
    phone = ada.another_device("PHONE")
    sign_in(house, phone)
    await send(ada, to(ben, 1))
    await send(phone, to(ben, 2))
    await send(ada, to(ben, 3), type="m.room_key.withheld")
    assert numbers(await ben.sync()) == [1, 2, 3]


async def test_what_was_cut_off_between_two_people_is_completed_by_the_repeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house, ada, ben, conv = await pair()
    cam = await house.person("cam")
    house.connect(ada, cam)
    house.connect(ben, cam)
    sign_in(house, cam)
    await ada.invite(conv, cam)
    await cam.join(conv)
    put = house.to_device.put

    async def cut_off(user: str, parcel: Parcel, today: int) -> int | None:
        if user == cam.id:
            raise CutOffError
        return await put(user, parcel, today)

    both = {**to(ben, 1), **to(cam, 2)}
    monkeypatch.setattr(house.to_device, "put", cut_off)
    with pytest.raises(CutOffError):
        await send(ada, both)
    monkeypatch.undo()
    await send(ada, both)
    assert numbers(await ben.sync()) == [1]
    assert numbers(await cam.sync()) == [2]


# -- whom ----------------------------------------------------------------------------------------


async def test_a_star_reaches_every_device_and_a_named_one_gets_its_own() -> None:
    house, ada, ben, _ = await pair()
    phone = ben.another_device("PHONE")
    sign_in(house, phone)
    await send(ada, {ben.id: {"*": {"n": 1}, "PHONE": {"n": 2}, "NOWHERE": {"n": 3}}})
    assert numbers(await ben.sync()) == [1]
    assert numbers(await phone.sync()) == [2]


async def test_ones_own_devices_are_always_reached_also_by_who_is_suspended() -> None:
    house = LittleHouse()
    ada = await house.person("ada")
    phone = ada.another_device("PHONE")
    sign_in(house, ada, phone)
    house.people.suspended_users.add(ada.id)
    await send(ada, to(phone, 1), type=START)
    assert numbers(await phone.sync()) == [1]


async def test_a_stranger_is_refused() -> None:
    house, _, ben, _ = await pair()
    eve = await house.person("eve")
    sign_in(house, eve)
    with pytest.raises(ForbiddenError):
        await send(eve, to(ben, 1))
    assert numbers(await ben.sync()) == []


async def test_a_shared_standard_conversation_is_no_ground() -> None:
    house = open_house()
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    await ben.join(await ada.create(ben))
    sign_in(house, ada, ben)
    for kind in (OLM, START, "m.room_key_request"):
        with pytest.raises(ForbiddenError):
            await send(ada, to(ben, 1), type=kind)
    assert numbers(await ben.sync()) == []


async def test_who_left_is_passed_over_and_the_others_get_theirs() -> None:
    house, ada, ben, conv = await pair()
    cam = await house.person("cam")
    house.connect(ada, cam)
    house.connect(ben, cam)
    sign_in(house, cam)
    await ada.invite(conv, cam)
    await cam.join(conv)
    await cam.leave(conv)
    await send(ada, {**to(cam, 1), **to(ben, 2)})
    assert numbers(await ben.sync()) == [2]
    assert numbers(await cam.sync()) == []
    with pytest.raises(ForbiddenError):
        await send(cam, to(ben, 3))


async def test_a_block_is_not_told_and_nothing_comes() -> None:
    house, ada, ben, _ = await pair()
    house.people.blocked[ben.id].add(ada.id)
    await send(ada, to(ben, 1))
    assert numbers(await ben.sync()) == []
    await send(ben, to(ada, 2))
    assert numbers(await ada.sync()) == [2]


async def test_keys_reach_the_invited_but_no_wish_to_verify_does() -> None:
    house = open_house()
    ada, ben = await house.person("ada"), await house.person("ben")
    sign_in(house, ada, ben)
    conv = await ada.create(ben, initial_state=[ENCRYPTION])
    await send(ada, to(ben, 1))
    with pytest.raises(ForbiddenError):
        await send(ada, to(ben, 2), type=START)
    assert numbers(await ben.sync()) == [1]
    await ben.join(conv)
    await send(ada, to(ben, 3), type=START)
    assert numbers(await ben.sync()) == [3]


async def test_a_hidden_invitation_cannot_be_told_from_one_that_is_shown() -> None:
    house = open_house()
    ada, ben = await house.person("ada"), await house.person("ben")
    sign_in(house, ada, ben)
    house.people.blocked[ben.id].add(ada.id)
    await ada.create(ben, initial_state=[ENCRYPTION])
    await send(ada, to(ben, 1))
    with pytest.raises(ForbiddenError):
        await send(ada, to(ben, 2), type=START)
    answer = await ben.sync()
    assert numbers(answer) == []
    assert "rooms" not in answer


async def test_who_is_suspended_reaches_nobody_else() -> None:
    house, ada, ben, _ = await pair()
    house.people.suspended_users.add(ada.id)
    with pytest.raises(SuspendedError):
        await send(ada, to(ben, 1))
    assert numbers(await ben.sync()) == []


async def test_an_adult_and_a_minor_who_are_not_connected_do_not_reach_each_other() -> None:
    house, ada, ben, _ = await pair()
    house.people.bands[ben.id] = AgeBand.FROM_13
    house.people.connections.clear()
    house.people.version += 1
    with pytest.raises(ForbiddenError):
        await send(ada, to(ben, 1))
    assert numbers(await ben.sync()) == []


# -- what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["m.room.message", "m.call.invite", "org.example", "m.secret", ""])
async def test_what_neither_encrypts_nor_verifies_is_refused(type: str) -> None:
    _, ada, ben, _ = await pair()
    with pytest.raises(TypeRefusedError):
        await send(ada, to(ben, 1), type=type)
    assert numbers(await ben.sync()) == []


async def test_a_malformed_or_oversized_request_leaves_nothing_half_done() -> None:
    _, ada, ben, _ = await pair()
    with pytest.raises(BadMessagesError):
        await send(ada, {**to(ben, 1), "@cam:a.example": {"D": "no object"}})
    with pytest.raises(TooManyTargetsError):
        await send(ada, {**to(ben, 1), ada.id: {"D": {"n": "x" * 70_000}}})
    assert numbers(await ben.sync()) == []


# -- tokens --------------------------------------------------------------------------------------


def test_a_token_tells_how_far_messages_were_given_only_where_that_differs() -> None:
    token = parse_token("a.example.120-80.boot.3")
    assert (token.pos, token.told) == (120, 80)
    assert str(token) == "a.example.120-80.boot.3"
    assert parse_token("a.example.120.boot.3").told == 120


@pytest.mark.parametrize("pos", ["120-", "-80", "120-x", "120-120", "120-121", "120-80-1"])
def test_a_token_that_no_server_wrote_is_refused(pos: str) -> None:
    with pytest.raises(InvalidParameterError):
        parse_token(f"a.example.{pos}.boot.3")
