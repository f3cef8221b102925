"""A reviewer wishes to see more than was reported: two people agree, then the reporter is asked.

Nothing opens by it. Only who took part in a conversation can hand over its keys, so the answer is
a further report, which the reporter may make or not. Pure.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.readers.review.errors import SecondPersonError, UnknownCaseError
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.notice_body import Body
from halfdoor.readers.review.notices import notice_id
from halfdoor.readers.review.records import Case, ModerationEvent, Notice, Report, StaffEntry
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.telling import told

ASKED: Final = "asked_more"
ANSWERED: Final = frozenset({"more_approved", "more_refused"})
QUESTION: Final = "question"

_TITLE: Final = "Can you show us more?"
_TEXT: Final = (
    "We are looking at your report. What you sent us may not show us the whole story.",
    "If you want, you can report more messages from that chat. You do not have to.",
    "We only see what you choose. If you send nothing, we still look at your report.",
)


class MoreAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to see more that nobody answered yet; `n` is the number of its event in the case."""

    n: int
    by: str
    at: int
    reason: str


class _Reason(msgspec.Struct, frozen=True):
    """What is read of the event that asks."""

    reason: str


def waiting(events: Sequence[ModerationEvent]) -> MoreAsked | None:
    """Return the newest wish among the *events* of a case, None where it was answered or none is.

    One answer settles all that was asked before it.
    """
    for one in reversed(events):
        if one.kind in ANSWERED:
            return None
        if one.kind == ASKED:
            said = msgspec.json.decode(one.detail, type=_Reason)
            return MoreAsked(n=one.n, by=one.actor, at=one.at, reason=said.reason)
    return None


def ask(case: Case, staff: str, now: int, reason: str) -> DeskChange:
    """Return the change that notes the wish of *staff*; it opens nothing and asks nobody yet."""
    line = StaffEntry(at=now, staff=staff, what="ask_for_more", case=case.id, reason=reason)
    return DeskChange(
        cases=(case,), events=(happened(case, now, ASKED, staff, reason=reason),), log=(line,)
    )


def answer(
    case: Case,
    events: Sequence[ModerationEvent],
    reports: Sequence[Report],
    staff: str,
    now: int,
    *,
    reason: str,
    approve: bool,
) -> DeskChange:
    """Return the change by which *staff*, another person, answers what was asked in *case*.

    Where they *approve*, each of those who filed the *reports* is asked, in a notice that says they
    need not; who wanted no trace of the report gets none by this either.
    """
    wish = waiting(events)
    if wish is None:
        raise UnknownCaseError("Nobody asks to see more of this case.")
    if wish.by == staff:
        raise SecondPersonError("You asked for this: another person answers.")
    kind = "more_approved" if approve else "more_refused"
    notices = _questions(case, wish, reports, now) if approve else ()
    asked = told(*notices)
    line = StaffEntry(at=now, staff=staff, what=kind, case=case.id, about=wish.by, reason=reason)
    return DeskChange(
        cases=(case,),
        events=(happened(case, now, kind, staff, asked=wish.n, reason=reason),),
        log=(line,),
        notices=asked.notices,
        tasks=asked.tasks,
    )


def _questions(
    case: Case, wish: MoreAsked, reports: Sequence[Report], now: int
) -> tuple[Notice, ...]:
    """Return the question to each reporter; reports without a trace are asked about apart."""
    groups: dict[tuple[str, bool], list[Report]] = {}
    for one in reports:
        # Somebody without an account reads no notices.
        if one.reporter.startswith("@"):
            groups.setdefault((one.reporter, one.hidden), []).append(one)
    return tuple(
        Notice(
            id=notice_id(QUESTION, f"{case.id} {wish.n} {hidden}", user),
            user=user,
            case=group[0].case,
            kind=QUESTION,
            at=now,
            show_at=now,
            body=msgspec.json.encode(
                Body(title=_TITLE, text=_TEXT, reports=tuple(one.id for one in group))
            ),
            hidden=hidden,
        )
        for (user, hidden), group in groups.items()
    )
