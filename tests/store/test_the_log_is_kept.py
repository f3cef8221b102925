"""The public log in every store: each leaf once, one head, and nobody goes on from an old one."""

import asyncio

import pytest
from tests.store.houses import House

from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.leaf import leaf_id
from halfdoor.transparency.log_store import LogState, Waiting
from halfdoor.transparency.sequencer import advanced

ORIGIN = "example.com/access"


def waiting(*numbers: int) -> list[Waiting]:
    leaves = [b"leaf %d" % number for number in numbers]
    return [Waiting(leaf_id(leaf), leaf) for leaf in leaves]


async def placed(house: House) -> LogState:
    """Give what waits its places."""
    log = house.store.log
    state = await log.state()
    assert state is not None
    found = await log.waiting(1_000)
    new = advanced(state, [one.leaf for one in found])
    assert await log.advance(state, new, found)
    return new


async def test_a_house_has_one_origin_for_ever(house: House) -> None:
    log = house.store.log
    assert await log.state() is None
    assert await log.begin(ORIGIN) == LogState(origin=ORIGIN)
    assert await log.begin(ORIGIN) == LogState(origin=ORIGIN)
    with pytest.raises(StoppedError, match="for ever"):
        await log.begin("example.org/access")
    assert await log.state() == LogState(origin=ORIGIN)


async def test_leaves_stand_in_the_order_they_were_offered_each_once(house: House) -> None:
    log = house.store.log
    await log.begin(ORIGIN)
    await log.offer(waiting(3, 1))
    await log.offer(waiting(1, 2, 3))
    assert await log.waiting(10) == waiting(3, 1, 2)
    assert await log.waiting(2) == waiting(3, 1)
    assert await log.place(waiting(1)[0].id) is None
    state = await placed(house)
    await log.offer(waiting(2, 4))
    assert await log.waiting(10) == waiting(4)
    await house.reopen()
    log = house.store.log
    assert await log.state() == state
    assert await log.leaves(0, 3) == [one.leaf for one in waiting(3, 1, 2)]
    assert await log.leaves(1, 2) == [b"leaf 1"]
    assert await log.place(waiting(2)[0].id) == 2
    assert (await placed(house)).size == 4
    assert await log.leaves(3, 4) == [b"leaf 4"]


async def test_of_two_who_go_on_from_one_head_one_does(house: House) -> None:
    log = house.store.log
    await log.begin(ORIGIN)
    await log.offer(waiting(1, 2))
    state = await log.state()
    assert state is not None
    first, both = waiting(1), waiting(1, 2)
    done = await asyncio.gather(
        log.advance(state, advanced(state, [b"leaf 1"]), first),
        log.advance(state, advanced(state, [b"leaf 1", b"leaf 2"]), both),
    )
    assert sorted(done) == [False, True]
    now = await log.state()
    assert now is not None
    assert len(await log.leaves(0, 9)) == now.size
    assert len(await log.waiting(9)) == 2 - now.size


async def test_a_smaller_checkpoint_never_takes_the_place_of_a_larger_one(house: House) -> None:
    log = house.store.log
    await log.begin(ORIGIN)
    assert await log.publish(0, b"empty", 1)
    assert not await log.publish(1, b"beyond the head", 1)
    await log.offer(waiting(1, 2))
    await placed(house)
    assert await log.publish(2, b"two", 1)
    assert not await log.publish(1, b"one", 2)
    assert await log.publish(2, b"two, renewed", 2)
    state = await log.state()
    assert state is not None
    assert (state.published, state.checkpoint) == (2, b"two, renewed")
    assert await log.day_checkpoint(1) == b"two"
    assert await log.day_checkpoint(2) == b"two, renewed"
    assert await log.day_checkpoint(3) is None


async def test_what_was_lost_is_put_back_with_its_places(house: House) -> None:
    log = house.store.log
    state = await log.begin(ORIGIN)
    await log.offer(waiting(7))
    lost = waiting(1, 2, 3)
    new = advanced(state, [one.leaf for one in lost])
    assert await log.rebuild(state, new, lost)
    assert not await log.rebuild(state, new, lost)
    assert await log.leaves(0, 3) == [one.leaf for one in lost]
    assert await log.waiting(9) == waiting(7)
    await log.offer(waiting(2))
    assert await log.waiting(9) == waiting(7)
