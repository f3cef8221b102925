"""What is looked at first, and until when it must be: deadlines of cases, and their order. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from halfdoor.policy.review import Review
from halfdoor.readers.review.records import Case, CaseKind, ModerationEvent

_MS_OF_MINUTE: Final = 60_000
_MS_OF_DAY: Final = 86_400_000
# Of a case whose reason the policy no longer has: as for a report that nobody sorted yet.
_UNSORTED: Final = (60, 240)

Stage = Literal["claim", "decide"]

SEVERE: Final = 0


def place(case: Case) -> tuple[int, bool, str]:
    """Return what orders cases: least time left, minors before others of the same time, then id."""
    return (case.due, not case.minor, case.id)


def is_severe(case: Case) -> bool:
    """Tell whether *case* is of the worst rank, which the budgets of wellness count apart."""
    return case.rank == SEVERE


def group_of(reason: str) -> str:
    """Return the group of a reason: what stands before the dot."""
    return reason.partition(".")[0]


def minutes_for(review: Review, case: Case) -> tuple[int, int]:
    """Return within how many minutes *case* is to be claimed, and once claimed decided.

    What belongs to the vault has no more time than the reasons that lead there.
    """
    reason = review.reason(case.reason)
    times = [_UNSORTED if reason is None else (reason.claim_minutes, reason.decide_minutes)]
    if case.child_safety:
        vault = [one for one in review.reasons if one.child_safety]
        times += [(one.claim_minutes, one.decide_minutes) for one in vault]
    return min(claim for claim, _ in times), min(decide for _, decide in times)


def stage_of(case: Case, events: Sequence[ModerationEvent]) -> Stage:
    """Return what *case* is due for: to be claimed, or to be decided.

    A case that was once claimed too late and is free again is due for its decision.
    """
    waits = case.holder is None and not alarmed_at(events, "claim")
    return "claim" if waits else "decide"


def claim_due(review: Review, case: Case, events: Sequence[ModerationEvent], now: int) -> int:
    """Return until when a case that is free again is to be claimed (ms).

    The deadline for its decision stays behind it: letting go of a case wins nobody time.
    """
    if case.kind is not CaseKind.REPORT or alarmed_at(events, "claim"):
        return case.due
    return min(case.due, now + minutes_for(review, case)[0] * _MS_OF_MINUTE)


def decide_due(review: Review, case: Case, events: Sequence[ModerationEvent], now: int) -> int:
    """Return until when *case* is to be decided (ms), once it is claimed at *now*.

    The time runs from its first claim, so that one who takes over does not begin anew; that of an
    appeal or complaint runs from when it was made.
    """
    if case.kind is not CaseKind.REPORT:
        return case.opened + review.desk.appeal_decide_days * _MS_OF_DAY
    first = next((one.at for one in events if one.kind == "claimed"), now)
    return min(first, now) + minutes_for(review, case)[1] * _MS_OF_MINUTE


def escalated_to(events: Sequence[ModerationEvent]) -> str | None:
    """Return the role that a case was last escalated to, None where it was not."""
    return next((_word(one, "to") for one in reversed(events) if one.kind == "escalated"), None)


def alarmed_at(events: Sequence[ModerationEvent], stage: Stage) -> bool:
    """Tell whether an alarm went off already because *stage* came too late."""
    return any(one.kind == "alarm" and _word(one, "late") == stage for one in events)


def _word(event: ModerationEvent, name: str) -> str | None:
    """Return one word of an event's detail."""
    word = msgspec.json.decode(event.detail, type=dict[str, object]).get(name)
    return word if isinstance(word, str) else None
