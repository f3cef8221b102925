"""The one thread that writes: while one batch is made durable, the next gathers (SCALE §3)."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final

from halfdoor.store.errors import StoreClosedError
from halfdoor.store.sqlite.commits import CHECKPOINT, Committer, Job
from halfdoor.store.sqlite.lanes import Lane

BATCH: Final = 256
# How long a batch gathers company where the one before it had some (SCALE §3).
LINGER_SECONDS: Final = 0.001


class Writer:
    """Owns the writing connections; *people* is *conversations* where both share one file."""

    def __init__(
        self,
        conversations: sqlite3.Connection,
        people: sqlite3.Connection,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """*pause* holds up the thread for some seconds, while a batch gathers company."""
        self._committer = Committer(conversations, people)
        self._pause = pause
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="halfdoor-writer", daemon=True)
        self._thread.start()

    def checkpoint(self) -> "asyncio.Future[bool]":
        """Queue the emptying of the logs; False if a reader stands in the way just now."""
        return self.submit(CHECKPOINT, None)

    def submit(self, lane: Lane, item: Any) -> "asyncio.Future[Any]":
        """Queue *item* and return the future of its durable outcome (call on the event loop)."""
        if self._closing:
            raise StoreClosedError("the store is closing")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(Job(lane, item, answer))
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
        jobs: list[Job] = []
        ended = False
        while not ended:
            jobs, ended = self._gather(in_company=len(jobs) > 1)
            if jobs:
                self._commit(jobs)
                self._answer(jobs)
        self._committer.close()

    def _commit(self, jobs: list[Job]) -> None:
        """Make *jobs* durable; whatever goes wrong is told to their callers, and the thread lives.

        Without it every later write would wait for ever.
        """
        try:
            self._committer.commit(jobs)
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            for job in jobs:
                job.result = error

    def _gather(self, *, in_company: bool) -> tuple[list[Job], bool]:
        """Return the next batch, and whether the queue has ended.

        On an idle server a lone write commits at once. Where writes come *in company*, the first
        one waits a moment for the others: alone it would cost as much as they do together.
        """
        jobs: list[Job] = []
        job = self._queue.get()
        if in_company:
            # A pause that a strange clock refuses is no pause.
            with contextlib.suppress(OSError):
                self._pause(LINGER_SECONDS)
        while job is not None:
            jobs.append(job)
            if len(jobs) == BATCH:
                return jobs, False
            try:
                job = self._queue.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    @staticmethod
    def _answer(jobs: list[Job]) -> None:
        """Wake the callers, once for the whole batch; those who left are passed over."""
        loop = jobs[0].answer.get_loop()
        try:
            loop.call_soon_threadsafe(_resolve, jobs)
        except RuntimeError:
            # The loop is gone and its callers with it. What was written stays written.
            return


def _resolve(jobs: list[Job]) -> None:
    """Give each caller its result."""
    for job in jobs:
        if job.answer.done():
            continue
        if isinstance(job.result, Exception):
            job.answer.set_exception(job.result)
        else:
            job.answer.set_result(job.result)
