"""Group commit: while one batch is made durable, the next gathers (SCALE §3).

Statements of brief writes run where they are asked for, in the event loop: each would otherwise
fight another thread for the interpreter. What waits for the disk, the commit, has a thread of its
own, and so has all that may take long.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

from halfdoor.store.errors import StoreClosedError
from halfdoor.store.sqlite.commits import CHECKPOINT, Committer, Job
from halfdoor.store.sqlite.lanes import Lane

BATCH: Final = 256

_Step = Callable[[list[Job]], None]


class Writer:
    """Owns the writing connections; *people* is *conversations* where both share one file."""

    def __init__(self, conversations: sqlite3.Connection, people: sqlite3.Connection) -> None:
        self._committer = Committer(conversations, people)
        self._waiting: deque[Job] = deque()
        self._at_work = False
        self._idle: asyncio.Future[None] | None = None
        self._closing = False
        # Asked for once: the interpreter calls the system each time.
        self._loop: asyncio.AbstractEventLoop | None = None
        # A step that the thread is to take, and the batch that it is for.
        self._steps: SimpleQueue[tuple[_Step, list[Job]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="halfdoor-writer", daemon=True)
        self._thread.start()

    def checkpoint(self) -> "asyncio.Future[bool]":
        """Queue the emptying of the logs; False if a reader stands in the way just now."""
        return self.submit(CHECKPOINT, None)

    def submit(self, lane: Lane, item: Any, *, brief: bool = False) -> "asyncio.Future[Any]":
        """Queue *item* and return the future of its durable outcome (call on the event loop).

        A *brief* one is a few rows, whose statements may run in the event loop.
        """
        if self._closing:
            raise StoreClosedError("the store is closing")
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(Job(lane, item, answer, brief))
        if not self._at_work:
            self._at_work = True
            loop.call_soon(self._take_up)
        return answer

    @property
    def waiting(self) -> int:
        """How many writes wait to be taken up; for admission control and metrics."""
        return len(self._waiting)

    async def close(self) -> None:
        """Finish what is queued, then stop the thread and close its connections."""
        loop = asyncio.get_running_loop()
        if not self._closing:
            self._closing = True
            if self._at_work:
                self._idle = loop.create_future()
                await self._idle
            self._steps.put(None)
        await loop.run_in_executor(None, self._thread.join)

    def _take_up(self) -> None:
        """Write the next batch as far as no disk is waited for; the thread does the rest."""
        jobs = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        step = self._committer.commit
        if all(job.brief for job in jobs):
            # What goes wrong here goes wrong there again, and is told to the callers.
            with contextlib.suppress(Exception):
                if self._committer.prepare(jobs):
                    step = self._committer.conclude
        self._steps.put((step, jobs))

    def _work(self) -> None:
        """Take the steps that may have to wait, and have each batch answered; until there is none.

        Whatever goes wrong is told to the callers, and the thread lives: without it every later
        write would wait for ever.
        """
        while (task := self._steps.get()) is not None:
            step, jobs = task
            try:
                step(jobs)
            except Exception as error:  # noqa: BLE001 - told to whoever waits
                for job in jobs:
                    job.result = error
            loop = jobs[0].answer.get_loop()
            try:
                loop.call_soon_threadsafe(self._answer, loop, jobs)
            except RuntimeError:
                # The loop is gone and its callers with it. What was written stays written.
                self._waiting.clear()
                self._at_work = False
        self._committer.close()

    def _answer(self, loop: asyncio.AbstractEventLoop, jobs: list[Job]) -> None:
        """Wake the callers of a batch, and go on with those who came meanwhile."""
        if self._waiting:
            loop.call_soon(self._take_up)
        else:
            self._at_work = False
            if self._idle is not None:
                self._idle.set_result(None)
        for job in jobs:
            # Those who left are passed over.
            if job.answer.done():
                continue
            if isinstance(job.result, Exception):
                job.answer.set_exception(job.result)
            else:
                job.answer.set_result(job.result)
