"""Opening what was reported, one thing at a time: the log says so first, and then it opens."""

import asyncio
import enum
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review import asking
from halfdoor.readers.review.case_changes import CaseChanges, found
from halfdoor.readers.review.case_material import Material
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.errors import UnknownCaseError
from halfdoor.readers.review.evidence_opening import EvidenceOpener, Opened
from halfdoor.readers.review.file_opening import FileOpener, RevealedFile
from halfdoor.readers.review.leases import check_held
from halfdoor.readers.review.megolm_evidence import Proof
from halfdoor.readers.review.merging import gathered, material
from halfdoor.readers.review.moves import checked_reason, happened
from halfdoor.readers.review.person_labels import person_called
from halfdoor.readers.review.priorities import escalated_to, is_severe
from halfdoor.readers.review.queue_roles import LEAD, check_role
from halfdoor.readers.review.records import Case, Evidence, ModerationEvent, Report, StaffEntry
from halfdoor.readers.review.staff_days import REVEAL, StaffDays
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.readers.review.vault import check_view
from halfdoor.readers.review.wellness import check_budget, check_severe_budget
from halfdoor.sealing.labels import Denied

NOTE: Final = "org.halfdoor.note"
Thing = TypeVar("Thing", Evidence, Evidence | Report)


class Verdict(enum.Enum):
    """What is certain of what is shown."""

    # It opened, is what its conversation holds at that place, and what the reporter's receipt
    # lists.
    GENUINE = "genuine"
    # It opened and is what the signed receipt lists; its conversation cannot be asked any more,
    # because retention has ended that day.
    RECEIPT_ONLY = "receipt_only"
    # The reporter typed it: nobody can check it.
    UNVERIFIED = "unverified"
    # It is stored as it was sent, but encrypted end to end, and nothing was handed over that opens
    # it: nobody can check what the report says of it.
    ENCRYPTED = "encrypted"


class Revealed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was opened. `content` is that of the event, as its sender wrote it.

    `by` is the label of the sender; names inside the content stay as they are. `redacted` says that
    it was deleted for the people in the conversation. Of what was encrypted end to end, `proof`
    says how it is known, `loose` are its first characters where the reporter could have chosen
    them, and `hashes` those of files (SHA-256) that the reporter named. `files` is how many of its
    files can be opened, each by another reveal. Nothing of the content is printed.
    """

    id: str
    type: str
    content: dict[str, object]
    by: str
    at: int
    verdict: Verdict
    context: bool = False
    redacted: bool = False
    proof: Proof | None = None
    loose: str = ""
    hashes: tuple[bytes, ...] = ()
    files: int = 0

    def __repr__(self) -> str:
        return f"Revealed({self.id!r}, {self.verdict.value})"


@final
class Reveals:
    """Shows one reported message, or who somebody is, to the one person who holds the case."""

    def __init__(
        self,
        store: DeskStore,
        review: Review,
        clock: Clock,
        conflicts: Conflicts,
        days: StaffDays,
        opener: EvidenceOpener,
        files: FileOpener | None = None,
    ) -> None:
        self._files = files
        self._store = store
        self._review = review
        self._clock = clock
        self._conflicts = conflicts
        self._days = days
        self._opener = opener
        self._changes = CaseChanges(store)
        # Of one person one thing after the other: two at once would share the last of a budget.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def reveal(self, staff: StaffMember, case: str, evidence: str, reason: str) -> Revealed:
        """Show *evidence* of *case* to *staff*, who says for what *reason*.

        *evidence* is the id of a piece of evidence, or of a report whose note is to be read. Raises
        `UnknownCaseError` for anything that is not of this case, `RoleError`, `NotHeldError` where
        the lease has ended, `ConflictOfInterestError`, `BreakError`; `Denied` where it is not what
        was stored, which stands in the case's events from then on.
        """
        known, thing = await self._asked(staff, case, reason, lambda known: known.thing(evidence))
        # 5. Open. What is not as it was stored is refused, and the case says so.
        if isinstance(thing, Report):
            return _note(thing, known.labels()[thing.reporter])
        return await self._opened(staff, known, thing)

    async def reveal_file(
        self, staff: StaffMember, case: str, evidence: str, number: int, reason: str
    ) -> RevealedFile:
        """Open file *number* (from 0) of *evidence*: another reveal, logged by itself.

        Refuses as `reveal` does, and where the law lets nobody view pictures of such a case.
        """
        files = self._files
        if files is None:
            raise UnknownCaseError("There is no such file in this case.")
        known, thing = await self._asked(
            staff, case, reason, lambda known: known.with_file(evidence, number), number
        )
        try:
            message = await self._opener.open(thing)
            owner = await self._store.case(thing.case)
            opening = partial(files.open, owner, thing, thing.files[number], message.content)
            opened = await opening()
        except Denied:
            await self._note_denied(staff, known.case, thing)
            raise
        return RevealedFile(opened.type, opened.size, opening)

    async def _asked(
        self,
        staff: StaffMember,
        case: str,
        reason: str,
        pick: Callable[[Material], Thing],
        file: int | None = None,
    ) -> tuple[Material, Thing]:
        """Return what *pick* takes of the case, once the log says who asks for it, and why."""
        why = checked_reason(reason)
        asked: list[tuple[Material, Thing]] = []

        async def judge(current: Case) -> DeskChange:
            now = self._clock.now_ms()
            # 1. Who asks: their role, their hold on the case, their distance to it.
            await self._check(staff, current, now)
            check_view(staff, current, self._review, media=file is not None)
            # 2. For what: something that was handed over in this case, or one merged into it.
            known = await self._material(current)
            thing = pick(known)
            about, part = thing.id, {}
            if file is not None:
                about, part = f"{thing.id}/{file}", {"file": str(file)}
            # 3. How much today: of the worst there is less.
            await self._check_budget(staff, current, now)
            asked[:] = [(known, thing)]
            line = StaffEntry(
                at=now, staff=staff.id, what=REVEAL, case=current.id, about=about, reason=why
            )
            event = happened(
                current, now, "revealed", staff.id, evidence=thing.id, reason=why, **part
            )
            return DeskChange(cases=(current,), events=(event,), log=(line,))

        async with self._turns[staff.id]:
            # 4. Log: durable, and only while the case is as it was judged. A crash after this
            # leaves a line about something nobody saw; the other order would leave a sight nobody
            # logged.
            await self._changes.change(case, judge)
        return asked[0]

    async def unmask(self, staff: StaffMember, case: str, label: str, reason: str) -> str:
        """Return the user id behind *label* in *case*, once the log says who asked, and why."""
        why = checked_reason(reason)
        named: list[str] = []

        async def judge(current: Case) -> DeskChange:
            now = self._clock.now_ms()
            await self._check(staff, current, now)
            user = person_called(label, (await self._material(current)).labels())
            if user is None:
                raise UnknownCaseError("There is nobody of that label in this case.")
            named[:] = [user]
            line = StaffEntry(
                at=now, staff=staff.id, what="unmask", case=current.id, about=user, reason=why
            )
            event = happened(current, now, "unmasked", staff.id, label=label, user=user, reason=why)
            return DeskChange(cases=(current,), events=(event,), log=(line,))

        await self._changes.change(case, judge)
        return named[0]

    # --- more than was reported -----------------------------------------------------------------

    async def ask_for_more(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Note that *staff*, who holds *case*, wishes to see more, and why; nothing opens by it.

        A lead answers, and where they agree each reporter is asked whether they want to report
        more. What they then choose comes into the case as any report does.
        """
        why = checked_reason(reason)

        async def judge(current: Case) -> DeskChange:
            now = self._clock.now_ms()
            await self._check(staff, current, now)
            return asking.ask(current, staff.id, now, why)

        return await self._changes.change(case, judge)

    async def answer_more(
        self, staff: StaffMember, case: str, reason: str, *, approve: bool
    ) -> Case:
        """Let *staff*, another person with the role of a lead or of the vault, answer that wish.

        `SecondPersonError` for whoever asked, `UnknownCaseError` where nobody asks.
        """
        why = checked_reason(reason)

        async def judge(current: Case) -> DeskChange:
            now = self._clock.now_ms()
            events = await self._store.events(current.id)
            check_role(self._review, staff, current, escalated_to(events) or LEAD)
            await self._conflicts.check(staff, current)
            reports = (await self._material(current)).reports
            return asking.answer(
                current, events, reports, staff.id, now, reason=why, approve=approve
            )

        return await self._changes.change(case, judge)

    async def asked_for_more(self, case: str) -> asking.MoreAsked | None:
        """Return the wish that waits for an answer in *case*, None where there is none."""
        await found(self._store, case)
        return asking.waiting(await self._store.events(case))

    # --- inside ---------------------------------------------------------------------------------

    async def _check(self, staff: StaffMember, case: Case, now: int) -> None:
        """Refuse whoever has no role for *case*, does not hold it, or is too close to it."""
        events: Sequence[ModerationEvent] = await self._store.events(case.id)
        check_role(self._review, staff, case, escalated_to(events))
        check_held(case, staff.id, now)
        await self._conflicts.check(staff, case)

    async def _check_budget(self, staff: StaffMember, case: Case, now: int) -> None:
        """Refuse what is more than a day may hold for *staff*."""
        day = await self._days.of(staff.id, now)
        check_budget(self._review.wellness, day)
        if is_severe(case):
            check_severe_budget(self._review.wellness, day)

    async def _material(self, case: Case) -> Material:
        """Read what whoever holds *case* may read of."""
        cases = await material(self._store, case)
        return Material(
            case,
            await gathered(self._store.reports, cases),
            await gathered(self._store.evidence, cases),
        )

    async def _opened(self, staff: StaffMember, known: Material, item: Evidence) -> Revealed:
        """Open *item*, which the log knows of; note in the case where it does not open."""
        try:
            message = await self._opener.open(item)
        except Denied:
            message = None
        if message is None:
            await self._note_denied(staff, known.case, item)
            raise Denied
        return Revealed(
            id=item.id,
            type=message.type,
            content=msgspec.json.decode(message.content, type=dict[str, object]),
            by=known.labels()[item.sender],
            at=item.ts,
            verdict=_verdict(message),
            context=item.context,
            redacted=item.redacted,
            proof=message.proof,
            loose=message.loose,
            hashes=message.hashes,
            files=len(item.files),
        )

    async def _note_denied(self, staff: StaffMember, case: Case, item: Evidence) -> None:
        """Write down that *item* is not what was stored, and that nobody saw anything of it."""
        now = self._clock.now_ms()
        line = StaffEntry(at=now, staff=staff.id, what="denied", case=case.id, about=item.id)
        event = happened(case, now, "denied", staff.id, evidence=item.id)
        await self._store.commit(DeskChange(events=(event,), log=(line,)))


def _verdict(message: Opened) -> Verdict:
    if message.encrypted and message.proof is None:
        return Verdict.ENCRYPTED
    return Verdict.GENUINE if message.stored else Verdict.RECEIPT_ONLY


def _note(report: Report, by: str) -> Revealed:
    """Return what the reporter wrote; nobody can check it."""
    return Revealed(
        id=report.id,
        type=NOTE,
        content={"body": report.note},
        by=by,
        at=report.at,
        verdict=Verdict.UNVERIFIED,
    )
