"""How a person's earlier reports ended, and what follows: how much the next one counts, a warning.

Nothing is dropped, whoever reports (DSA Art. 23 asks for a warning before anything else).
"""

from typing import Final, final

from halfdoor.policy.review import Review
from halfdoor.readers.review import notices
from halfdoor.readers.review.own_reports import Outcomes
from halfdoor.readers.review.records import Notice, Report
from halfdoor.readers.review.report_sources import Facts
from halfdoor.readers.review.store import DeskStore
from halfdoor.readers.review.telling import Told, told
from halfdoor.readers.review.weights import false_in_a_row, weight
from halfdoor.safety.ages import as_recipient, is_minor

_DAY_MS: Final = 86_400_000
_DAYS: Final = 90


@final
class TrackRecord:
    """Looks back over what one person reported in the last 90 days."""

    def __init__(
        self, *, desk: DeskStore, review: Review, outcomes: Outcomes, facts: Facts
    ) -> None:
        self._desk = desk
        self._review = review
        self._outcomes = outcomes
        self._facts = facts

    async def weighed(self, user: str, now: int, *, hidden: bool = False) -> tuple[float, Told]:
        """Return how much a report of *user* counts now (0 to 1), and the warning if one is due.

        A warning about reports that leave no trace, or by way of one (*hidden*), leaves none.
        """
        intake = self._review.intake
        recent = await self._desk.reports_by(user, now - _DAYS * _DAY_MS)
        if not recent:
            return 1.0, Told()
        ended = await self._outcomes.of(user, now)
        decided = [one for one in recent if one.id in ended]
        in_a_row = false_in_a_row(ended[one.id].held for one in decided)
        if in_a_row < intake.false_reports:
            return 1.0, Told()
        # About the newest of them: told once, and again only when one more did not hold.
        away = hidden or any(one.hidden for one in decided[:in_a_row])
        warning = await self._warning(user, decided[0], in_a_row, now, hidden=away)
        return weight(intake, in_a_row), told(warning)

    async def _warning(
        self, user: str, newest: Report, in_a_row: int, now: int, *, hidden: bool
    ) -> Notice:
        person = await self._facts.person(user)
        minor = is_minor(as_recipient(person.band))
        reader = notices.Reader(user=user, minor=minor, region=person.region)
        return notices.false_reports(newest.case, in_a_row, reader, now, hidden=hidden)
