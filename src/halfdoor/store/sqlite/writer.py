"""The one thread that writes: while one batch is made durable, the next gathers (SCALE §3)."""

import asyncio
import sqlite3
import threading
from queue import Empty, SimpleQueue
from typing import Any, Final

from halfdoor.store.errors import StoreClosedError
from halfdoor.store.sqlite.commits import CHECKPOINT, Committer, Job
from halfdoor.store.sqlite.lanes import Lane

BATCH: Final = 256


class Writer:
    """Owns the writing connections; *people* is *conversations* where both share one file."""

    def __init__(self, conversations: sqlite3.Connection, people: sqlite3.Connection) -> None:
        self._committer = Committer(conversations, people)
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
        ended = False
        while not ended:
            # Waiting here is the whole linger: while one batch is being made durable the next
            # gathers, and on an idle server a lone write commits at once.
            job = self._queue.get()
            jobs: list[Job] = []
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
                self._committer.commit(jobs)
                self._answer(jobs)
        self._committer.close()

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
