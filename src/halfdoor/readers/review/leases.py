"""Who holds a case, and until when: one case never belongs to two people. Pure."""

from typing import Final

from msgspec.structs import replace

from halfdoor.readers.review.errors import HeldError, NotHeldError, StaleCaseError
from halfdoor.readers.review.records import Case, CaseState

_MS_OF_MINUTE: Final = 60_000
UNDECIDED: Final = (
    CaseState.OPEN,
    CaseState.CLAIMED,
    CaseState.ESCALATED,
    CaseState.SECOND,
)


def lease_ms(lease_minutes: int) -> int:
    """Return how many ms a claim lasts without a sign."""
    return lease_minutes * _MS_OF_MINUTE


def is_held(case: Case, now: int) -> bool:
    """Tell whether anybody holds *case* at the time *now* (ms); at its end a lease is over."""
    return case.holder is not None and case.lease_until > now


def is_held_by(case: Case, staff: str, now: int) -> bool:
    """Tell whether the member of staff *staff* holds *case* now."""
    return case.holder == staff and is_held(case, now)


def has_lapsed(case: Case, now: int) -> bool:
    """Tell whether somebody still stands as the holder whose lease is over."""
    return case.holder is not None and not is_held(case, now)


def check_undecided(case: Case) -> None:
    """Refuse a case that was decided or closed already, with `StaleCaseError`."""
    if case.state not in UNDECIDED:
        raise StaleCaseError("This case was decided or closed already.")


def check_held(case: Case, staff: str, now: int) -> None:
    """Refuse with `NotHeldError` whoever does not hold *case*, or whose lease has ended."""
    check_undecided(case)
    if case.holder != staff:
        raise NotHeldError("You do not hold this case: claim it first.")
    if case.lease_until <= now:
        raise NotHeldError("Your hold on this case has ended: claim it again.")


def check_free(case: Case, staff: str, now: int) -> None:
    """Refuse with `HeldError` a case that another person than *staff* holds."""
    if is_held(case, now) and case.holder != staff:
        raise HeldError("Another person holds this case.")


def held(case: Case, staff: str, now: int, lease_minutes: int) -> Case:
    """Return *case* in the hands of *staff*; one that waits for a second person goes on waiting."""
    return replace(
        case,
        state=case.state if case.state is CaseState.SECOND else CaseState.CLAIMED,
        holder=staff,
        lease_until=now + lease_ms(lease_minutes),
    )


def let_go(case: Case, *, escalated: bool) -> Case:
    """Return *case* in nobody's hands, as it stood before it was claimed."""
    before = CaseState.ESCALATED if escalated else CaseState.OPEN
    return replace(
        case,
        state=case.state if case.state is CaseState.SECOND else before,
        holder=None,
        lease_until=0,
    )
