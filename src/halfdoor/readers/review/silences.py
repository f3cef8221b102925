"""An authority forbids to tell the subject: kept with its order, and never without an end."""

from typing import Final, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review.case_changes import CaseChanges
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.errors import ReviewError, RoleError
from halfdoor.readers.review.moves import checked_reason
from halfdoor.readers.review.queue_roles import LEAD, VAULT, check_role
from halfdoor.readers.review.records import Case, ModerationEvent, StaffEntry
from halfdoor.readers.review.rulings import SILENCE, Silence
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.safety.measures import DAY_MS

# No rule is endless (SEALING §6, notices): an order that lasts longer is entered anew.
MOST_DAYS: Final = 365


@final
class Silences:
    """Keeps what authorities demand; for a lead and for child safety."""

    def __init__(
        self, *, desk: DeskStore, review: Review, conflicts: Conflicts, clock: Clock
    ) -> None:
        self._review = review
        self._conflicts = conflicts
        self._clock = clock
        self._changes = CaseChanges(desk)

    async def demand(self, staff: StaffMember, case: str, until: int, order: str) -> Case:
        """Tell the subject of *case* nothing until *until* (ms), by *order*; 0 lifts it.

        The measures hold all the same. `RoleError`, `ConflictOfInterestError`, `ReviewError` for
        an end that is past or more than a year away, or without an order.
        """
        said = checked_reason(order)
        now = self._clock.now_ms()
        if until and not now < until <= now + MOST_DAYS * DAY_MS:
            raise ReviewError("A silence ends within a year; it can be entered anew then.")
        if not (staff.may(LEAD) or staff.may(VAULT)):
            raise RoleError("A lead or child safety enters what an authority demands.")

        async def note(one: Case) -> DeskChange:
            check_role(self._review, staff, one)
            await self._conflicts.check(staff, one)
            detail = msgspec.json.encode(Silence(until=until, order=said))
            event = ModerationEvent(
                case=one.id, n=0, at=now, kind=SILENCE, actor=staff.id, detail=detail
            )
            line = StaffEntry(at=now, staff=staff.id, what="silence", case=one.id, reason=said)
            return DeskChange(cases=(one,), events=(event,), log=(line,))

        return await self._changes.change(case, note)
