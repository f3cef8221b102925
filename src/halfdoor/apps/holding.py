"""A reported conversation is kept from deletion, unread: worker of queue "freeze" (SEALING §5)."""

from collections.abc import Sequence
from typing import Protocol, final

from halfdoor.readers.review.freezing import freezing_of
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.freezes import Freeze
from halfdoor.store.jobs import Job, JobStore


class Freezer(Protocol):
    """Who holds conversations (`store.retention.Retention`)."""

    async def freeze(self, conv: str, hold: str, *, until: int | None = None) -> int:
        """Hold all of *conv* until a time (ms); the same call again finishes what a crash left."""

    async def freezes(self, conv: str) -> Sequence[Freeze]:
        """Return the holds that stand on *conv*; `UnknownConversationError`."""


@final
class Holding:
    """Puts holds on conversations. It opens nothing, and nobody in them learns of it."""

    def __init__(self, freezer: Freezer, jobs: JobStore) -> None:
        """Hold by *freezer*."""
        self._freezer = freezer
        self._jobs = jobs

    async def step(self, job: Job, now: int) -> Job | None:
        """Put the hold that *job* asks for, unless a longer one of its case stands."""
        asked = freezing_of(job.payload)
        name = hold_name(asked.case)
        try:
            standing = {one.hold: one.until for one in await self._freezer.freezes(asked.room)}
            before = standing.get(name, 0)
            until = None if before is None else max(before, asked.until)
            await self._freezer.freeze(asked.room, name, until=until)
        except UnknownConversationError:
            # Nothing of it is left to be kept.
            pass
        await self._jobs.end(job)
        return None


def hold_name(case: str) -> str:
    """Return the name of the hold of *case*: each case has its own, which ends by itself."""
    return f"review {case}"
