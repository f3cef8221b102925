"""Which role works on which cases: a lead on all but the vault, an admin or auditor on none. Pure.

The rule for a case is asked of the case too, not of its queue alone: what belongs to the vault
stays there whatever the policy later says of queues.
"""

from collections.abc import Iterable
from typing import Final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review
from halfdoor.readers.review.errors import RoleError, UnknownCaseError
from halfdoor.readers.review.priorities import group_of
from halfdoor.readers.review.records import Case, CaseState

VAULT: Final = "child_safety"
LEAD: Final = "lead"
# The roles that may see what people reported. No policy makes an admin or auditor one of them.
CONTENT_ROLES: Final = frozenset({"reviewer", VAULT, LEAD})


def may_work_on(staff: StaffMember, role: str) -> bool:
    """Tell whether *staff* may work on a queue of *role*; only its own role opens the vault."""
    if role not in CONTENT_ROLES:
        return staff.may(LEAD)
    return staff.may(role) or (role != VAULT and staff.may(LEAD))


def queues_of(review: Review, staff: StaffMember, found: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of the queues that *staff* may see.

    *found* are queues in which cases stand: those that the policy no longer has fall to a lead.
    """
    known = [one.name for one in review.queues if may_work_on(staff, one.role)]
    lost = {name for name in found if review.queue(name) is None}
    return (*known, *sorted(lost)) if staff.may(LEAD) else tuple(known)


def role_for(review: Review, case: Case, escalated: str | None = None) -> str:
    """Return the role that *case* asks for; *escalated* is the one it was escalated to, if any."""
    queue = review.queue(case.queue)
    if case.child_safety or (queue is not None and queue.role == VAULT):
        return VAULT
    if escalated is not None or case.state is CaseState.ESCALATED or queue is None:
        return LEAD
    return queue.role


def may_see(review: Review, staff: StaffMember, case: Case, escalated: str | None = None) -> bool:
    """Tell whether the roles of *staff* let them work on *case*."""
    return may_work_on(staff, role_for(review, case, escalated))


def check_role(
    review: Review, staff: StaffMember, case: Case, escalated: str | None = None
) -> None:
    """Refuse with `RoleError` whoever has no role for *case*.

    A case of the vault does not exist for others (`UnknownCaseError`): that there is one more says
    too much already (SAFETY §5.11).
    """
    role = role_for(review, case, escalated)
    if not may_work_on(staff, role):
        if role == VAULT:
            raise UnknownCaseError("There is no such case.")
        raise RoleError("You have no role that may work on this case.")


def check_wanted(staff: StaffMember, case: Case) -> None:
    """Refuse with `UnknownCaseError` a case of a group that *staff* chose not to see."""
    if group_of(case.reason) in staff.opted_out:
        raise UnknownCaseError("You chose not to be shown cases of this kind.")
