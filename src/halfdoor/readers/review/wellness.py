"""What protects reviewers: budgets of a day, relief after hard cases. Pure.

A day is the last 24 hours, so that no midnight doubles a budget. Blur and grey are the reviewer's
own choice and decide nothing here: what protects is that less is shown (FACES §3).
"""

from collections import Counter
from typing import Final

import msgspec

from halfdoor.policy.review import Wellness
from halfdoor.readers.review.errors import BreakError

DAY_MS: Final = 86_400_000
# No sum or average is told of fewer people: it would tell what one of them was shown.
LEAST_PEOPLE: Final = 5


class Touched(msgspec.Struct, frozen=True):
    """One case that a person claimed, or one message they were shown, at the time `at` (ms)."""

    at: int
    severe: bool
    group: str


class Day(msgspec.Struct, frozen=True):
    """What one person claimed and was shown within the last 24 hours, oldest first."""

    claims: tuple[Touched, ...] = ()
    reveals: tuple[Touched, ...] = ()


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a day's budget one person has used; shown to that person alone."""

    reveals: int
    reveals_limit: int
    severe: int
    severe_limit: int
    in_a_row: int
    in_a_row_limit: int
    groups: dict[str, int]


def severe_in_a_row(day: Day) -> int:
    """Return how many of the last claims were severe without another one between them."""
    count = 0
    for one in reversed(day.claims):
        if not one.severe:
            break
        count += 1
    return count


def needs_relief(wellness: Wellness, day: Day) -> bool:
    """Tell whether the next case should be one of another kind."""
    return severe_in_a_row(day) >= wellness.severe_in_a_row


def meter(wellness: Wellness, day: Day) -> Meter:
    """Return what is used of the budgets."""
    return Meter(
        reveals=len(day.reveals),
        reveals_limit=wellness.reveals_a_day,
        severe=sum(one.severe for one in day.reveals),
        severe_limit=wellness.severe_reveals_a_day,
        in_a_row=severe_in_a_row(day),
        in_a_row_limit=wellness.severe_in_a_row,
        groups=dict(sorted(Counter(one.group for one in day.reveals).items())),
    )


def check_budget(wellness: Wellness, day: Day) -> None:
    """Refuse with `BreakError` whoever was shown as much as a day may hold."""
    if len(day.reveals) >= wellness.reveals_a_day:
        raise BreakError("Time for a break: you have seen as much as one day may hold.")


def check_severe_budget(wellness: Wellness, day: Day) -> None:
    """Refuse with `BreakError` whoever was shown as much of the worst as a day may hold."""
    if sum(one.severe for one in day.reveals) >= wellness.severe_reveals_a_day:
        raise BreakError(
            "Time for something else: you have seen as much of the worst as one day may hold."
        )
