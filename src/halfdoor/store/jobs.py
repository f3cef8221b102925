"""Work that takes longer than a request: kept until it is done, one worker at a time (SCALE §6).

Enqueued in the database, taken under a lease that ends by itself, and continued from what was last
saved. A step may be done a second time after a crash, so it must bear that.
"""

from typing import Protocol

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work. `run_at` and `lease_until` are ms since 1970; `payload` is its owner's.

    `attempts` counts how often it was taken since it last came on.
    """

    ub: int
    id: str
    queue: str
    run_at: int
    attempts: int = 0
    lease_until: int = 0
    payload: bytes = b""

    def __repr__(self) -> str:
        return f"Job(queue={self.queue!r}, attempts={self.attempts})"


class JobStore(Protocol):
    """Where jobs stand. Everything is durable before it returns."""

    async def add(self, job: Job) -> None:
        """Keep *job*; one of the same id that is there already stays as it is."""

    async def find(self, ub: int, id: str) -> Job | None:
        """Return a job, None where there is none or it has ended."""

    async def claim(self, now: int, lease_ms: int, queue: str | None = None) -> Job | None:
        """Take the job, of *queue* or of any, that is due longest; None where none is due."""

    async def save(self, job: Job, payload: bytes, run_at: int) -> Job:
        """Keep how far *job* has come; `LostLeaseError` if another worker has it by now."""

    async def release(self, job: Job, run_at: int) -> None:
        """Let go of *job* until *run_at*; nothing if another worker has it by now."""

    async def end(self, job: Job) -> None:
        """Remove *job*, which is done; `LostLeaseError` if another worker has it by now."""
