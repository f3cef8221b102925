"""The picture of a conversation that a process keeps: never older than what it was told."""

import pytest
from tests.messaging.little_house import LittleHouse, Someone, bodies
from tests.messaging.slow_store import after_first

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import Committed


@pytest.fixture
def house() -> LittleHouse:
    return LittleHouse()


async def pair(house: LittleHouse) -> tuple[Someone, Someone, str]:
    ada, ben = await house.person("ada"), await house.person("ben")
    house.connect(ada, ben)
    conv = await ada.create(ben)
    await ben.join(conv)
    return ada, ben, conv


async def test_a_conversation_that_is_not_there_is_refused(house: LittleHouse) -> None:
    with pytest.raises(UnknownRoomError):
        await house.rooms.get("!nowhere:a.example")
    with pytest.raises(UnknownRoomError):
        await house.rooms.caught_up("!nowhere:a.example")


async def test_a_read_that_was_overtaken_is_not_kept(house: LittleHouse) -> None:
    ada, ben, conv = await pair(house)
    house.rooms.drop(conv)

    async def meanwhile() -> None:
        # Somebody else loads it, writes, and loses a race, which drops it again.
        await ben.say(conv, "newer")
        house.rooms.drop(conv)

    after_first(house.store, "room", meanwhile)
    await house.rooms.get(conv)
    newest = house.store.conversations[conv].head.last_seq
    assert (await house.rooms.get(conv)).head.last_seq == newest
    assert bodies((await ada.messages(conv, limit=1))["chunk"]) == ["newer"]


async def test_what_is_kept_and_not_yet_taken_over_is_read_from_the_store(
    house: LittleHouse,
) -> None:
    ada, _ben, conv = await pair(house)
    late: list[Committed] = []
    take = house.keeper.take

    def hold_back(committed: Committed, *_more: object) -> None:
        late.append(committed)

    house.keeper.take = hold_back  # type: ignore[assignment,method-assign]
    await ada.say(conv, "kept")
    house.keeper.take = take  # type: ignore[method-assign]
    newest = house.store.conversations[conv].head.last_seq
    assert (await house.rooms.get(conv)).head.last_seq == newest - 1
    room = await house.rooms.caught_up(conv)
    assert room.head.last_seq == newest
    # Told at last, it changes nothing more.
    house.keeper.take(late[0], None, ada.id)
    assert await house.rooms.get(conv) is room
    await ada.say(conv, "goes on")
    assert bodies((await ada.messages(conv))["chunk"]) == ["goes on", "kept"]
