"""A person is erased: at once as far as they can tell, and row by row until nothing is left."""

import contextlib
from typing import Any, Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.deactivate import Deactivate
from halfdoor.accounts.errors import ErasedError, NotFoundError
from halfdoor.accounts.people import People
from halfdoor.accounts.store import AccountStore
from halfdoor.clock import Clock
from halfdoor.ids import bucket
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.errors import MessagingError
from halfdoor.messaging.farewell import Farewell
from halfdoor.messaging.keep import BusyError
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.desk_erasing import Keeping, Left
from halfdoor.store.erasing import (
    BLOCKS,
    CONTACTS,
    PEOPLE,
    QUEUE,
    SIGNATURES,
    Erased,
    ErasureStore,
    Scan,
)
from halfdoor.store.jobs import Job, JobStore

# What an attempt to leave is repeated after, where it could not be written.
_AGAIN_MS: Final = 60_000
# How often a conversation that is held is asked whether it still is.
_HELD_MS: Final = 3_600_000
_AT_ONCE: Final = 8
_DAY_MS: Final = 86_400_000


class Remembered(Protocol):
    """Whoever remembers somebody."""

    def forget(self, user: str) -> None:
        """Forget what is remembered of *user*."""


class OwnedFiles(Protocol):
    """Whoever knows of people's files."""

    async def leave(self, user: str) -> bool:
        """Let some files of *user* be nobody's; tell whether there are more."""


class Course(msgspec.Struct, frozen=True, array_like=True):
    """How far an erasure has come: the payload of its job.

    `stage` counts `Erasing`'s, `k` conversations of the room list, `seq` events of one, `after` is
    the key of the last row of others looked at. `held` are conversations under a hold, in which
    wraps have to stay for now.
    """

    user: str
    messages: bool
    stage: int = 0
    k: int = 0
    seq: int = 0
    after: tuple[Any, ...] = ()
    held: tuple[str, ...] = ()
    # Of this round of leaving, whether anything could not be left.
    stuck: bool = False
    wait: int = 0


@final
class Erasing:
    """Erases people, each as a job that goes on after a crash where it stood."""

    def __init__(
        self,
        *,
        store: ErasureStore,
        jobs: JobStore,
        accounts: AccountStore,
        deactivate: Deactivate,
        people: People,
        farewell: Farewell,
        remembered: Remembered,
        files: OwnedFiles,
        clock: Clock,
        preserved_days: int = 365,
        contested_days: int = 183,
    ) -> None:
        """Take what each stage needs.

        Cases of child safety stay for *preserved_days*, and reports by whoever is erased for
        *contested_days* after they were decided.
        """
        self._preserved_ms = preserved_days * _DAY_MS
        self._contested_ms = contested_days * _DAY_MS
        self._store = store
        self._jobs = jobs
        self._accounts = accounts
        self._deactivate = deactivate
        self._people = people
        self._farewell = farewell
        self._remembered = remembered
        self._files = files
        self._clock = clock
        self._stages = (
            self._close,
            self._leave,
            self._redact,
            self._forget,
            self._blocks,
            self._guardians,
            self._contact_events,
            self._contacts_closed,
            self._connections,
            self._inbox,
            # New stages stand here, or jobs under way would leave one out.
            self._device_lists,
            self._signatures,
            self._media,
            self._desk,
            self._rest,
            self._release,
        )

    async def state(self, user: str) -> Erased | None:
        """Return how far the erasure of *user* has come, None where nobody asked for it."""
        return await self._store.state(user)

    async def begin(self, user: str, *, messages: bool) -> Erased:
        """Let *user* be erased, with what they wrote where *messages*; `NotFoundError`.

        When this returns they are signed out everywhere, their keys are destroyed, and nobody takes
        their name again; the rest follows by itself. What was asked first counts.
        """
        asked = await self._store.state(user)
        if asked is not None:
            return asked
        if not await self._people.exists(user):
            raise NotFoundError("there is no such person")
        now = self._clock.now_ms()
        course = Course(user=user, messages=messages)
        job = Job(
            ub=bucket(user),
            id=self._store.name(user),
            queue=QUEUE,
            run_at=now,
            payload=_encode(course),
        )
        # 1. Whatever happens from here on, it will be finished.
        await self._store.ask(user, job)
        # 2. At once: no session, no key. The job does it once more, should this be cut off.
        await self._close(course)
        return await self._store.state(user) or Erased(now, None)

    async def step(self, job: Job, now: int) -> Job | None:
        """Do a part of one stage and return how the job stands; None once nothing is left."""
        course = msgspec.msgpack.decode(job.payload, type=Course)
        # As at the beginning of a request: others may have changed what is remembered.
        await self._people.look_anew([course.user])
        after = await self._stages[course.stage](replace(course, wait=0))
        if after is None:
            await self._jobs.end(job)
            return None
        return await self._jobs.save(job, _encode(after), now + after.wait)

    # --- the stages, in their order -----------------------------------------------------------

    async def _close(self, at: Course) -> Course:
        # Whom only the platform named has no account; and one whose rows somebody changed without
        # the key lets nobody in, and is deleted like any other.
        with contextlib.suppress(NotFoundError, RowMacError):
            await self._deactivate.close(at.user)
        self._people.forget(at.user)
        return _next(at)

    async def _leave(self, at: Course) -> Course:
        rooms = await self._store.rooms(at.user, at.k, _AT_ONCE)
        stuck = at.stuck
        for room in rooms:
            if room.membership in {"join", "invite"}:
                try:
                    await self._farewell.leave(at.user, room.conv)
                except (MessagingError, ContactRefused, BusyError, NoEscrowSetError):
                    stuck = True
        if rooms:
            return replace(at, k=rooms[-1].k, stuck=stuck)
        # Nothing is deleted while others still see the person among them.
        return replace(at, k=0, stuck=False, wait=_AGAIN_MS) if stuck else _next(at)

    async def _redact(self, at: Course) -> Course:
        rooms = await self._store.rooms(at.user, at.k, 1)
        if not rooms:
            return _next(at)
        seq = await self._farewell.redact(at.user, rooms[0].conv, at.seq, messages=at.messages)
        return replace(at, k=rooms[0].k, seq=0) if seq is None else replace(at, seq=seq)

    async def _forget(self, at: Course) -> Course:
        rooms = await self._store.rooms(at.user, at.k, _AT_ONCE)
        if not rooms:
            return _next(at)
        held = [r.conv for r in rooms if not await self._store.forget_in(at.user, r.conv)]
        return replace(at, k=rooms[-1].k, held=(*at.held, *held))

    async def _blocks(self, at: Course) -> Course:
        rows = await self._store.scan(BLOCKS, at.after or BLOCKS.before)
        for _, user, peer in rows:
            if peer == at.user:
                await self._people.unblock(user, peer)
        return _after(at, rows)

    async def _guardians(self, at: Course) -> Course:
        rows = await self._store.scan(PEOPLE, at.after or PEOPLE.before)
        for one in await self._records([user for _, user in rows]):
            changed: dict[str, object] = {}
            if one.guardian == at.user:
                changed["guardian"] = None
            if at.user in one.guardian_allows:
                changed["guardian_allows"] = tuple(
                    each for each in one.guardian_allows if each != at.user
                )
            if changed:
                # Somebody else who is being erased has no facts to be mended.
                with contextlib.suppress(ErasedError):
                    await self._people.change({one.user: changed})
        return _after(at, rows)

    async def _contact_events(self, at: Course) -> Course:
        return await self._of_others(at, CONTACTS[0])

    async def _contacts_closed(self, at: Course) -> Course:
        return await self._of_others(at, CONTACTS[1])

    async def _device_lists(self, at: Course) -> Course:
        rooms = await self._store.rooms(at.user, at.k, _AT_ONCE)
        for room in rooms:
            await self._store.unname_in(at.user, room.conv)
        return replace(at, k=rooms[-1].k) if rooms else _next(at)

    async def _signatures(self, at: Course) -> Course:
        return await self._of_others(at, SIGNATURES)

    async def _connections(self, at: Course) -> Course:
        peers = await self._store.peers(at.user, _AT_ONCE)
        for peer in peers:
            await self._people.disconnect(at.user, peer)
        return at if peers else _next(at)

    async def _inbox(self, at: Course) -> Course:
        return at if await self._store.drop_some(at.user) else _next(at)

    async def _media(self, at: Course) -> Course:
        # Their blobs go with the next sweep, once nobody else may read them.
        return at if await self._files.leave(at.user) else _next(at)

    async def _desk(self, at: Course) -> Course:
        return at if await self._leave_desk(at.user) is Left.MORE else _next(at)

    async def _rest(self, at: Course) -> Course:
        if not await self._store.drop_rest(at.user):
            # An invitation that was on its way when all this began.
            return replace(at, stage=self._stages.index(self._leave), k=0)
        self._people.forget(at.user)
        self._remembered.forget(at.user)
        await self._store.finish(at.user, self._clock.now_ms())
        return _next(at)

    async def _release(self, at: Course) -> Course | None:
        """Delete what a hold kept, and a case that had to stay, once that has ended."""
        held = [conv for conv in at.held if not await self._store.forget_in(at.user, conv)]
        desk = await self._leave_desk(at.user)
        if desk is Left.MORE:
            return replace(at, held=tuple(held))
        waits = held or desk is Left.STAYS
        return replace(at, held=tuple(held), wait=_HELD_MS) if waits else None

    # --- inside -------------------------------------------------------------------------------

    async def _leave_desk(self, user: str) -> Left:
        now = self._clock.now_ms()
        keeping = Keeping(now - self._preserved_ms, now - self._contested_ms)
        return await self._store.leave_desk(user, keeping)

    async def _of_others(self, at: Course, scan: Scan) -> Course:
        rows = await self._store.scan(scan, at.after or scan.before)
        await self._store.drop_scanned(scan, [row for row in rows if row[scan.names] == at.user])
        return _after(at, rows)

    async def _records(self, users: list[str]) -> list[Any]:
        """Return the records of *users*; one that was changed from outside is passed over."""
        try:
            return list((await self._accounts.persons(users)).values())
        except RowMacError:
            found: list[Any] = []
            for user in users:
                with contextlib.suppress(RowMacError):
                    found += (await self._accounts.persons([user])).values()
            return found


def _next(at: Course) -> Course:
    return replace(at, stage=at.stage + 1, k=0, seq=0, after=())


def _after(at: Course, rows: Any) -> Course:
    """Return the course after *rows* of others, which end where there are no more."""
    return replace(at, after=tuple(rows[-1])) if rows else _next(at)


def _encode(course: Course) -> bytes:
    return msgspec.msgpack.encode(course)
