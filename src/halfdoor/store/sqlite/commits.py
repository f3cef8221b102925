"""Group commit: many writes become durable in one transaction, and a bad one fails alone."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from halfdoor.store.sqlite.connect import BUSY_MS, is_unavailable, named
from halfdoor.store.sqlite.lanes import FunctionLane, Lane, Outcome, Side


class Job:
    """One write that waits for its commit; `outcome` is what `run` said, `result` the answer."""

    __slots__ = ("answer", "brief", "item", "lane", "outcome", "result")

    def __init__(self, lane: Lane, item: Any, answer: "asyncio.Future[Any]", brief: bool) -> None:
        self.lane = lane
        self.item = item
        self.answer = answer
        self.brief = brief
        self.outcome: Outcome = None
        self.result: Outcome = None


# Stands for the lane of what happens between transactions.
CHECKPOINT: Final = FunctionLane(Side.PEOPLE)
_Step = tuple[Callable[[sqlite3.Connection, list[Job]], None], list[Job]]


class Committer:
    """Makes batches durable; *people* is *conversations* where both share one file."""

    def __init__(self, conversations: sqlite3.Connection, people: sqlite3.Connection) -> None:
        self._con = {Side.CONVERSATIONS: conversations, Side.PEOPLE: people}
        self._shared = conversations is people
        for con in set(self._con.values()):
            con.execute("PRAGMA busy_timeout=0")

    def prepare(self, jobs: list[Job]) -> bool:
        """Write *jobs* in a transaction that `conclude` makes durable; this waits for nobody.

        False where that cannot be: then nothing was written, and `commit` finds out why.
        """
        if not self._shared:
            return False
        con = self._con[Side.PEOPLE]
        try:
            con.execute("BEGIN IMMEDIATE")
            for step, part in _steps(jobs):
                step(con, part)
        except Exception:  # noqa: BLE001 - a poison item may raise anything
            _undo(con, jobs)
            return False
        return True

    def conclude(self, jobs: list[Job]) -> None:
        """Make durable what was prepared of *jobs*; where that fails, they are written anew."""
        con = self._con[Side.PEOPLE]
        try:
            con.execute("COMMIT")
        except Exception:  # noqa: BLE001 - written once more, which finds out why
            _undo(con, jobs)
            self.commit(jobs)

    def commit(self, jobs: list[Job]) -> None:
        """Give every job its result, which is durable where it is no exception.

        Where another program holds the database locked, this waits a while for it.
        """
        for con in set(self._con.values()):
            con.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        try:
            self._commit(jobs)
        finally:
            for con in set(self._con.values()):
                con.execute("PRAGMA busy_timeout=0")

    def _commit(self, jobs: list[Job]) -> None:
        checkpoints = [job for job in jobs if job.lane is CHECKPOINT]
        if checkpoints:
            jobs = [job for job in jobs if job.lane is not CHECKPOINT]
            emptied = True
            for con in set(self._con.values()):
                emptied = _checkpoint(con) and emptied
            for job in checkpoints:
                job.result = emptied
        if self._shared and jobs:
            self._transact(Side.PEOPLE, _steps(jobs))
        elif not self._shared:
            self._transact_apart(*_sides(jobs))

    def _transact_apart(self, first: list[Job], second: list[Job]) -> None:
        """Write the two sides one after the other, where each has a file of its own."""
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
            _undo(con, jobs)
            if len(jobs) == 1 or is_unavailable(error):
                failure = named(error) if isinstance(error, sqlite3.Error) else error
                for job in jobs:
                    job.outcome = job.result = failure
                return
        for job in jobs:
            self._transact(side, [(step, [job]) for step, part in steps if job in part])

    def close(self) -> None:
        """Close the connections."""
        for con in set(self._con.values()):
            con.close()


def _undo(con: sqlite3.Connection, jobs: list[Job]) -> None:
    """Leave the transaction of *jobs*, and whatever was remembered of it."""
    # Where even this fails, the next BEGIN does too, and says so to its callers.
    with contextlib.suppress(sqlite3.Error):
        if con.in_transaction:
            con.execute("ROLLBACK")
    for lane in {job.lane for job in jobs}:
        lane.forget()


def _checkpoint(con: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it to nothing, unless a reader still needs it."""
    con.execute("PRAGMA busy_timeout=100")
    try:
        (busy, _, _) = con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        # The log stays as it is; the next checkpoint takes it up again.
        return False
    finally:
        con.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return not busy


def _sides(jobs: list[Job]) -> tuple[list[Job], list[Job]]:
    """Return those that write to conversations, and those that write to people."""
    first = [job for job in jobs if job.lane.side is Side.CONVERSATIONS]
    return first, [job for job in jobs if job.lane.side is Side.PEOPLE]


def _steps(jobs: list[Job]) -> list[_Step]:
    """Return the steps of one transaction over both sides."""
    first, second = _sides(jobs)
    return [(_run, first), (_follow, first), (_run, second)]


def _run(con: sqlite3.Connection, jobs: list[Job]) -> None:
    """Write the items of *jobs*, lane by lane in the order of their first item."""
    for lane, part in _by_lane(jobs).items():
        outcomes = lane.run(con, [job.item for job in part])
        for job, outcome in zip(part, outcomes, strict=True):
            job.outcome = job.result = outcome


def _follow(con: sqlite3.Connection, jobs: list[Job]) -> None:
    """Write on the people's side what follows from *jobs*."""
    for lane, part in _by_lane(jobs).items():
        results = lane.follow(con, [job.outcome for job in part])
        for job, result in zip(part, results, strict=True):
            job.result = result


def _by_lane(jobs: list[Job]) -> dict[Lane, list[Job]]:
    """Return *jobs* by their lanes, order kept within each."""
    lanes: dict[Lane, list[Job]] = {}
    for job in jobs:
        lanes.setdefault(job.lane, []).append(job)
    return lanes
