"""The vault: cases of apparent sexual abuse of children, apart from all else (SAFETY §5.11).

To whoever lacks the role such a case does not exist: not its content, not its name, not that there
is one more in a count. Being a lead, an auditor or an admin changes nothing.
"""

from collections.abc import Iterable

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Review, Vault
from halfdoor.readers.review.errors import RoleError, UnknownCaseError
from halfdoor.readers.review.queue_roles import VAULT, check_role, queues_of, role_for
from halfdoor.readers.review.records import Case
from halfdoor.readers.review.store import Counts


def lies_in_vault(case: Case, review: Review) -> bool:
    """Tell whether *case* belongs to the vault: by itself, or by its queue."""
    return role_for(review, case) == VAULT


def check_sees(staff: StaffMember, case: Case | None, review: Review) -> Case:
    """Return *case* if *staff* may work on it.

    `UnknownCaseError` where there is none or it lies in the vault and is not theirs to know of,
    `RoleError` where it is the work of another role.
    """
    if case is None:
        raise UnknownCaseError("There is no such case.")
    check_role(review, staff, case)
    return case


def counts_for(staff: StaffMember, counts: Iterable[Counts], review: Review) -> list[Counts]:
    """Return of *counts* those of queues that *staff* may know of.

    Auditors and admins work in none, and read the numbers of all but the vault.
    """
    found = list(counts)
    known = set(queues_of(review, staff, [one.queue for one in found]))
    if staff.may("auditor") or staff.may("admin"):
        known |= {one.name for one in review.queues if one.role != VAULT}
    return [one for one in found if one.queue in known]


def check_view(staff: StaffMember, case: Case, review: Review, *, media: bool) -> None:
    """Refuse to show *staff* a message of *case* where role or place forbid it.

    Refuses as `check_sees` does, and with `RoleError` where the law of the case's place, or of the
    place where they work, lets nobody view it.
    """
    check_sees(staff, case, review)
    if not lies_in_vault(case, review):
        return
    for place in (case.region, staff.place):
        if viewer(review.vault, place, media=media) != VAULT:
            what = "pictures, sound or video" if media else "messages"
            raise RoleError(f"Nobody views {what} of such cases here: decide without them.")


def viewer(vault: Vault, place: str | None, *, media: bool) -> str:
    """Return who may view what lies in the vault, by the law of *place*."""
    for one in vault.regions:
        if one.region == place:
            return one.media if media else one.text
    return vault.media if media else vault.text
