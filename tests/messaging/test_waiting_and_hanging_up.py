import asyncio
from typing import Any

import pytest

from halfdoor.messaging.errors import HungUpError
from halfdoor.messaging.wake import Tail, Wakeups

LONG = 600.0


class Caller:
    """Somebody on a line, who may hang up."""

    def __init__(self) -> None:
        self.gone = False
        self.waiter: asyncio.Future[None] | None = None

    def hang_up(self) -> None:
        self.gone = True
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


@pytest.fixture
def wakeups() -> Wakeups:
    nothing: Any = None
    return Wakeups(nothing)


async def asleep(tail: Tail) -> None:
    async with asyncio.timeout(10):
        while not tail.waiters:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_who_hangs_up_ends_their_wait_and_leaves_no_trace(wakeups: Wakeups) -> None:
    tail, caller = Tail(), Caller()
    wait = asyncio.ensure_future(wakeups.wait(tail, LONG, caller))
    await asleep(tail)
    caller.hang_up()
    with pytest.raises(HungUpError):
        await asyncio.wait_for(wait, 10)
    assert tail.waiters == []
    assert caller.waiter is None


async def test_who_hung_up_before_does_not_begin_to_wait(wakeups: Wakeups) -> None:
    tail, caller = Tail(), Caller()
    caller.hang_up()
    with pytest.raises(HungUpError):
        await asyncio.wait_for(wakeups.wait(tail, LONG, caller), 10)
    assert tail.waiters == []


async def test_who_hangs_up_wakes_nobody_else(wakeups: Wakeups) -> None:
    tail, caller = Tail(), Caller()
    stays = asyncio.ensure_future(wakeups.wait(tail, LONG, Caller()))
    await asleep(tail)
    leaves = asyncio.ensure_future(wakeups.wait(tail, LONG, caller))
    await asyncio.sleep(0)
    caller.hang_up()
    with pytest.raises(HungUpError):
        await asyncio.wait_for(leaves, 10)
    assert not stays.done()
    tail.ring()
    await asyncio.wait_for(stays, 10)


async def test_a_wait_ends_by_itself(wakeups: Wakeups) -> None:
    tail = Tail()
    await asyncio.wait_for(wakeups.wait(tail, 0.01), 10)
    assert tail.waiters == []


async def test_a_wait_that_is_cancelled_leaves_no_trace(wakeups: Wakeups) -> None:
    tail, caller = Tail(), Caller()
    wait = asyncio.ensure_future(wakeups.wait(tail, LONG, caller))
    await asleep(tail)
    wait.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wait
    assert tail.waiters == []
    assert caller.waiter is None
    tail.ring()
