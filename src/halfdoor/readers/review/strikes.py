"""What counts against a person, and what the desk proposes next: people decide, nothing is due."""

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review.choices import Action
from halfdoor.readers.review.records import Case, ModerationEvent
from halfdoor.readers.review.replay import replay, strikes_of
from halfdoor.safety.measures import LADDER_DAYS, Kind, Strike, standing

# So many cases about one person are looked at: far more than anybody decides about.
_CASES: Final = 1_000
# Whoever is reported for it may be the one in danger.
_NEEDS_HELP: Final = "STATEMENT_CATEGORY_SELF_HARM"


class Events(Protocol):
    """Where the cases about a person are found."""

    async def cases_about(self, subject: str, limit: int = 100) -> list[Case]:
        """Return the cases about a person, newest first."""

    async def events(self, case: str) -> list[ModerationEvent]:
        """Return what happened in a case, oldest first."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """The rung of the ladder that comes next, and why: words for the reviewer alone."""

    actions: tuple[Action, ...]
    why: str


async def standing_strikes(
    desk: Events, review: Review, subject: str, now: int
) -> tuple[Strike, ...]:
    """Return the strikes that count against *subject* at *now*, oldest first."""
    found: list[Strike] = []
    for case in await desk.cases_about(subject, _CASES):
        if case.decided_at is not None:
            found += strikes_of(replay(await desk.events(case.id)))
    rule = review.strikes
    return standing(found, now, days=rule.days, severe_days=rule.severe_days)


def suggest(review: Review, reason: Reason, strikes: Iterable[Strike]) -> Suggestion:
    """Return what the ladder says after *strikes* for a breach of *reason* (SAFETY §5.3)."""
    before = len(tuple(strikes))
    if reason.category == _NEEDS_HELP:
        return Suggestion(actions=(), why="This may be somebody who needs help, not a penalty.")
    if reason.child_safety or reason.rank == 0:
        return Suggestion(
            actions=(Action(kind=Kind.TERMINATED),),
            why="Of the worst rank: the account ends. A second person confirms it.",
        )
    behind = before + 1 - review.strikes.suspend_at
    if behind >= len(LADDER_DAYS):
        return Suggestion(
            actions=(Action(kind=Kind.TERMINATED),),
            why=f"{before} strikes count, and suspensions did not help.",
        )
    if behind >= 0:
        days = LADDER_DAYS[behind]
        return Suggestion(
            actions=(Action(kind=Kind.SUSPENDED, days=days),),
            why=f"With this one {before + 1} strikes count.",
        )
    if before == 0 and reason.rank >= 2:
        return Suggestion(actions=(Action(kind=Kind.WARNING),), why="No strike counts so far.")
    days = LADDER_DAYS[min(before, len(LADDER_DAYS) - 1)]
    return Suggestion(
        actions=(Action(kind=Kind.NO_NEW_CONVERSATIONS, days=days),),
        why=f"{before} strikes count so far." if before else "A severe breach.",
    )
