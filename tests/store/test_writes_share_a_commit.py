"""No write waits for company: while one batch commits the next gathers, and they share it."""

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


def writer() -> Writer:
    con = memory()
    return Writer(con, con)


@contextmanager
def held(written: Writer, lane: Batches) -> Iterator[list[asyncio.Future[object]]]:
    """Let one write stand in its transaction, so that others gather behind it."""
    over = threading.Event()
    answers = [written.submit(lane, lambda _con: over.wait(10))]
    yield answers
    over.set()


async def test_no_write_waits_for_company(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, lane = writer(), Batches()

    def refuse(*_what: object) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr(asyncio.get_running_loop(), "call_later", refuse)
    for _ in range(2):
        await alone.submit(lane, nothing)
    await asyncio.gather(alone.submit(lane, nothing), alone.submit(lane, nothing))
    await alone.submit(lane, nothing)
    monkeypatch.undo()
    await alone.close()
    assert lane.sizes == [1, 1, 2, 1]


async def test_what_comes_while_a_batch_commits_makes_the_next() -> None:
    busy, lane = writer(), Batches()
    with held(busy, lane) as answers:
        for _ in range(4):
            await asyncio.sleep(0.001)
            answers.append(busy.submit(lane, nothing))
        assert busy.waiting == 4
    await asyncio.gather(*answers)
    await busy.close()
    assert lane.sizes == [1, 4]


async def test_what_waits_is_still_written_when_the_store_closes() -> None:
    closing, lane = writer(), Batches()
    with held(closing, lane) as answers:
        await asyncio.sleep(0.01)
        answers.append(closing.submit(lane, nothing))
    await closing.close()
    assert all(answer.done() for answer in answers)
    assert lane.sizes == [1, 1]
    with pytest.raises(StoreClosedError):
        closing.submit(lane, nothing)


async def test_a_batch_has_an_end() -> None:
    full, lane = writer(), Batches()
    with held(full, lane) as answers:
        await asyncio.sleep(0.01)
        answers += [full.submit(lane, nothing) for _ in range(BATCH + 3)]
    await asyncio.gather(*answers)
    await full.close()
    assert lane.sizes == [1, BATCH, 3]


async def test_a_brief_write_runs_in_the_event_loop_and_a_long_one_does_not() -> None:
    both, lane = writer(), Batches()
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

    written = writer()
    for brief in (False, True):
        with pytest.raises(RuntimeError):
            await written.submit(Broken(Side.PEOPLE), nothing, brief=brief)
        assert await written.submit(Batches(), nothing, brief=brief) is None
    await written.close()
