"""Tells the platform what happens at the desk, in order and at least once: queue "webhook"."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.apps.work import LaterError
from halfdoor.ids import bucket
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.webhooks import Webhook, webhook_of
from halfdoor.store.jobs import Job, JobStore

QUEUE: Final = "webhook"
JOB: Final = "webhook"
# How often the desk is asked when nothing happens there.
_IDLE_MS: Final = 2000
_PAGE: Final = 100


class Happenings(Protocol):
    """What happens at the desk (`readers.review.store.DeskStore`)."""

    async def events_since(self, at: int, limit: int) -> list[ModerationEvent]:
        """Return what happened since a time."""

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        """Return what happened behind a number."""


class Post(Protocol):
    """Who delivers (`web.outbound.webhooks.WebhookPost`)."""

    async def post(self, id: str, body: bytes, now_ms: int) -> None:
        """Deliver *body*, or raise."""


# Told how many deliveries in a row were not taken; 0 once one was taken again.
Tell = Callable[[int], None]


class _Course(msgspec.Struct, frozen=True, kw_only=True):
    """How far the telling has come: behind event *after*; at first only *since* when."""

    since: int
    after: int | None = None


async def begin(jobs: JobStore, now: int) -> None:
    """See to it that there is the one job of the telling; it begins with what happens now."""
    payload = msgspec.json.encode(_Course(since=now))
    await jobs.add(Job(ub=bucket(JOB), id=JOB, queue=QUEUE, run_at=now, payload=payload))


@final
class Announcing:
    """Delivers event after event. What the platform does not take is sent again, after pauses.

    Nothing overtakes: a platform that is down for a day gets all of the day, in order.
    """

    def __init__(
        self,
        desk: Happenings,
        post: Post,
        jobs: JobStore,
        *,
        away: tuple[type[Exception], ...] = (),
        tell: Tell | None = None,
    ) -> None:
        """*away* are the errors of *post* that say nobody took it; *tell* hears of each of them."""
        self._desk = desk
        self._post = post
        self._jobs = jobs
        self._away = away
        self._tell = tell
        # How many tries in a row nobody took; whoever runs the house is told once, loudly.
        self._missed = 0
        self.delivered = 0

    async def step(self, job: Job, now: int) -> Job | None:
        """Deliver the next event, durably; raises what the delivery failed with."""
        course = msgspec.json.decode(job.payload, type=_Course)
        after = await self._start(course)
        events = await self._desk.events_after(after, _PAGE) if after is not None else []
        for event in events:
            told = webhook_of(event)
            after = event.number
            if told is not None:
                await self._deliver(told, now)
                self.delivered += 1
                # Each is noted before the next: after a crash one comes twice, none is lost.
                return await self._save(job, replace(course, after=after), now)
        if events or job.attempts > 1:
            # To look and find nothing is no failure: what counts for the pauses begins anew.
            job = await self._save(job, replace(course, after=after), now)
        return replace(job, run_at=now + _IDLE_MS) if len(events) < _PAGE else job

    async def _deliver(self, told: Webhook, now: int) -> None:
        try:
            await self._post.post(told.id, body_of(told), now)
        except self._away as error:
            self._missed += 1
            if self._tell is not None:
                self._tell(self._missed)
            raise LaterError from error
        if self._missed and self._tell is not None:
            self._tell(0)
        self._missed = 0

    async def _start(self, course: _Course) -> int | None:
        if course.after is not None:
            return course.after
        first = await self._desk.events_since(course.since, 1)
        return first[0].number - 1 if first else None

    async def _save(self, job: Job, course: _Course, now: int) -> Job:
        return await self._jobs.save(job, msgspec.json.encode(course), now)


def body_of(told: Webhook) -> bytes:
    """Return the body of a message: type, timestamp and data, as Standard Webhooks has it."""
    data: dict[str, object] = {"case": told.case, "number": told.number}
    if told.late is not None:
        data["late"] = told.late
    at = datetime.fromtimestamp(told.at / 1000, UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode({"type": told.type, "timestamp": at, "data": data})
