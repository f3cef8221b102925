"""Which waiting cases are offered to whom: none that they may not, or chose not to, see."""

from collections.abc import AsyncIterator
from typing import Final, final

from msgspec.structs import replace

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review
from halfdoor.readers.review.conflicts import OwnLife, concerns
from halfdoor.readers.review.leases import is_held
from halfdoor.readers.review.priorities import group_of
from halfdoor.readers.review.queue_roles import LEAD, may_see, queues_of
from halfdoor.readers.review.records import Case, CaseState
from halfdoor.readers.review.store import DeskStore, QueuePage

# The states in which a case can be claimed.
WAITING: Final = (CaseState.OPEN, CaseState.ESCALATED, CaseState.SECOND)
_LARGEST_PAGE: Final = 500


@final
class Offers:
    """Reads the queues for one person at a time."""

    def __init__(self, store: DeskStore, review: Review) -> None:
        self._store = store
        self._review = review
        self._groups = {
            queue: {group_of(one.key) for one in review.reasons if one.queue == queue}
            for queue in {one.queue for one in review.reasons}
        }

    async def waiting(
        self, staff: StaffMember, page: QueuePage, life: OwnLife, now: int
    ) -> AsyncIterator[Case]:
        """Return the cases behind *page* that *staff*, whose *life* it is, is offered.

        It goes on for as many pages as that takes; `page.queues` narrows it to some of their
        queues, none means all.
        """
        states = tuple(state for state in page.states if state in WAITING)
        queues = await self._queues(staff, page.queues)
        limit, after = page.limit, page.after
        while queues and states:
            asked = replace(page, queues=queues, states=states, limit=limit, after=after)
            cases = await self._store.queue(asked)
            for case in cases:
                if self._is_offered(staff, case, life, now):
                    yield case
            if len(cases) < limit:
                return
            limit, after = min(limit * 2, _LARGEST_PAGE), cases[-1].id

    async def _queues(self, staff: StaffMember, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Return which queues *staff* is shown: of *wanted*, or where that is empty of all."""
        stood = {one.queue for one in await self._store.counts()} if staff.may(LEAD) else ()
        return tuple(
            name
            for name in queues_of(self._review, staff, stood)
            if (not wanted or name in wanted) and not self._is_unwanted(staff, name)
        )

    def _is_unwanted(self, staff: StaffMember, queue: str) -> bool:
        """Tell whether *staff* opted out of all that comes into *queue*."""
        groups = self._groups.get(queue)
        return groups is not None and groups <= staff.opted_out

    def _is_offered(self, staff: StaffMember, case: Case, life: OwnLife, now: int) -> bool:
        """Tell whether *case* is shown to *staff* as one that waits."""
        return (
            may_see(self._review, staff, case)
            and group_of(case.reason) not in staff.opted_out
            and not concerns(life, case)
            and not is_held(case, now)
        )
