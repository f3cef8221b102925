"""The one thread that writes, and group commit: many writes become durable in one (SCALE §3)."""

import asyncio
import enum
import sqlite3
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

from halfdoor.store.errors import StoreClosedError
from halfdoor.store.sqlite.connect import is_unavailable, named

BATCH: Final = 256

Outcome = Any  # A lane's own result, or an exception that its caller will see raised.


class Side(enum.Enum):
    """The two sides of the store; rows of one never meet rows of the other in a statement."""

    CONVERSATIONS = "conversations"
    PEOPLE = "people"


class Lane(Protocol):
    """A kind of write that is done many at a time.

    A lane of the conversation side may `follow` its writes on the people's side: in the same
    transaction where both share a file, else in the next one. An exception out of `run` or
    `follow` undoes the batch, and each of its items is tried again alone, so an item that
    cannot be written fails alone. What an item's caller did wrong is returned as its outcome.
    """

    side: Side

    def run(self, con: sqlite3.Connection, items: Sequence[Any]) -> list[Outcome]:
        """Write *items* on the lane's side and return one outcome for each."""

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Write on the people's side what follows, and return the outcomes to answer with."""

    def forget(self) -> None:
        """Drop what was remembered from writes: the transaction did not happen."""


class FunctionLane:
    """Runs functions of a connection, each in a savepoint, so that one can refuse by raising."""

    def __init__(self, side: Side) -> None:
        self.side = side

    def run(
        self, con: sqlite3.Connection, items: Sequence[Callable[[sqlite3.Connection], Any]]
    ) -> list[Outcome]:
        """Call each function; what it raises is undone and becomes its outcome."""
        return [self._call(con, function) for function in items]

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Nothing follows from a function."""
        return outcomes

    def forget(self) -> None:
        """Functions remember nothing."""

    def _call(
        self, con: sqlite3.Connection, function: Callable[[sqlite3.Connection], Any]
    ) -> Outcome:
        con.execute("SAVEPOINT item")
        try:
            result = function(con)
        except Exception as error:
            if is_unavailable(error) or not con.in_transaction:
                raise
            con.execute("ROLLBACK TO item")
            result = error
        con.execute("RELEASE item")
        return result


class _Job:
    """One write that waits for its commit; `outcome` is what `run` said, `result` the answer."""

    __slots__ = ("answer", "item", "lane", "outcome", "result")

    def __init__(self, lane: Lane, item: Any, answer: "asyncio.Future[Any]") -> None:
        self.lane = lane
        self.item = item
        self.answer = answer
        self.outcome: Outcome = None
        self.result: Outcome = None


_Step = tuple[Callable[[sqlite3.Connection, list[_Job]], None], list[_Job]]


class Writer:
    """Owns the writing connections; *people* is *conversations* where both share one file."""

    def __init__(self, conversations: sqlite3.Connection, people: sqlite3.Connection) -> None:
        self._con = {Side.CONVERSATIONS: conversations, Side.PEOPLE: people}
        self._shared = conversations is people
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="halfdoor-writer", daemon=True)
        self._thread.start()

    def submit(self, lane: Lane, item: Any) -> "asyncio.Future[Any]":
        """Queue *item* and return the future of its durable outcome (call on the event loop)."""
        if self._closing:
            raise StoreClosedError("the store is closing")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(_Job(lane, item, answer))
        return answer

    @property
    def waiting(self) -> int:
        """How many writes wait to be taken up; for admission control and metrics."""
        return self._queue.qsize()

    async def close(self) -> None:
        """Finish what is queued, then stop the thread and close its connections."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _work(self) -> None:
        """Take what waits, make it durable, answer; until the queue ends."""
        ended = False
        while not ended:
            # Waiting here is the whole linger: while one batch is being made durable the next
            # gathers, and on an idle server a lone write commits at once.
            job = self._queue.get()
            jobs: list[_Job] = []
            while True:
                if job is None:
                    ended = True
                    break
                jobs.append(job)
                if len(jobs) == BATCH:
                    break
                try:
                    job = self._queue.get_nowait()
                except Empty:
                    break
            if jobs:
                self._commit(jobs)
                self._answer(jobs)
        for con in set(self._con.values()):
            con.close()

    def _commit(self, jobs: list[_Job]) -> None:
        """Give every job its result, which is durable where it is no exception."""
        first = [job for job in jobs if job.lane.side is Side.CONVERSATIONS]
        second = [job for job in jobs if job.lane.side is Side.PEOPLE]
        if self._shared:
            self._transact(Side.PEOPLE, [(_run, first), (_follow, first), (_run, second)])
            return
        if first:
            self._transact(Side.CONVERSATIONS, [(_run, first)])
        # What was refused or failed on the first side has nothing that could follow.
        kept = [job for job in first if not isinstance(job.outcome, Exception)]
        if kept or second:
            self._transact(Side.PEOPLE, [(_follow, kept), (_run, second)])

    def _transact(self, side: Side, steps: list[_Step]) -> None:
        """Take all *steps* in one transaction; if it fails, each job takes its own in another."""
        con = self._con[side]
        jobs = list(dict.fromkeys(job for _, part in steps for job in part))
        try:
            con.execute("BEGIN IMMEDIATE")
            for step, part in steps:
                step(con, part)
            con.execute("COMMIT")
            return
        except Exception as error:  # noqa: BLE001 - a poison item may raise anything
            if con.in_transaction:
                con.execute("ROLLBACK")
            for lane in {job.lane for job in jobs}:
                lane.forget()
            if len(jobs) == 1 or is_unavailable(error):
                failure = named(error) if isinstance(error, sqlite3.Error) else error
                for job in jobs:
                    job.outcome = job.result = failure
                return
        for job in jobs:
            self._transact(side, [(step, [job]) for step, part in steps if job in part])

    @staticmethod
    def _answer(jobs: list[_Job]) -> None:
        """Wake the callers, once for the whole batch; those who left are passed over."""
        loop = jobs[0].answer.get_loop()
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:
            # The loop is gone and its callers with it. What was written stays written.
            return


def _run(con: sqlite3.Connection, jobs: list[_Job]) -> None:
    """Write the items of *jobs*, lane by lane in the order of their first item."""
    for lane, part in _by_lane(jobs).items():
        outcomes = lane.run(con, [job.item for job in part])
        for job, outcome in zip(part, outcomes, strict=True):
            job.outcome = job.result = outcome


def _follow(con: sqlite3.Connection, jobs: list[_Job]) -> None:
    """Write on the people's side what follows from *jobs*."""
    for lane, part in _by_lane(jobs).items():
        results = lane.follow(con, [job.outcome for job in part])
        for job, result in zip(part, results, strict=True):
            job.result = result


def _by_lane(jobs: list[_Job]) -> dict[Lane, list[_Job]]:
    """Return *jobs* by their lanes, order kept within each."""
    lanes: dict[Lane, list[_Job]] = {}
    for job in jobs:
        lanes.setdefault(job.lane, []).append(job)
    return lanes


def _resolve(jobs: list[_Job]) -> None:
    """Give each caller its result."""
    for job in jobs:
        if job.answer.done():
            continue
        if isinstance(job.result, Exception):
            job.answer.set_exception(job.result)
        else:
            job.answer.set_result(job.result)
