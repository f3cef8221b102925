"""What a person reported, as they are shown it: where it stands, how it ended, how to contest.

Nothing here names a case, a reviewer, or a measure against somebody else (SAFETY §5.10).
"""

from typing import Any, Final, Protocol, final

import msgspec

from halfdoor.policy.review import Review
from halfdoor.readers.review.notice_body import body_of
from halfdoor.readers.review.notices import ANSWER, CHANGED, NOTHING, OUTCOME
from halfdoor.readers.review.records import CaseState, Report
from halfdoor.readers.review.store import DeskStore
from halfdoor.sealing.labels import b64

RECEIVED: Final = "received"
IN_REVIEW: Final = "in_review"
DECIDED: Final = "decided"
_MOST: Final = 200


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a report ended, as its reporter was told: in the notice `notice`, at the time `at` (ms).

    `held` is False where nothing was found, or a second look took back what was. `contest_until` is
    until when they may ask for a second look, None where they had one.
    """

    notice: str
    outcome: str
    at: int
    held: bool
    contest_until: int | None = None


class Outcomes(Protocol):
    """Where it is known what people were told of their reports."""

    async def of(self, user: str, now: int) -> dict[str, Outcome]:
        """Return, by the ids of their reports, what *user* was told of each by *now*."""


@final
class ToldOutcomes:
    """`Outcomes` as the notices say them: nobody learns here what they were not told yet."""

    def __init__(self, desk: DeskStore) -> None:
        self._desk = desk

    async def of(self, user: str, now: int) -> dict[str, Outcome]:
        """Return, by the ids of their reports, what *user* was told of each by *now*."""
        found: dict[str, Outcome] = {}
        told = await self._desk.notices(user, now, _MOST)
        for notice in sorted(told, key=lambda one: (one.show_at, one.id)):
            if notice.kind not in {OUTCOME, ANSWER}:
                continue
            body = body_of(notice)
            if body.outcome is None:
                continue
            for report in body.reports:
                before = found.get(report)
                held = body.outcome != NOTHING
                if notice.kind == ANSWER:
                    was = before is not None and before.held
                    held = was is not (body.outcome == CHANGED)
                found[report] = Outcome(
                    notice=notice.id,
                    outcome=body.outcome,
                    at=notice.show_at,
                    held=held,
                    contest_until=body.contest_until,
                )
        return found


async def shown_to(
    desk: DeskStore,
    outcomes: Outcomes,
    review: Review,
    reports: list[Report],
    now: int,
) -> list[dict[str, Any]]:
    """Return *reports*, all of one person, as the API shows them to that person."""
    if not reports:
        return []
    told = await outcomes.of(reports[0].reporter, now)
    waiting = {one.case for one in reports if one.id not in told}
    states = {case: await _state(desk, case) for case in sorted(waiting)}
    found = []
    for report in reports:
        ended = told.get(report.id)
        state = DECIDED if ended is not None else states[report.case]
        found.append(_shown(review, report, state, ended, now))
    return found


async def _state(desk: DeskStore, id: str) -> str:
    """Return how far a case is of which nothing was told: that it is decided is not said early."""
    case = await desk.case(id)
    return RECEIVED if case is None or case.state is CaseState.OPEN else IN_REVIEW


def _shown(
    review: Review, report: Report, state: str, ended: Outcome | None, now: int
) -> dict[str, Any]:
    reason = review.reason(report.reason)
    shown: dict[str, Any] = {
        "id": report.id,
        "at": report.at,
        "reason": report.reason,
        "reason_title": reason.title if reason is not None else report.reason,
        "state": state,
        "events": list(report.events),
        "context": list(report.context),
        "blocked": report.blocked,
        "receipt": b64(report.receipt),
    }
    if report.room is not None:
        shown["room_id"] = report.room
    if report.room is None or report.events:
        # Of a conversation that was reported as such, the desk may know more than the reporter.
        shown["user_id"] = report.subject
    if report.guardian:
        shown["tell_guardian"] = True
    if ended is not None:
        shown["outcome"] = ended.outcome
        shown["outcome_at"] = ended.at
        if ended.contest_until is not None and now <= ended.contest_until:
            shown["contest"] = {"notice": ended.notice, "until": ended.contest_until}
    return shown
