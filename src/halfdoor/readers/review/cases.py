"""The desk: who works on which case, for how long, and what is known of it unopened."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, final

from msgspec.structs import replace

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review import moves
from halfdoor.readers.review.case_changes import CaseChanges, found
from halfdoor.readers.review.case_view import CaseSummary, CaseView, summary_of, view_of
from halfdoor.readers.review.conflicts import Conflicts, OwnLife
from halfdoor.readers.review.errors import (
    ReviewError,
    SecondPersonError,
)
from halfdoor.readers.review.leases import (
    check_free,
    check_held,
    check_undecided,
    is_held,
    is_held_by,
    lease_ms,
)
from halfdoor.readers.review.merging import check_mergeable, family, gathered, material
from halfdoor.readers.review.offers import WAITING, Offers
from halfdoor.readers.review.priorities import escalated_to, group_of, is_severe
from halfdoor.readers.review.queue_roles import (
    LEAD,
    check_role,
    check_wanted,
    may_see,
)
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent, StaffEntry
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.store import DeskChange, DeskStore, QueuePage
from halfdoor.readers.review.sweeping import Sweeper, Swept, count_alarms
from halfdoor.readers.review.wellness import (
    Meter,
    check_budget,
    meter,
    needs_relief,
)

ALL: Final = QueuePage(queues=(), states=WAITING)
WORST_FIRST: Final = replace(ALL, by_rank=True)


@final
class Cases:
    """Hands out cases: each to one person at a time, and to nobody who is too close to it.

    `alarms` counts those raised by this process, by what came too late.
    """

    def __init__(
        self,
        store: DeskStore,
        review: Review,
        clock: Clock,
        conflicts: Conflicts,
        days: StaffDays,
    ) -> None:
        self._store = store
        self._review = review
        self._clock = clock
        self._conflicts = conflicts
        self._days = days
        self._changes = CaseChanges(store)
        self._offers = Offers(store, review)
        self.alarms: Counter[str] = Counter()
        self._sweeper = Sweeper(store, review, self.alarms)

    # --- what waits -----------------------------------------------------------------------------

    async def queue(
        self,
        staff: StaffMember,
        page: QueuePage = ALL,
        group: str | None = None,
        posture: str | None = None,
    ) -> list[CaseSummary]:
        """Return one page of the cases that *staff* may claim, least time left first.

        `page.queues` narrows it to some of their queues, none means all of them; so do its states,
        *group* to one group of reasons, and *posture* to conversations of that kind. What they
        opted out of, cannot work on, or are too close to is not there.
        """
        now = self._clock.now_ms()
        life = await self._conflicts.life_of(staff)
        listed: list[CaseSummary] = []
        async for case in self._offers.waiting(staff, page, life, now):
            if group not in (None, group_of(case.reason)) or posture not in (None, case.posture):
                continue
            listed.append(summary_of(case, staff.id, now))
            if len(listed) == page.limit:
                break
        return listed

    async def next(self, staff: StaffMember) -> Case | None:
        """Claim the case that *staff* should look at now, None where nothing waits for them.

        Whoever holds one gets that one back. After several severe cases in a row it is one that is
        not, as long as there is any: a child does not wait because a queue holds nothing else.
        `BreakError` where the budget of the day is used up.
        """
        now = self._clock.now_ms()
        for mine in await self._store.held_by(staff.id):
            if is_held_by(mine, staff.id, now) and may_see(self._review, staff, mine):
                return mine
        wellness = self._review.wellness
        day = await self._days.of(staff.id, now)
        check_budget(wellness, day)
        used = meter(wellness, day)
        life = await self._conflicts.life_of(staff)
        severe_too = used.severe < used.severe_limit
        relief = needs_relief(wellness, day)
        case = await self._claim_first(staff, life, severe_too=severe_too and not relief)
        if case is None and severe_too and relief:
            case = await self._claim_first(staff, life, severe_too=True)
        return case

    async def held(self, staff: StaffMember) -> list[CaseSummary]:
        """Return the cases that *staff* holds now."""
        now = self._clock.now_ms()
        mine = await self._store.held_by(staff.id)
        return [summary_of(one, staff.id, now) for one in mine if is_held(one, now)]

    async def meter(self, staff: StaffMember) -> Meter:
        """Return how much of today's budget *staff* used; it is theirs alone to see."""
        day = await self._days.of(staff.id, self._clock.now_ms())
        return meter(self._review.wellness, day)

    # --- who holds it ---------------------------------------------------------------------------

    async def claim(self, staff: StaffMember, id: str) -> Case:
        """Give the case *id* to *staff* and return it; whoever holds it already holds it longer.

        `HeldError` where another person was quicker. `RoleError`, `ConflictOfInterestError`,
        `SecondPersonError` for who proposed the decision that waits, `StaleCaseError` for a case
        that is decided. A lease that has ended is taken over, which the case's events tell.
        """
        return await self._claim(staff, id, None)

    async def heartbeat(self, staff: StaffMember, id: str) -> Case:
        """Hold the case *id* for another lease; `NotHeldError` where the last one has ended."""

        async def judge(case: Case) -> DeskChange:
            now = self._clock.now_ms()
            check_held(case, staff.id, now)
            return self._longer(case, now)

        return await self._changes.change(id, judge)

    async def release(self, staff: StaffMember, id: str) -> Case:
        """Let go of the case *id* undecided; it waits for somebody again."""

        async def judge(case: Case) -> DeskChange:
            now = self._clock.now_ms()
            check_held(case, staff.id, now)
            events = await self._store.events(case.id)
            return moves.release(self._review, case, events, staff.id, now)

        return await self._changes.change(id, judge)

    async def escalate(self, staff: StaffMember, id: str, reason: str, to: str = LEAD) -> Case:
        """Hand the case *id*, which *staff* holds, to a lead or *to* child safety; say why."""
        why = moves.checked_reason(reason)

        async def judge(case: Case) -> DeskChange:
            now = self._clock.now_ms()
            check_held(case, staff.id, now)
            events = await self._store.events(case.id)
            whole = await family(self._store, case)
            # Whoever handed over a message took part there; a name alone keeps nothing from
            # deletion.
            rooms = [one.room for one in await gathered(self._store.evidence, whole)]
            return moves.escalate(
                self._review,
                case,
                events,
                staff.id,
                now,
                to=to,
                reason=why,
                merged=whole[1:],
                rooms=rooms,
            )

        return await self._changes.change(id, judge)

    async def merge(self, staff: StaffMember, id: str, into: str, reason: str) -> Case:
        """Close the case *id*, which *staff* holds, as a duplicate of *into*; return that one.

        Both stand under the same rules for *staff*. Whoever holds *into* may read the evidence of
        both from then on; `HeldError` where that is another person.
        """
        why = moves.checked_reason(reason)

        async def judge(case: Case) -> DeskChange:
            now = self._clock.now_ms()
            events = await self._store.events(case.id)
            check_role(self._review, staff, case, escalated_to(events))
            closing = await found(self._store, id)
            check_held(closing, staff.id, now)
            check_free(case, staff.id, now)
            check_mergeable(closing, case)
            await self._conflicts.check(staff, case)
            whole = await family(self._store, closing)
            return moves.merge(whole, events, case, staff.id, now, why)

        return await self._changes.change(into, judge)

    # --- what is known of it --------------------------------------------------------------------

    async def view(self, staff: StaffMember, id: str) -> CaseView:
        """Return all that is known of the case *id* without opening anything."""
        case = await found(self._store, id)
        now = self._clock.now_ms()
        whole = await family(self._store, case)
        events = await gathered(self._store.events, whole)
        own = [event for event in events if event.case == case.id]
        check_role(self._review, staff, case, escalated_to(own))
        check_wanted(staff, case)
        await self._conflicts.check(staff, case)
        if case.child_safety:
            # Of the vault every touch is logged (SAFETY §5.11).
            line = StaffEntry(at=now, staff=staff.id, what="view", case=case.id)
            await self._store.commit(DeskChange(log=(line,)))
        readable = await material(self._store, case)
        ids = {one.id for one in readable}
        about = await self._store.cases_about(case.subject)
        return view_of(
            case,
            whole[1:],
            await gathered(self._store.reports, readable),
            await gathered(self._store.evidence, readable),
            events,
            [one for one in about if one.id not in ids and may_see(self._review, staff, one)],
            staff.id,
            now,
        )

    # --- by itself ------------------------------------------------------------------------------

    async def sweep(self, now: int) -> Swept:
        """Raise the alarm, once, for each case that is late; let go of what lapsed leases hold."""
        return await self._sweeper.sweep(now)

    # --- inside ---------------------------------------------------------------------------------

    async def _claim(self, staff: StaffMember, id: str, life: OwnLife | None) -> Case:
        """Claim as `claim` does; *life* is that of *staff*, where it was read already."""
        made: list[ModerationEvent] = []

        async def judge(case: Case) -> DeskChange:
            now = self._clock.now_ms()
            events = await self._store.events(case.id)
            check_role(self._review, staff, case, escalated_to(events))
            check_wanted(staff, case)
            check_undecided(case)
            if is_held_by(case, staff.id, now):
                return self._longer(case, now)
            check_free(case, staff.id, now)
            check_second(staff.id, case, events)
            await self._conflicts.check(staff, case, life)
            change = moves.claim(self._review, case, events, staff.id, now)
            made[:] = change.events
            return change

        case = await self._changes.change(id, judge)
        count_alarms(self.alarms, made)
        return case

    async def _claim_first(
        self, staff: StaffMember, life: OwnLife, *, severe_too: bool
    ) -> Case | None:
        """Claim the first case that waits for *staff* and that nobody else is quicker to claim."""
        now = self._clock.now_ms()
        for page in (ALL, WORST_FIRST):
            late = False
            async for case in self._offers.waiting(staff, page, life, now):
                # Once time is up for anything, the worst comes first: else what is late already
                # would keep a child waiting whose time is not up yet.
                late = case.due <= now and not page.by_rank
                if late:
                    break
                if is_severe(case) and not severe_too:
                    continue
                try:
                    return await self._claim(staff, case.id, life)
                except ReviewError:
                    continue
            if not late:
                break
        return None

    def _longer(self, case: Case, now: int) -> DeskChange:
        """Return the change that holds *case* for another lease."""
        until = now + lease_ms(self._review.desk.lease_minutes)
        return DeskChange(cases=(replace(case, lease_until=max(until, case.lease_until)),))


def check_second(staff: str, case: Case, events: Sequence[ModerationEvent]) -> None:
    """Refuse with `SecondPersonError` who proposed the decision that *case* waits with."""
    proposed = next((one.actor for one in reversed(events) if one.kind == "proposed"), None)
    if case.state is CaseState.SECOND and proposed == staff:
        raise SecondPersonError("You proposed this decision: another person looks at it.")
