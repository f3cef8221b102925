"""Which reports of a child a guardian is told of: those alone for which the child said so. Pure.

Without that word a guardian learns of no report, nor that there is one (SAFETY §5.10).
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import Any, Final

from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.records import Report
from halfdoor.sealing.labels import H, enc

# What a guardian is told of a report: when, what about and what came of it; never of whom or where.
_TOLD: Final = ("id", "at", "reason", "reason_title", "state", "outcome", "outcome_at")


def let_know(filing: Filing, report: str, subject: str, guardian: str | None) -> bytes:
    """Return what *report* keeps of the guardian who may be told of it, b"" for nobody.

    Nobody hears of a report about themselves, nor of one that must leave no trace at home.
    """
    asked = filing.tell_guardian and not filing.hidden
    if not asked or guardian is None or guardian == subject:
        return b""
    return _mark(report, guardian)


def allowed(reports: Iterable[Report], guardian: str) -> list[Report]:
    """Return those of *reports* that their reporter lets *guardian* be told of."""
    return [
        one
        for one in reports
        if not one.hidden and hmac.compare_digest(one.guardian, _mark(one.id, guardian))
    ]


def told(shown: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return of reports, as their reporter is *shown* them, what a guardian is told."""
    return [{key: one[key] for key in _TOLD if key in one} for one in shown]


def _mark(report: str, guardian: str) -> bytes:
    # Not the name itself: a guardian who is erased leaves none in the reports of others.
    return H(enc("report-guardian", report, guardian))
