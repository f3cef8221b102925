"""A lone write commits at once; where writes come in company, the first waits for the others."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from halfdoor.store.errors import StoreClosedError
from halfdoor.store.sqlite.lanes import FunctionLane, Side
from halfdoor.store.sqlite.writer import BATCH, Writer

Function = Callable[[sqlite3.Connection], object]
# Nobody's test lasts so long: a write that comes back did not wait for it.
_FOR_EVER = 3600.0


class Batches(FunctionLane):
    """Notes how many writes each batch holds, and in which thread."""

    def __init__(self) -> None:
        super().__init__(Side.PEOPLE)
        self.sizes: list[int] = []
        self.threads: list[str] = []

    def run(self, con: sqlite3.Connection, items: Sequence[Function]) -> list[object]:
        self.sizes.append(len(items))
        self.threads.append(threading.current_thread().name)
        return super().run(con, items)


def nothing(_con: sqlite3.Connection) -> None:
    """Write nothing."""


def memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)


def writer(linger: float) -> Writer:
    con = memory()
    return Writer(con, con, linger=linger)


@contextmanager
def held(written: Writer, lane: Batches) -> Iterator[list[asyncio.Future[object]]]:
    """Let one write stand in its transaction, so that others gather behind it."""
    over = threading.Event()
    answers = [written.submit(lane, lambda _con: over.wait(10))]
    yield answers
    over.set()


async def two_at_once(written: Writer, lane: Batches) -> None:
    """Let two writes share a batch, by holding up the one before."""
    with held(written, lane) as answers:
        await asyncio.sleep(0.01)
        answers += [written.submit(lane, nothing), written.submit(lane, nothing)]
    await asyncio.gather(*answers)


async def test_a_lone_write_waits_for_nobody() -> None:
    alone, lane = writer(_FOR_EVER), Batches()
    for _ in range(3):
        await alone.submit(lane, nothing)
    await alone.close()
    assert lane.sizes == [1, 1, 1]


async def test_a_write_after_company_waits_for_its_own() -> None:
    busy, lane = writer(0.2), Batches()
    await two_at_once(busy, lane)
    answers = [busy.submit(lane, nothing)]
    for _ in range(4):
        await asyncio.sleep(0.001)
        answers.append(busy.submit(lane, nothing))
    assert busy.waiting == 5
    await asyncio.gather(*answers)
    await busy.close()
    assert lane.sizes == [1, 2, 5]


async def test_who_waited_in_vain_does_not_wait_again(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet, lane = writer(0.001), Batches()
    await two_at_once(quiet, lane)
    await quiet.submit(lane, nothing)

    def refuse(*_what: object) -> None:
        raise AssertionError("it waits again")

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", refuse)
    for _ in range(2):
        await quiet.submit(lane, nothing)
    monkeypatch.undo()
    await quiet.close()
    assert lane.sizes == [1, 2, 1, 1, 1]


async def test_what_waits_for_company_is_still_written_when_the_store_closes() -> None:
    closing, lane = writer(0.001), Batches()
    await two_at_once(closing, lane)
    last = closing.submit(lane, nothing)
    await closing.close()
    assert last.done()
    assert lane.sizes == [1, 2, 1]
    with pytest.raises(StoreClosedError):
        closing.submit(lane, nothing)


async def test_a_batch_has_an_end() -> None:
    full, lane = writer(0.001), Batches()
    with held(full, lane) as answers:
        await asyncio.sleep(0.01)
        answers += [full.submit(lane, nothing) for _ in range(BATCH + 3)]
    await asyncio.gather(*answers)
    await full.close()
    assert lane.sizes == [1, BATCH, 3]


async def test_a_brief_write_runs_in_the_event_loop_and_a_long_one_does_not() -> None:
    both, lane = writer(0.001), Batches()
    await both.submit(lane, nothing, brief=True)
    await both.submit(lane, nothing)
    # One that may take long takes the whole batch with it.
    await asyncio.gather(both.submit(lane, nothing, brief=True), both.submit(lane, nothing))
    await both.close()
    here, thread = threading.current_thread().name, "halfdoor-writer"
    assert lane.threads == [here, thread, thread]


async def test_with_two_files_every_write_has_the_thread() -> None:
    apart, lane = Writer(memory(), memory()), Batches()
    await apart.submit(lane, nothing, brief=True)
    await apart.close()
    assert lane.threads == ["halfdoor-writer"]


async def test_a_brief_write_that_fails_is_undone_and_its_neighbour_stays() -> None:
    class Poisoned(Batches):
        def run(self, con: sqlite3.Connection, items: Sequence[Function]) -> list[object]:
            outcomes = super().run(con, items)
            if any(item is poison for item in items):
                raise ValueError("this item cannot be written")
            return outcomes

    def poison(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO note VALUES ('poison')")

    def good(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO note VALUES ('good')")

    con = memory()
    con.execute("CREATE TABLE note (words TEXT)")
    written, lane = Writer(con, con), Poisoned()
    outcomes = await asyncio.gather(
        *(written.submit(lane, one, brief=True) for one in (good, poison, good)),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes] == [type(None), ValueError, type(None)]
    rows = con.execute("SELECT words FROM note").fetchall()
    await written.close()
    assert rows == [("good",), ("good",)]


async def test_a_commit_that_fails_acknowledges_nobody_who_was_not_written() -> None:
    con = memory()
    con.execute("PRAGMA foreign_keys=ON")
    con.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
    con.execute("CREATE TABLE other (id INTEGER REFERENCES one (id) DEFERRABLE INITIALLY DEFERRED)")
    written, lane = Writer(con, con), Batches()

    def dangling(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO other VALUES (7)")

    def whole(con: sqlite3.Connection) -> None:
        con.execute("INSERT INTO one VALUES (1)")

    outcomes = await asyncio.gather(
        written.submit(lane, whole, brief=True),
        written.submit(lane, dangling, brief=True),
        return_exceptions=True,
    )
    assert outcomes[0] is None
    assert isinstance(outcomes[1], sqlite3.IntegrityError)
    rows = con.execute("SELECT (SELECT count(*) FROM one), (SELECT count(*) FROM other)").fetchone()
    await written.close()
    assert rows == (1, 0)


async def test_a_lane_that_breaks_the_committer_is_told_and_the_writer_goes_on() -> None:
    class Broken(FunctionLane):
        def run(self, con: sqlite3.Connection, items: Sequence[Function]) -> list[object]:
            raise ValueError("these items cannot be written")

        def forget(self) -> None:
            raise RuntimeError("worse than what was to be forgotten")

    written = writer(0.001)
    for brief in (False, True):
        with pytest.raises(RuntimeError):
            await written.submit(Broken(Side.PEOPLE), nothing, brief=brief)
        assert await written.submit(Batches(), nothing, brief=brief) is None
    await written.close()
