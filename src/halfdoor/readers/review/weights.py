"""How much a report counts, by how its reporter's earlier ones ended, and when one must wait. Pure.

Nothing here drops a report: a light one is only looked at after heavier ones of the same severity.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Final

from halfdoor.policy.review import Intake
from halfdoor.readers.review.errors import TooManyReportsError
from halfdoor.readers.review.records import Report

HOUR_MS: Final = 3_600_000


def false_in_a_row(ended: Iterable[bool | None]) -> int:
    """Return how many of the newest decided reports did not hold, until one that did.

    *ended* tells of each report, newest first, whether it held; None where nobody decided yet.
    """
    decided = (held for held in ended if held is not None)
    return sum(1 for _ in takewhile(lambda held: not held, decided))


def weight(intake: Intake, in_a_row: int) -> float:
    """Return how much the next report of somebody counts, from `least_weight_percent` to 1.

    Whole up to `false_reports` in a row that did not hold, then half of that for each further one.
    """
    beyond = max(0, in_a_row - intake.false_reports + 1)
    # Not 2 ** beyond: a long row must not become a number too large for a float.
    return max(intake.least_weight_percent / 100, 1.0 if beyond == 0 else 0.5 ** min(beyond, 64))


def check_pace(intake: Intake, filed: Sequence[Report], now: int) -> None:
    """Refuse one more report of a person who *filed* these, newest first, within the last hour.

    Raises `TooManyReportsError` with the time after which one of them is an hour old.
    """
    within = [one for one in filed if one.at > now - HOUR_MS]
    if len(within) < intake.per_hour:
        return
    oldest = within[intake.per_hour - 1]
    raise TooManyReportsError(
        "You sent a lot of reports. They are all here. Send the next one a little later.",
        max(1, oldest.at + HOUR_MS - now),
    )
