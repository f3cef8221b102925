"""A lone write commits at once; where writes come in company, the first waits for the others."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence

import pytest

from halfdoor.store.sqlite.lanes import FunctionLane, Side
from halfdoor.store.sqlite.writer import LINGER_SECONDS, Writer

Function = Callable[[sqlite3.Connection], object]


class Batches(FunctionLane):
    """Notes how many writes each batch holds."""

    def __init__(self) -> None:
        super().__init__(Side.PEOPLE)
        self.sizes: list[int] = []

    def run(self, con: sqlite3.Connection, items: Sequence[Function]) -> list[object]:
        self.sizes.append(len(items))
        return super().run(con, items)


class Pause:
    """Notes that the writer lingers, and holds it until it is let go."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.began = threading.Event()
        self.over = threading.Event()

    def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.began.set()
        self.over.wait(10)


def nothing(_con: sqlite3.Connection) -> None:
    """Write nothing."""


def writer(pause: Pause) -> Writer:
    con = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    return Writer(con, con, pause=pause)


async def two_at_once(written: Writer, lane: Batches) -> None:
    """Let two writes share a batch, by holding up the one before."""
    began, held = threading.Event(), threading.Event()

    def hold(_con: sqlite3.Connection) -> None:
        began.set()
        held.wait(10)

    answers = [written.submit(lane, hold)]
    await asyncio.to_thread(began.wait, 10)
    answers += [written.submit(lane, nothing), written.submit(lane, nothing)]
    held.set()
    await asyncio.gather(*answers)


async def test_a_lone_write_waits_for_nobody() -> None:
    pause, lane = Pause(), Batches()
    alone = writer(pause)
    for _ in range(3):
        await alone.submit(lane, nothing)
    await alone.close()
    assert lane.sizes == [1, 1, 1]
    assert pause.asked == []


async def test_a_write_after_company_waits_for_its_own() -> None:
    pause, lane = Pause(), Batches()
    busy = writer(pause)
    await two_at_once(busy, lane)
    first = busy.submit(lane, nothing)
    await asyncio.to_thread(pause.began.wait, 10)
    others = [busy.submit(lane, nothing) for _ in range(4)]
    pause.over.set()
    await asyncio.gather(first, *others)
    await busy.close()
    assert lane.sizes == [1, 2, 5]
    assert pause.asked[0] == LINGER_SECONDS


async def test_who_waited_in_vain_does_not_wait_again() -> None:
    pause, lane = Pause(), Batches()
    pause.over.set()
    quiet = writer(pause)
    await two_at_once(quiet, lane)
    for _ in range(3):
        await quiet.submit(lane, nothing)
    await quiet.close()
    assert lane.sizes == [1, 2, 1, 1, 1]
    assert len(pause.asked) == 1


async def test_whoever_waits_for_company_still_ends_with_the_queue() -> None:
    pause, lane = Pause(), Batches()
    pause.over.set()
    closing = writer(pause)
    await two_at_once(closing, lane)
    last = closing.submit(lane, nothing)
    await closing.close()
    await last
    assert lane.sizes == [1, 2, 1]


async def test_a_clock_that_refuses_to_pause_does_not_end_the_writer() -> None:
    def refuse(_seconds: float) -> None:
        raise OSError(22, "Invalid argument")

    con = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    written, lane = Writer(con, con, pause=refuse), Batches()
    await two_at_once(written, lane)
    await written.submit(lane, nothing)
    assert sum(lane.sizes) == 4
    await written.close()


async def test_a_lane_that_breaks_the_committer_is_told_and_the_writer_goes_on() -> None:
    class Broken(FunctionLane):
        def run(self, con: sqlite3.Connection, items: Sequence[Function]) -> list[object]:
            raise ValueError("these items cannot be written")

        def forget(self) -> None:
            raise RuntimeError("worse than what was to be forgotten")

    con = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    written = Writer(con, con)
    with pytest.raises(RuntimeError):
        await written.submit(Broken(Side.PEOPLE), nothing)
    assert await written.submit(Batches(), nothing) is None
    await written.close()
