"""No. 44 of SEALING §8: a removed member reads nothing that was kept after the removal.

Under every interleaving of a send with a removal, what decides is the header of the epoch an event
lies in, and what the removed person's own session can open with it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.messaging.little_house import LittleHouse, Someone
from tests.messaging.slow_store import Slow, after_first, before_first
from tests.messaging.whole_house import V3, WholeHouse, whole_house

from halfdoor.messaging.errors import MessagingError
from halfdoor.messaging.keep import BusyError
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.epochs import parse_header


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def trio(house: LittleHouse) -> tuple[Someone, Someone, Someone, str]:
    """Ada above Ben and Cleo, all joined and connected."""
    ada, ben, cleo = [await house.person(name) for name in ("ada", "ben", "cleo")]
    for one, other in ((ada, ben), (ada, cleo), (ben, cleo)):
        house.connect(one, other)
    conv = await ada.create(ben, cleo, preset="private_chat")
    await ben.join(conv)
    await cleo.join(conv)
    return ada, ben, cleo, conv


async def check_closed(house: LittleHouse, conv: str, gone: Someone) -> int:
    """Check every event after the removal of *gone*; return how many sealed ones there were."""
    kept = house.store.conversations[conv]
    removals = [
        event.seq
        for event in kept.events
        if event.fields.type == "m.room.member"
        and event.fields.state_key == gone.id
        and event.fields.sender != gone.id
        and b"leave" in (event.body or b"")
    ]
    later = [event for event in kept.events if event.seq > removals[-1]]
    sealed = [event for event in later if event.body is not None and event.body[0] == 1]
    for event in sealed:
        members = dict(parse_header(kept.starts[event.epoch].header).members)
        assert gone.id not in members, f"event {event.seq} lies in an epoch of the removed"
    room = await house.rooms.get(conv)
    opened = await house.reading.epochs(gone.reader, room, [event.epoch for event in later])
    for event in sealed:
        assert event.epoch not in opened
    return len(sealed)


async def test_a_send_that_was_decided_before_the_removal_is_sealed_again(
    house: LittleHouse,
) -> None:
    ada, ben, cleo, conv = await trio(house)
    await cleo.say(conv, "before")
    # While the sender's facts are gathered, the removal is kept and taken over.
    after_first(house.contacts, "check_event", lambda: ada.kick(conv, ben))
    await cleo.say(conv, "not for ben")
    assert await check_closed(house, conv, ben) == 1


async def test_a_send_that_was_sealed_before_the_removal_is_sealed_again(
    house: LittleHouse,
) -> None:
    ada, ben, cleo, conv = await trio(house)
    before_first(house.store, "append", lambda: ada.kick(conv, ben))
    await cleo.say(conv, "not for ben")
    assert await check_closed(house, conv, ben) == 1


async def test_a_send_of_the_removed_themselves_is_refused(house: LittleHouse) -> None:
    ada, ben, _cleo, conv = await trio(house)
    after_first(house.contacts, "check_event", lambda: ada.kick(conv, ben))
    with pytest.raises(MessagingError):
        await ben.say(conv, "a last word")
    assert await check_closed(house, conv, ben) == 0


async def test_an_invitation_by_someone_put_out_meanwhile_is_refused(house: LittleHouse) -> None:
    ada, ben, _cleo, conv = await trio(house)
    dan = await house.person("dan")
    for one in (ada, ben, _cleo):
        house.connect(dan, one)
    powers = {"users": {ada.id: 100, ben.id: 50}}
    await ada.set_state(conv, "m.room.power_levels", powers)
    before_first(house.store, "append", lambda: ada.kick(conv, ben))
    with pytest.raises(MessagingError):
        await ben.invite(conv, dan)
    assert dan.id not in (await house.rooms.get(conv)).members


async def test_an_invitation_never_turns_a_member_back_into_an_invitee(house: LittleHouse) -> None:
    ada, _ben, cleo, conv = await trio(house)
    dan = await house.person("dan")
    for one in (ada, _ben, cleo):
        house.connect(dan, one)
    await ada.set_state(conv, "m.room.power_levels", {"users": {ada.id: 100, cleo.id: 50}})

    async def meanwhile() -> None:
        await ada.invite(conv, dan)
        await dan.join(conv)

    before_first(house.store, "append", meanwhile)
    with pytest.raises(MessagingError):
        await cleo.invite(conv, dan)
    assert (await house.rooms.get(conv)).members[dan.id] == "join"


async def test_taking_back_an_invitation_of_someone_banned_meanwhile_lifts_no_ban(
    house: LittleHouse,
) -> None:
    ada, ben, cleo, conv = await trio(house)
    await ada.set_state(conv, "m.room.power_levels", {"users": {ada.id: 100, cleo.id: 60}})
    before_first(house.store, "append", lambda: house.moves.ban(ada.reader, conv, ben.id, {}))
    with pytest.raises(MessagingError):
        await cleo.kick(conv, ben)
    assert (await house.rooms.get(conv)).members[ben.id] == "ban"


@settings(max_examples=200, deadline=None)
@given(
    order=st.lists(st.integers(0, 6), max_size=60),
    senders=st.integers(1, 4),
    forgetful=st.booleans(),
    rejoin=st.booleans(),
)
def test_under_any_interleaving_nothing_later_is_open_to_the_removed(
    order: list[int], senders: int, forgetful: bool, rejoin: bool
) -> None:
    async def run() -> None:
        house = LittleHouse()
        ada, ben, cleo, conv = await trio(house)
        await cleo.say(conv, "before")
        await ben.messages(conv)
        if forgetful:
            house.start()
        names = ("append", "epochs", "event", "room", "place", "contact", "one_account_data")
        Slow(house.store, names, order)

        async def quietly(act: Awaitable[Any]) -> None:
            try:
                await act
            except (BusyError, MessagingError, ContactRefused):
                # Losing four times in a row is an honest answer; being put out is another.
                return

        said = [
            quietly((cleo if n % 2 else ada).say(conv, f"m{n}", txn=f"race{n}"))
            for n in range(senders)
        ]
        if rejoin:
            said.append(quietly(ben.say(conv, "a last word")))
        await asyncio.gather(ada.kick(conv, ben), *said)
        await ada.say(conv, "afterwards")
        assert await check_closed(house, conv, ben) >= 1

    asyncio.run(run())


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[WholeHouse]:
    async with whole_house(tmp_path) as one:
        yield one


async def test_over_the_real_store_nothing_later_is_open_to_the_removed(
    whole: WholeHouse,
) -> None:
    ada, ben, cleo = [await whole.person(name) for name in ("ada", "ben", "cleo")]
    for one, other in ((ada, ben), (ada, cleo), (ben, cleo)):
        await whole.connect(one, other)
    for turn in range(8):
        room = await ada.create(ben, cleo, preset="private_chat")
        here = f"{V3}/rooms/{quote(room)}"
        await ben.join(room)
        await cleo.join(room)
        await asyncio.gather(
            *(cleo.say(room, f"early {n}") for n in range(turn)),
            ada.ask("POST", f"{here}/kick", {"user_id": ben.user}),
            *(ada.say(room, f"late {n}") for n in range(4)),
        )
        record = await whole.house.store.conversations.room(room)
        assert record is not None
        events = await whole.house.store.conversations.events(
            room, after=0, before=record.head.last_seq + 1, limit=500, newest_first=False
        )
        gone = next(
            event.seq
            for event in events
            if event.fields.state_key == ben.user and b"leave" in (event.body or b"")
        )
        later = {event.epoch for event in events if event.seq > gone and event.body is not None}
        for epoch in await whole.house.store.conversations.epochs(room, ben.user, sorted(later)):
            assert ben.user not in dict(parse_header(epoch.header).members)
            assert epoch.wrap is None
            assert epoch.late is None
