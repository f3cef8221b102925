"""Work that takes longer than a request goes on here, a little at a time, beside the requests."""

import time
from collections.abc import Mapping
from typing import Final, Protocol, final

from halfdoor.clock import Clock
from halfdoor.store.jobs import Job, JobStore

# A worker that was killed keeps its job from others for no longer than this.
LEASE_MS: Final = 15_000
# Of each second, in a server that runs; the rest is for requests.
SLICE_SECONDS: Final = 0.1
_LONGEST_PAUSE_MS: Final = 3_600_000


class Worker(Protocol):
    """Whoever knows how one kind of job is done."""

    async def step(self, job: Job, now: int) -> Job | None:
        """Do a few milliseconds of *job* and return how it stands, durably; None once it is done.

        It may be asked to do a step again that a crash cut off.
        """


@final
class Work:
    """Takes jobs that are due and has them done; several servers may do so at once."""

    def __init__(self, jobs: JobStore, workers: Mapping[str, Worker], clock: Clock) -> None:
        self._jobs = jobs
        self._workers = workers
        self._clock = clock

    async def go_on(self, seconds: float = SLICE_SECONDS) -> None:
        """Work for about *seconds*, or until nothing is due. Raises what a job failed with.

        A job that fails is tried again, after longer and longer pauses.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            job = await self._jobs.claim(self._clock.now_ms(), LEASE_MS)
            if job is None or not await self._do(job, until):
                return

    async def _do(self, job: Job, until: float) -> bool:
        """Do as much of *job* as there is time for; tell whether it needs no more for now."""
        worker = self._workers[job.queue]
        try:
            while True:
                now = self._clock.now_ms()
                # What is left of the lease must do for a step.
                if time.monotonic() >= until or now >= job.lease_until - LEASE_MS // 2:
                    await self._jobs.release(job, max(job.run_at, now))
                    return False
                after = await worker.step(job, now)
                if after is None:
                    return True
                job = after
                if job.run_at > now:
                    await self._jobs.release(job, job.run_at)
                    return True
        except Exception:
            pause = min(1000 << min(job.attempts, 12), _LONGEST_PAUSE_MS)
            await self._jobs.release(job, self._clock.now_ms() + pause)
            raise
