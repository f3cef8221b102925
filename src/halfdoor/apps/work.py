"""Work that takes longer than a request goes on here, a little at a time, beside the requests."""

import asyncio
import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol, final

from halfdoor.clock import Clock
from halfdoor.store.jobs import Job, JobStore

# A worker that was killed keeps its job from others for no longer than this.
LEASE_MS: Final = 15_000
# The same for short work that comes first: what a decision does must not wait for the dead. A step
# of it takes milliseconds, and one that took longer is refused when it saves.
FIRST_LEASE_MS: Final = 4_000
# Of each second, in a server that runs; the rest is for requests.
SLICE_SECONDS: Final = 0.1
_LONGEST_PAUSE_MS: Final = 3_600_000


class LaterError(Exception):
    """Another machine did not take it: tried again after the pauses of a failure, and told already.

    That a machine of others is away is no failure of this one.
    """


class Worker(Protocol):
    """Whoever knows how one kind of job is done."""

    async def step(self, job: Job, now: int) -> Job | None:
        """Do a few milliseconds of *job* and return how it stands, durably; None once it is done.

        It may be asked to do a step again that a crash cut off.
        """


@final
class Work:
    """Takes jobs that are due and has them done; several servers may do so at once."""

    def __init__(
        self,
        jobs: JobStore,
        workers: Mapping[str, Worker],
        clock: Clock,
        beside: Collection[str] = (),
        first: Sequence[str] = (),
    ) -> None:
        """*beside* are queues whose work waits for other machines: it holds up no other.

        *first* are those whose work is short and waits for no other, however much there is.
        """
        self._first = tuple(first)
        self._jobs = jobs
        self._workers = workers
        self._clock = clock
        self._beside = frozenset(beside)
        self._waiting: set[asyncio.Task[object]] = set()
        self._failed: list[Exception] = []
        self._asked = asyncio.Event()

    def hurry(self, after_ms: int = 0) -> None:
        """Say that something is due in *after_ms*: whoever is in `pause` then goes on at once."""
        asyncio.get_running_loop().call_later(after_ms / 1000, self._asked.set)

    async def pause(self, seconds: float) -> None:
        """Return after *seconds*, or as soon as somebody says that something is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        self._asked.clear()

    async def go_on(self, seconds: float = SLICE_SECONDS) -> None:
        """Work for about *seconds*, or until nothing is due. Raises what a job failed with.

        A job that fails is tried again, after longer and longer pauses.
        """
        await self._work_until(time.monotonic() + seconds)
        if self._failed:
            raise self._failed.pop(0)

    async def _work_until(self, until: float) -> None:
        while True:
            await self._do_first()
            if time.monotonic() >= until:
                return
            job = await self._jobs.claim(self._clock.now_ms(), LEASE_MS)
            if job is None:
                return
            if job.queue in self._beside:
                self._go_on_beside(job)
            elif not await self._do(job, until):
                return

    async def _do_first(self) -> None:
        for queue in self._first:
            while job := await self._jobs.claim(self._clock.now_ms(), FIRST_LEASE_MS, queue):
                await self._do(job, time.monotonic() + LEASE_MS / 1000)

    async def rest(self) -> None:
        """Wait until what was begun for other machines is over."""
        while self._waiting:
            await asyncio.wait(tuple(self._waiting))

    async def close(self) -> None:
        """Give up what waits for other machines; it is done again from what was last saved."""
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    def _go_on_beside(self, job: Job) -> None:
        # Its lease, not this task, keeps the job from others; `_do` stops at half of that.
        task = asyncio.create_task(self._do(job, time.monotonic() + LEASE_MS / 1000))
        self._waiting.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[object]) -> None:
        self._waiting.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._failed.append(error)

    async def _do(self, job: Job, until: float) -> bool:
        """Do as much of *job* as there is time for; tell whether it needs no more for now."""
        worker = self._workers[job.queue]
        try:
            while True:
                now = self._clock.now_ms()
                # What is left of the lease must do for a step.
                lease = FIRST_LEASE_MS if job.queue in self._first else LEASE_MS
                if time.monotonic() >= until or now >= job.lease_until - lease // 2:
                    await self._jobs.release(job, max(job.run_at, now))
                    return False
                after = await worker.step(job, now)
                if after is None:
                    return True
                job = after
                if job.run_at > now:
                    await self._jobs.release(job, job.run_at)
                    return True
        except LaterError:
            await self._put_off(job)
            return True
        except Exception:
            await self._put_off(job)
            raise

    async def _put_off(self, job: Job) -> None:
        pause = min(1000 << min(job.attempts, 12), _LONGEST_PAUSE_MS)
        await self._jobs.release(job, self._clock.now_ms() + pause)
