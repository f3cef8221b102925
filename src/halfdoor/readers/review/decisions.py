"""Decisions: made by whoever holds the case, by two people where that is due, and taken back."""

import secrets
from collections.abc import Callable
from typing import Final, Protocol, final

import msgspec

from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review import judging
from halfdoor.readers.review.case_changes import CaseChanges, found
from halfdoor.readers.review.choices import (
    Choice,
    Decision,
    Proposal,
    check_choice,
    check_second,
    needs_second,
    offered,
)
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.errors import (
    ChoiceRefusedError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.leases import check_free, check_held, is_held_by
from halfdoor.readers.review.moves import checked_reason
from halfdoor.readers.review.queue_roles import LEAD, check_role
from halfdoor.readers.review.reach import Company, is_pair, reach_of
from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.readers.review.replay import Story, replay
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.readers.review.strikes import Suggestion, standing_strikes, suggest
from halfdoor.safety.ages import band_of, is_minor
from halfdoor.safety.measures import Kind, Strike

_HOUR_MS: Final = 3_600_000
# A timer may go off a moment early by the clock that the work is due by.
_MARGIN_MS: Final = 20


class People(Protocol):
    """Where ages are known."""

    async def person(self, user: str) -> PersonRecord:
        """Return what is known of *user*; nothing is a record without facts."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen with one reason, and what the ladder suggests."""

    reason: Reason
    kinds: tuple[Kind, ...]
    suggestion: Suggestion


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen in a case; `minor` says that whatever is done needs a second person."""

    offers: tuple[Offer, ...]
    strikes: tuple[Strike, ...]
    minor: bool


@final
class Decisions:
    """Takes decisions. All that follows from one is work that becomes durable with it."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        review: Review,
        conflicts: Conflicts,
        people: People,
        company: Company,
        clock: Clock,
        below: Callable[[int], int] = secrets.randbelow,
        soon: Callable[[int], None] = lambda _after_ms: None,
    ) -> None:
        """*below* returns a random number from 0 up to its argument, which nobody can foresee.

        *soon* is told in how many ms work is due, so that it need not wait for the next look.
        """
        self._soon = soon
        self._desk = desk
        self._review = review
        self._conflicts = conflicts
        self._people = people
        self._company = company
        self._clock = clock
        self._below = below
        self._changes = CaseChanges(desk)

    # --- looking ------------------------------------------------------------------------------

    async def options(self, staff: StaffMember, case: str) -> Options:
        """Return what *staff* may choose in *case*; nothing is opened for it."""
        at = await found(self._desk, case)
        await self._check_may(staff, at)
        strikes = await self._strikes(at)
        offers = []
        for reason in self._review.reasons:
            kinds = offered(self._review, staff, at, reason, len(strikes))
            if kinds:
                next_rung = suggest(self._review, reason, strikes)
                offers.append(Offer(reason=reason, kinds=kinds, suggestion=next_rung))
        minor = await self._is_minor(at.subject)
        return Options(offers=tuple(offers), strikes=strikes, minor=minor)

    async def preview(self, staff: StaffMember, case: str, choice: Choice) -> Decision:
        """Return *choice* as the decision that it would be now; nothing is kept."""
        at = await found(self._desk, case)
        await self._check_may(staff, at)
        reason = await self._check(staff, at, choice)
        return await self._made(at, choice, reason, "preview", staff.id, None)

    async def proposal(self, staff: StaffMember, case: str) -> Proposal:
        """Return the choice that waits for a second person; `UnknownCaseError` for none."""
        at = await found(self._desk, case)
        await self._check_may(staff, at)
        waits = (await self._story(at)).proposal
        if waits is None:
            raise UnknownCaseError("Nothing waits for a second person here.")
        return waits

    async def story(self, case: str) -> Story:
        """Return what the events of *case* come to."""
        return await self._story(await found(self._desk, case))

    # --- deciding -----------------------------------------------------------------------------

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        """Decide *case*, which *staff* holds, and return it.

        Where a second person is due the choice is kept for them, and `SecondPersonError` says so.
        `NotHeldError`, `StaleCaseError`, `RoleError`, `ConflictOfInterestError`,
        `ChoiceRefusedError`.
        """
        name, waits = _new_id(), False

        async def judge(at: Case) -> DeskChange:
            nonlocal waits
            now = self._clock.now_ms()
            check_held(at, staff.id, now)
            if at.kind is CaseKind.APPEAL:
                raise ChoiceRefusedError("An appeal is upheld or overturned.")
            if at.state is CaseState.SECOND:
                raise StaleCaseError("This case waits for a second person: agree or disagree.")
            if choice.reports is not None and choice.reports != at.reports:
                raise StaleCaseError("A report came in meanwhile: look at it first.")
            await self._check_may(staff, at)
            reason = await self._check(staff, at, choice)
            waits = needs_second(choice, minor=await self._is_minor(at.subject))
            if waits:
                return judging.proposed(at, staff, choice, name, now)
            return judging.decided(at, await self._made(at, choice, reason, name, staff.id, None))

        after = await self._changes.change(case, judge)
        if waits:
            raise SecondPersonError("This needs a second person: it waits for them now.")
        return self._hurried(after)

    async def confirm(self, staff: StaffMember, case: str, proposal: str | None = None) -> Case:
        """Agree with what another person proposed: it is decided with that.

        *proposal* is the id of the one that was looked at. `SecondPersonError` for who proposed it,
        `StaleCaseError` where nothing waits, or something else by now.
        """
        name = _new_id()

        async def judge(at: Case) -> DeskChange:
            waits = await self._waiting(staff, at)
            if proposal is not None and waits.id != proposal:
                raise StaleCaseError("Another decision was proposed meanwhile: look at it first.")
            check_second(staff, waits.by, waits.people)
            reason = await self._check(staff, at, waits.choice)
            made = await self._made(at, waits.choice, reason, name, waits.by, staff.id)
            return judging.decided(at, made)

        return self._hurried(await self._changes.change(case, judge))

    async def refuse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Disagree with what another person proposed: the case is open again."""
        why = checked_reason(reason)

        async def judge(at: Case) -> DeskChange:
            waits = await self._waiting(staff, at)
            check_second(staff, waits.by, waits.people)
            escalated = (await self._story(at)).escalated
            now = self._clock.now_ms()
            return judging.refused(at, staff.id, waits, why, now, escalated=escalated)

        return await self._changes.change(case, judge)

    # --- taking back --------------------------------------------------------------------------

    async def undo(self, staff: StaffMember, case: str) -> Case:
        """Take one's own decision back, within the seconds of the policy, or one's own proposal.

        The case is in the hands of *staff* again. `StaleCaseError` once the time is over.
        """

        async def judge(at: Case) -> DeskChange:
            now = self._clock.now_ms()
            story = await self._story(at)
            waits = story.proposal
            if at.state is CaseState.SECOND and waits is not None and waits.by == staff.id:
                check_free(at, staff.id, now)
                return judging.withdrawn(self._review, at, staff.id, waits, now)
            if at.state is not CaseState.DECIDED:
                raise StaleCaseError("There is no decision to take back.")
            decision = judging.check_undoable(story.decision, staff.id, now)
            return judging.undone(self._review, at, staff.id, decision, now)

        return self._hurried(await self._changes.change(case, judge))

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """End all that a decision did, because it was wrong: another person than who decided.

        That is a lead (of the vault somebody of its own), or whoever holds an appeal against it.
        Also one whose measures ended long ago: its strike goes with it. `RoleError`,
        `SecondPersonError`, `StaleCaseError` where no decision stands.
        """
        why = checked_reason(reason)

        async def judge(at: Case) -> DeskChange:
            appealed = await self._holds_appeal(staff, at)
            check_role(self._review, staff, at, None if appealed else LEAD)
            await self._conflicts.check(staff, at)
            decision = (await self._story(at)).decision
            if decision is None:
                raise StaleCaseError("No decision stands here.")
            check_second(staff, decision.by)
            check_second(staff, decision.second or "")
            return judging.reversed_(at, staff.id, decision, why, self._clock.now_ms())

        return self._hurried(await self._changes.change(case, judge))

    # --- inside -------------------------------------------------------------------------------

    async def _check_may(self, staff: StaffMember, case: Case) -> None:
        story = await self._story(case)
        check_role(self._review, staff, case, LEAD if story.escalated else None)
        await self._conflicts.check(staff, case)

    async def _holds_appeal(self, staff: StaffMember, case: Case) -> bool:
        """Tell whether *staff* is the one who judges an appeal against the decision of *case*."""
        now = self._clock.now_ms()
        return any(
            one.kind is CaseKind.APPEAL and one.origin == case.id and is_held_by(one, staff.id, now)
            for one in await self._desk.held_by(staff.id)
        )

    def _hurried(self, case: Case) -> Case:
        """Return *case*, whose work is due at once, or once nobody can take the decision back."""
        self._soon(0)
        if case.state is CaseState.DECIDED:
            self._soon(self._review.desk.undo_seconds * 1000 + _MARGIN_MS)
        return case

    async def _waiting(self, staff: StaffMember, case: Case) -> Proposal:
        """Return the proposal that *staff* may judge; `StaleCaseError` where none waits."""
        await self._check_may(staff, case)
        waits = (await self._story(case)).proposal
        if case.state is not CaseState.SECOND or waits is None:
            raise StaleCaseError("Nothing waits for a second person here.")
        check_free(case, staff.id, self._clock.now_ms())
        return waits

    async def _check(self, staff: StaffMember, case: Case, choice: Choice) -> Reason | None:
        return check_choice(
            self._review,
            staff,
            case,
            choice,
            written=(await reach_of(self._desk, case)).written,
            strikes=len(await self._strikes(case)),
        )

    async def _made(
        self,
        case: Case,
        choice: Choice,
        reason: Reason | None,
        name: str,
        by: str,
        second: str | None,
    ) -> Decision:
        pair = await is_pair(await reach_of(self._desk, case), self._company)
        longest = self._review.desk.jitter_hours * _HOUR_MS
        return judging.decision_of(
            self._review,
            case,
            choice,
            reason,
            id=name,
            by=by,
            second=second,
            now=self._clock.now_ms(),
            pair=pair,
            delay=self._below(longest + 1) if pair else 0,
        )

    async def _strikes(self, case: Case) -> tuple[Strike, ...]:
        now = self._clock.now_ms()
        return await standing_strikes(self._desk, self._review, case.subject, now)

    async def _is_minor(self, user: str) -> bool:
        return is_minor(band_of((await self._people.person(user)).age_band))

    async def _story(self, case: Case) -> Story:
        return replay(await self._desk.events(case.id))


def _new_id() -> str:
    return f"dec_{secrets.token_urlsafe(16)}"
