"""Group commit: while one batch of a bucket group is made durable, the next gathers (SCALE §3)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from halfdoor.ids import bucket
from halfdoor.store.errors import StoreClosedError
from halfdoor.store.postgres.turn import Work

BATCH: Final = 256
# How long a batch gathers company where the one before it had some (SCALE §3).
LINGER_SECONDS: Final = 0.001

Outcome = Any  # What a work answers, or an exception that its caller will see raised.
Commit = Callable[[Sequence[Work]], Awaitable[list[Outcome]]]


class _Group:
    """The queue of some buckets, and the one task that writes to them in this process."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self.queue: deque[tuple[Work, asyncio.Future[Any]]] = deque()
        self._filled = asyncio.Event()
        self._ended = False
        self._task = asyncio.create_task(self._write(), name="halfdoor-writer")

    def put(self, work: Work) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.queue.append((work, answer))
        self._filled.set()
        return answer

    async def close(self) -> None:
        """Finish what is queued, then end."""
        self._ended = True
        self._filled.set()
        await self._task

    async def _write(self) -> None:
        taken: list[tuple[Work, asyncio.Future[Any]]] = []
        while self.queue or not self._ended:
            if not self.queue:
                self._filled.clear()
                await self._filled.wait()
                continue
            # On an idle server a lone write commits at once. Where writes come in company, the
            # first one waits a moment for the others: alone it would cost as much as they do.
            if len(taken) > 1 and not self._ended:
                await asyncio.sleep(LINGER_SECONDS)
            taken = [self.queue.popleft() for _ in range(min(BATCH, len(self.queue)))]
            outcomes = await self._outcomes([work for work, _ in taken])
            for (_, answer), outcome in zip(taken, outcomes, strict=True):
                # Whoever left is passed over; what was written stays written.
                if answer.done():
                    continue
                if isinstance(outcome, Exception):
                    answer.set_exception(outcome)
                else:
                    answer.set_result(outcome)

    async def _outcomes(self, works: list[Work]) -> list[Outcome]:
        """Return the outcomes of *works*; whatever happens, this task goes on."""
        try:
            return await self._commit(works)
        except Exception as error:  # noqa: BLE001 - the callers are told, whatever it is
            return [error] * len(works)


class Writer:
    """Writes works, each in the group of its conversation's bucket, and answers when durable."""

    def __init__(self, commit: Commit, groups: int) -> None:
        self._groups = [_Group(commit) for _ in range(groups)]
        self._closing = False

    async def write(self, work: Work) -> Outcome:
        """Return the durable outcome of *work*, or raise why there is none."""
        if self._closing:
            raise StoreClosedError("the store is closing")
        return await self._groups[bucket(work.conv) % len(self._groups)].put(work)

    @property
    def waiting(self) -> int:
        """How many writes wait to be taken up; for admission control and metrics."""
        return sum(len(group.queue) for group in self._groups)

    async def close(self) -> None:
        """Make everything queued durable, then stop."""
        self._closing = True
        await asyncio.gather(*(group.close() for group in self._groups))
