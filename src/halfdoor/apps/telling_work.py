"""Work of the queue `tell`: people are told what happened to reports, at least once and not twice.

Each notice has one id and each message in the app follows from it, so a step that a crash cut off
is done again without anybody hearing of it twice.
"""

from typing import Final, Protocol, final

from halfdoor.clock import Clock
from halfdoor.messaging.content import Content
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.server_notices import NoKeyYetError, ServerNotices
from halfdoor.readers.review.notice_body import body_of, in_a_message
from halfdoor.readers.review.records import Notice
from halfdoor.readers.review.store import DeskStore
from halfdoor.readers.review.telling import (
    QUEUE,
    Answered,
    Decided,
    Deliver,
    Telling,
    moment_of,
)
from halfdoor.store.jobs import Job, JobStore

__all__ = ["QUEUE", "TellingWork"]

# How often somebody who never signed in is looked for, and for how long.
_AGAIN_MS: Final = 86_400_000
_GIVE_UP_MS: Final = 365 * 86_400_000


class Accounts(Protocol):
    """Who is still here."""

    async def exists(self, user: str) -> bool:
        """Tell whether anybody of this name was made or signed in."""

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of a person of this name was asked for."""


@final
class TellingWork:
    """Does the jobs of the queue `tell`."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        desk: DeskStore,
        telling: Telling,
        voice: ServerNotices,
        accounts: Accounts,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._desk = desk
        self._telling = telling
        self._voice = voice
        self._accounts = accounts
        self._clock = clock

    async def step(self, job: Job, now: int) -> Job | None:
        """Tell what may be told by now; return the job where more is to be told later."""
        again = await self._tell(job.payload, now)
        if again is None:
            await self._jobs.end(job)
            return None
        return await self._jobs.save(job, job.payload, again)

    async def _tell(self, payload: bytes, now: int) -> int | None:
        moment = moment_of(payload)
        if isinstance(moment, Decided):
            return await self._telling.decided(moment)
        if isinstance(moment, Answered):
            await self._telling.answered(moment)
            return None
        return await self._deliver(moment, now)

    async def _deliver(self, moment: Deliver, now: int) -> int | None:
        notice = await self._desk.notice(moment.user, moment.notice)
        if notice is None or notice.hidden:
            # A hidden one leaves no trace in what the account's screens show.
            return None
        if notice.show_at > now:
            return notice.show_at
        if not await self._is_here(moment.user):
            return None
        try:
            await self._voice.say(moment.user, notice.id, message_of(notice))
        except (NoKeyYetError, NoEscrowSetError):
            # Nothing to seal to, on their side or on ours; by the API they are told all the same.
            return now + _AGAIN_MS if now < notice.show_at + _GIVE_UP_MS else None
        return None

    async def _is_here(self, user: str) -> bool:
        return await self._accounts.exists(user) and not await self._accounts.erased(user)


def message_of(notice: Notice) -> Content:
    """Return the message that shows *notice* in the app, with its id for clients that know us."""
    return {
        # Not m.notice: default push rules would keep it silent.
        "msgtype": "m.text",
        "body": in_a_message(body_of(notice)),
        "org.halfdoor.notice": {"id": notice.id, "kind": notice.kind},
    }
