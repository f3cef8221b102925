"""What was decided comes to hold: worker of queue "enforce". Done at least once, in any order."""

import contextlib
from collections.abc import Iterable
from typing import Final, Protocol, final

import msgspec

from halfdoor.accounts.errors import ErasedError, NotFoundError
from halfdoor.accounts.people import People
from halfdoor.accounts.records import MeasureRecord
from halfdoor.readers.review.judging import Enforce
from halfdoor.readers.review.records import Case, ModerationEvent
from halfdoor.readers.review.replay import Story, measures_of, replay
from halfdoor.safety.measures import LIMITING, Kind, Measure, holds
from halfdoor.store.jobs import Job, JobStore

# A sign-in that was let in just before an account ended may open a session just after: looked for
# once more when every such request is over.
AGAIN_MS: Final = 120_000


class Events(Protocol):
    """What happened in cases (`readers.review.store.DeskStore`)."""

    async def case(self, id: str) -> Case | None:
        """Return a case, None where there is none."""

    async def events(self, case: str) -> list[ModerationEvent]:
        """Return what happened in a case, oldest first."""


class Sessions(Protocol):
    """Who ends the sessions of a person (`accounts.devices.Devices`)."""

    async def end_all(self, user: str) -> None:
        """End every session of *user*."""


class Removing(Protocol):
    """Who takes messages out of conversations (`messaging.removal.Removal`)."""

    async def remove(self, conv: str, target: str) -> bool:
        """Take the event *target* out of *conv*; False where it is not there any more."""


class Wakeups(Protocol):
    """Whom long polls wait for."""

    def nudge(self, users: Iterable[str]) -> None:
        """Let the polls of *users* come back."""


@final
class Enforcing:
    """Brings people to where the events of a case say they are; a crash in between costs nothing.

    It carries no order out: it reads what stands, so that a decision that was taken back meanwhile
    is taken back by whoever comes first.
    """

    def __init__(
        self,
        *,
        desk: Events,
        people: People,
        sessions: Sessions,
        removal: Removing,
        wakeups: Wakeups,
        jobs: JobStore,
    ) -> None:
        """Take what each step needs."""
        self._desk = desk
        self._people = people
        self._sessions = sessions
        self._removal = removal
        self._wakeups = wakeups
        self._jobs = jobs

    async def step(self, job: Job, now: int) -> Job | None:
        """Let hold what is decided by *now*, and return when to come again; None for never."""
        asked = msgspec.json.decode(job.payload, type=Enforce)
        case = await self._desk.case(asked.case)
        after = None if case is None else await self._enforce(case.subject, case.id, now)
        if after is None:
            await self._jobs.end(job)
            return None
        return await self._jobs.save(job, job.payload, after)

    async def _enforce(self, subject: str, case: str, now: int) -> int | None:
        measures = due(replay(await self._desk.events(case)), now)
        # 1. What binds the person, with what binds no more: from their next request on.
        await self._bind(subject, measures)
        # 2. What happens once, when its time has come.
        for one in measures:
            if one.kind is Kind.REMOVE_MESSAGE and holds(one, now):
                await self._removal.remove(one.room, one.scope)
        if any(one.kind is Kind.TERMINATED and holds(one, now) for one in measures):
            with contextlib.suppress(NotFoundError):
                await self._sessions.end_all(subject)
        # 3. Whoever waits for something to happen comes back, and is told how they stand.
        self._wakeups.nudge([subject])
        return _next(measures, now)

    async def _bind(self, subject: str, measures: Iterable[Measure]) -> None:
        records = tuple(_record(one) for one in measures if one.kind in LIMITING)
        await self._people.look_anew([subject])
        # Of nobody, and of somebody who was erased, no record is made.
        if not await self._people.exists(subject):
            return
        if not set(records) <= set((await self._people.person(subject)).measures):
            with contextlib.suppress(ErasedError):
                await self._people.change({subject: {"measures": records}})


def due(story: Story, now: int) -> tuple[Measure, ...]:
    """Return the measures whose time to be taken back is over by *now*, and those taken back."""
    acted = {made.id for made in story.decisions if made.acts_at <= now or made.id in story.back}
    return tuple(one for one in measures_of(story) if one.decision in acted)


def _next(measures: Iterable[Measure], now: int) -> int | None:
    """Return when something happens that time alone does not bring about."""
    moments = []
    for one in measures:
        if one.reversed is not None or one.kind not in {Kind.REMOVE_MESSAGE, Kind.TERMINATED}:
            continue
        moments.append(one.starts)
        if one.kind is Kind.TERMINATED:
            moments.append(one.starts + AGAIN_MS)
    return min((moment for moment in moments if moment > now), default=None)


def _record(one: Measure) -> MeasureRecord:
    return MeasureRecord(
        id=one.id,
        kind=one.kind.value,
        decision=one.decision,
        starts=one.starts,
        ends=one.ends,
        scope=one.scope,
        reversed=one.reversed,
    )
