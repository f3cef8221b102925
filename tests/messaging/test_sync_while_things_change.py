"""An answer of /sync is true for one moment, whatever happens while it is made."""

import asyncio

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies, timeline
from tests.messaging.slow_store import before_first

from halfdoor.messaging.ledger import Committed


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben, preset="private_chat")
    await ben.join(conv)
    await ben.sync()
    return ada, ben, conv


async def kept_but_not_told(house: LittleHouse, ada: Someone, conv: str, text: str) -> None:
    """Let *ada* write something that is in the store, and not yet known to this process."""
    house.start()
    await ada.messages(conv)

    def hold_back(_committed: Committed, *_more: object) -> None:
        """The request that wrote it has not gone on yet."""

    take = house.keeper.take
    house.keeper.take = hold_back  # type: ignore[assignment,method-assign]
    await ada.say(conv, text)
    house.keeper.take = take  # type: ignore[method-assign]


@pytest.mark.parametrize("initial", [False, True])
async def test_what_is_kept_and_not_yet_told_is_not_passed_over(
    house: LittleHouse, initial: bool
) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "one")
    await ben.sync()
    await kept_but_not_told(house, ada, conv, "two")
    if initial:
        ben.token = None
    assert bodies(timeline(await ben.sync(), conv))[-1:] == ["two"]
    # The token stands behind it, so it will not come again.
    assert set(await ben.sync()) == {"next_batch"}


async def test_the_newest_events_are_at_hand_only_as_far_as_they_are_known(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await pair(house)
    await ada.say(conv, "one")
    room = await house.rooms.get(conv)
    last = room.head.last_seq
    at_hand = room.recent_between(last - 1, last + 1)
    assert at_hand is not None
    assert [event.seq for event in at_hand] == [last]
    assert room.recent_between(last - 1, last + 2) is None


async def test_who_joins_while_the_invitation_is_told_is_told_of_the_room_next(
    house: LittleHouse,
) -> None:
    ada, ben, _old = await pair(house)
    conv = await ada.create(ben)
    before_first(house.rooms, "get", lambda: ben.join(conv))
    first = await ben.sync()
    assert "rooms" not in first
    section = (await ben.sync())["rooms"]["join"][conv]
    assert section["timeline"]["limited"] is True


async def test_who_leaves_while_an_answer_is_made_is_told_so_once(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "one")
    before_first(house.rooms, "get", lambda: ben.leave(conv))
    first = await ben.sync()
    assert bodies(timeline(first, conv)) == ["one"]
    assert "leave" not in first["rooms"]
    second = await ben.sync()
    events = second["rooms"]["leave"][conv]["timeline"]["events"]
    assert [one["content"] for one in events] == [{"membership": "leave"}]
    assert set(await ben.sync()) == {"next_batch"}


async def test_who_waits_to_read_is_answered_before_who_wrote(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    await ada.say(conv, "one")
    await ben.sync()
    order: list[str] = []
    waiting = asyncio.create_task(ben.sync(timeout_ms=60_000))
    waiting.add_done_callback(lambda _: order.append("read"))
    tail = await house.wakeups.tail(ben.reader.user)
    while not tail.waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    writing = asyncio.create_task(ada.say(conv, "two"))
    writing.add_done_callback(lambda _: order.append("written"))
    await asyncio.wait_for(asyncio.gather(waiting, writing), 10)
    assert order == ["read", "written"]
