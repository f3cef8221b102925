"""A decision is contested: once by its subject, once by each reporter; somebody else decides."""

from typing import Any, Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review import notices
from halfdoor.readers.review.case_changes import CaseChanges, found
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.choices import Choice
from halfdoor.readers.review.conflicts import deciders_of
from halfdoor.readers.review.contests import (
    APPEALED,
    APPEALS_QUEUE,
    JUDGED,
    Appealed,
    Contest,
    Judged,
    appealed_in,
    check_in_time,
    check_stands,
    checked_text,
    contest_case,
    contest_id,
    decision_in,
    judged_in,
)
from halfdoor.readers.review.errors import (
    AppealRefusedError,
    ConflictOfInterestError,
    ReviewError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.leases import UNDECIDED, check_held, is_held_by
from halfdoor.readers.review.merging import family
from halfdoor.readers.review.moves import checked_reason
from halfdoor.readers.review.notice_body import body_of
from halfdoor.readers.review.notices import CHANGED, STAYS
from halfdoor.readers.review.queue_roles import may_see
from halfdoor.readers.review.records import Case, CaseKind, CaseState, ModerationEvent, StaffEntry
from halfdoor.readers.review.replay import replay
from halfdoor.readers.review.rulings import ANSWERED, Answer, answer_in
from halfdoor.readers.review.store import DeskChange, DeskStore, QueuePage
from halfdoor.readers.review.telling import answered_task

_SUBJECTS: Final = (notices.STATEMENT, notices.WARNING)
_LISTED: Final = 200


class Decisions(Protocol):
    """What an answer does, beside being given (`decisions.Decisions`)."""

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        """Decide a case; `SecondPersonError` once the proposal is kept."""

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Undo all of a decision that was wrong."""


class Ties(Protocol):
    """Refuses whoever is too close to a case (`conflicts.Conflicts`)."""

    async def check(self, staff: StaffMember, case: Case) -> None:
        """`ConflictOfInterestError` for whoever took part, or knows one of the people."""


@final
class Appeals:
    """Takes appeals and complaints, and the answers to them."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        review: Review,
        decisions: Decisions,
        conflicts: Ties,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._review = review
        self._decisions = decisions
        self._conflicts = conflicts
        self._clock = clock
        self._changes = CaseChanges(desk)

    # --- people ---------------------------------------------------------------------------------

    async def appeal(self, user: str, notice_id: str, text: str) -> Case:
        """Let *user*, the subject, contest the decision that notice *notice_id* tells them of.

        `UnknownCaseError` for a notice of somebody else, or not shown yet; `AppealRefusedError`
        where it is no decision, too late, or contested already.
        """
        now = self._clock.now_ms()
        notice = await self._desk.notice(user, notice_id)
        if notice is None or notice.show_at > now:
            raise UnknownCaseError("There is no such notice.")
        said = checked_text(self._review, text)
        origin = await found(self._desk, notice.case)
        if notice.kind not in _SUBJECTS or origin.subject != user:
            raise AppealRefusedError("There is no decision here to contest.")
        check_in_time(body_of(notice).contest_until, now)
        check_stands(await self._desk.events(origin.id))
        return await self._open(CaseKind.APPEAL, origin, user, Appealed(text=said, about=notice.id))

    async def complain(self, user: str, report_id: str, text: str) -> Case:
        """Let *user*, who reported, contest what became of their report.

        `UnknownCaseError` for a report of somebody else; `AppealRefusedError` before they were told
        what became of it, too late, or where they complained already.
        """
        now = self._clock.now_ms()
        report = await self._desk.report(report_id)
        if report is None or report.reporter != user:
            raise UnknownCaseError("There is no such report.")
        said = checked_text(self._review, text)
        origin = await self._deciding(await found(self._desk, report.case))
        events = await self._desk.events(origin.id)
        decision = decision_in(events)
        # Only what somebody was told can be contested: before that nobody may learn of it.
        name = decision.id if decision is not None else ""
        outcome = notices.notice_id(notices.OUTCOME, f"{name} {report.hidden}", user)
        told = await self._desk.notice(user, outcome)
        if decision is None or told is None or told.show_at > now:
            raise AppealRefusedError("There is no decision here to contest yet.")
        check_in_time(body_of(told).contest_until, now)
        about = Appealed(text=said, about=report.id)
        return await self._open(CaseKind.COMPLAINT, origin, user, about)

    # --- staff ----------------------------------------------------------------------------------

    async def waiting(self, staff: StaffMember) -> list[Contest]:
        """Return what waits for an answer, least time left first, without anybody's words."""
        page = QueuePage(queues=(APPEALS_QUEUE,), states=UNDECIDED, limit=_LISTED)
        listed = [one for one in await self._desk.queue(page) if may_see(self._review, staff, one)]
        return [await self._contest(staff, one, open_words=False) for one in listed]

    async def look(self, staff: StaffMember, case: str) -> Contest:
        """Return one of them; who holds it sees the words, which the staff log says first.

        Raises `ConflictOfInterestError`, and `UnknownCaseError` for what is no contest.
        """
        one = await self._found(staff, case)
        await self._conflicts.check(staff, one)
        return await self._contest(staff, one, open_words=True)

    async def judge(self, staff: StaffMember, case: str, choice: Choice) -> Contest:
        """Keep what *staff* would have decided; from then on they are shown the first reasons."""
        await self._found(staff, case)

        async def note(one: Case) -> DeskChange | None:
            now = self._clock.now_ms()
            check_held(one, staff.id, now)
            await self._conflicts.check(staff, one)
            if judged_in(await self._desk.events(one.id), staff.id) is not None:
                # The first judgement is the one that was made without knowing.
                return None
            detail = msgspec.json.encode(Judged(choice=choice))
            return DeskChange(cases=(one,), events=(_event(one, now, JUDGED, staff.id, detail),))

        return await self._contest(staff, await self._changes.change(case, note), open_words=True)

    async def answer(self, staff: StaffMember, case: str, uphold: bool, reason: str) -> Case:
        """Let the decision stand, or overturn it; return the contest, which is over then.

        An appeal that is overturned restores everything. A complaint that is overturned does what
        *staff* judged for themselves, which may need a second person (`SecondPersonError`). Raises
        `ConflictOfInterestError` for whoever took part in the decision, `NotHeldError`.
        """
        why = checked_reason(reason)
        one = await self._found(staff, case)
        check_held(one, staff.id, self._clock.now_ms())
        await self._check_other_person(staff, one)
        if not uphold and one.kind is CaseKind.COMPLAINT:
            choice = judged_in(await self._desk.events(one.id), staff.id)
            if choice is None:
                raise ReviewError("Say first what is to be done instead.")
            if not choice.acts:
                raise ReviewError("You judged that nothing is to be done: so it stands.")
            return await self._decisions.decide(staff, one.id, replace(choice, reports=None))
        if not uphold:
            # First undone, then said: after a crash in between it is answered once more.
            await self._undo(staff, one, why)
        outcome = STAYS if uphold else CHANGED

        async def end(newest: Case) -> DeskChange | None:
            if answer_in(await self._desk.events(newest.id)) is not None:
                return None
            now = self._clock.now_ms()
            check_held(newest, staff.id, now)
            return self._ended(newest, staff, outcome, why, now)

        return await self._changes.change(case, end)

    # --- inside ---------------------------------------------------------------------------------

    async def _open(self, kind: CaseKind, origin: Case, user: str, about: Appealed) -> Case:
        decision = decision_in(await self._desk.events(origin.id))
        if decision is None or origin.kind is kind:
            # Also what came of a contest of this kind: once is enough.
            raise AppealRefusedError("There is no decision here to contest.")
        now = self._clock.now_ms()
        name = contest_id(kind, decision.id, user)
        if await self._desk.case(name) is not None:
            raise AppealRefusedError("You contested this already.")
        case = contest_case(self._review, name, kind, origin, user, new_case_key(), now)
        begun = _event(case, now, APPEALED, user, msgspec.json.encode(about))
        try:
            return (await self._desk.commit(DeskChange(cases=(case,), events=(begun,))))[0]
        except StaleCaseError:
            # The same was asked twice at the same moment.
            raise AppealRefusedError("You contested this already.") from None

    async def _deciding(self, case: Case) -> Case:
        """Return the case that decided a report: the one that its own was merged into."""
        while case.merged_into is not None:
            case = await found(self._desk, case.merged_into)
        return case

    async def _found(self, staff: StaffMember, case: str) -> Case:
        one = await found(self._desk, case)
        if one.kind is CaseKind.REPORT or not may_see(self._review, staff, one):
            raise UnknownCaseError("There is no such appeal or complaint.")
        return one

    async def _check_other_person(self, staff: StaffMember, case: Case) -> None:
        """Refuse whoever took part in what is contested, and whoever knows one of the people."""
        if staff.id in await self._deciders(case):
            raise ConflictOfInterestError(
                "You took part in the decision that is contested here: another person decides."
            )
        await self._conflicts.check(staff, case)

    async def _deciders(self, case: Case) -> frozenset[str]:
        if case.origin is None:
            return frozenset()
        origin = await found(self._desk, case.origin)
        who: frozenset[str] = frozenset()
        for one in await family(self._desk, origin):
            who |= deciders_of(one, await self._desk.events(one.id))
        return who

    async def _undo(self, staff: StaffMember, case: Case, why: str) -> None:
        assert case.origin is not None  # noqa: S101  # every contest is made with one
        events = await self._desk.events(case.origin)
        if replay(events).decision is not None:
            await self._decisions.reverse(staff, case.origin, why)

    def _ended(
        self, case: Case, staff: StaffMember, outcome: str, why: str, now: int
    ) -> DeskChange:
        detail = msgspec.json.encode(Answer(outcome=outcome, reason=why))
        over = replace(
            case,
            state=CaseState.DECIDED,
            holder=None,
            lease_until=0,
            decided_by=staff.id,
            decided_at=now,
        )
        line = StaffEntry(
            at=now, staff=staff.id, what="answer", case=case.id, about=outcome, reason=why
        )
        return DeskChange(
            cases=(over,),
            events=(_event(case, now, ANSWERED, staff.id, detail),),
            log=(line,),
            tasks=(answered_task(case.id, now),),
        )

    async def _contest(self, staff: StaffMember, case: Case, *, open_words: bool) -> Contest:
        events = await self._desk.events(case.id)
        begun = appealed_in(events)
        if begun is None:
            raise UnknownCaseError("There is no such appeal or complaint.")
        event, said = begun
        now = self._clock.now_ms()
        judged = judged_in(events, staff.id)
        text, original = None, None
        if open_words and is_held_by(case, staff.id, now):
            # Words of a person, as a reported message is: the log has it before they are shown.
            line = StaffEntry(at=now, staff=staff.id, what="read_appeal", case=case.id)
            await self._desk.commit(DeskChange(log=(line,)))
            text = said.text
            if judged is not None and case.origin is not None:
                original = decision_in(await self._desk.events(case.origin))
        return Contest(
            case=case,
            by=event.actor,
            at=event.at,
            text=text,
            judged=judged,
            original=original,
            own=staff.id in await self._deciders(case),
        )


def _event(case: Case, now: int, kind: str, actor: str, detail: Any) -> ModerationEvent:
    return ModerationEvent(case=case.id, n=0, at=now, kind=kind, actor=actor, detail=detail)
