"""What the review desk forgets of a person who is erased, and what has to stay. Pure (0018)."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from halfdoor.readers.review.records import Case, Evidence, ModerationEvent, Report
from halfdoor.store.desk_rows import OVER, UB, CaseRow, DeskRows, Values

# How many cases one step goes through.
CASES_AT_ONCE: Final = 20
# So many cases about a person, and reports by one, a step looks at; more than there ever are.
ABOUT_AT_ONCE: Final = 10_000


# Where an event of a person holds what they wrote: with an appeal, with a report.
_WORDS: Final = frozenset({"text", "note"})


class Left(enum.Enum):
    """What the desk still holds of a person after a step."""

    MORE = "more"
    STAYS = "stays"
    NOTHING = "nothing"


class Forgotten(NamedTuple):
    """Rows of one case to write anew, as the statements that put them take them."""

    cases: list[Values]
    reports: list[Values]
    evidence: list[Values]
    events: list[Values]


class Keeping(NamedTuple):
    """From when on (ms) cases stay that are over: opened since for children, decided for others."""

    preserved_since: int
    contested_since: int


def stays(case: Case, family: Mapping[str, Case], keeping: Keeping, *, about: bool) -> bool:
    """Tell whether what *case* holds of a person has to stay for now.

    *family* are the cases about the same person and those that one was merged into. It stays while
    one of them is to be decided that needs it, while it is preserved, and, for reports by the
    person (not *about*), while whoever it is about may still contest it: evidence opens only with
    the report it came with (SEALING §6).
    """
    into, seen = case, {case.id}
    while into.merged_into is not None and into.merged_into not in seen:
        seen.add(into.merged_into)
        into = family.get(into.merged_into, into)
    if any(_is_needed(one, keeping) for one in (case, into)):
        return True
    decided = into.decided_at
    if not about and decided is not None and decided > keeping.contested_since:
        return True
    return any(one.origin in seen and one.state not in OVER for one in family.values())


def _is_needed(case: Case, keeping: Keeping) -> bool:
    preserved = case.child_safety and case.opened > keeping.preserved_since
    return case.state not in OVER or preserved


def contests(family: Mapping[str, Case], of: str) -> list[str]:
    """Return the ids of the cases that contest the case *of*: a reporter's complaint is one."""
    return [case.id for case in family.values() if case.origin == of]


def forgotten(
    rows: DeskRows,
    user: str,
    row: CaseRow,
    reports: Sequence[Report],
    evidence: Sequence[tuple[int, Evidence]],
    events: Sequence[ModerationEvent],
) -> Forgotten:
    """Return what a case is without the name of *user*, who reported in it, and without their note.

    The evidence comes with its numbers. What they handed over stays: it is about somebody else.
    """
    case = row.case
    # A new revision: who looked at the names before must look again before they write.
    nameless = replace(
        case,
        victims=tuple(one for one in case.victims if one != user),
        revision=case.revision + 1,
    )
    return Forgotten(
        [(*rows.case_row(replace(row, case=nameless))[1:], UB, case.id)],
        [
            (*rows.report_row(replace(one, reporter="", note="", receipt=b""))[1:], UB, one.id)
            for one in reports
            if one.reporter == user
        ],
        [
            (rows.evidence_row(replace(one, reporter=""), n)[-1], UB, one.case, n)
            for n, one in evidence
            if one.reporter == user
        ],
        [
            (rows.event_row(_nameless(one, user))[-1], UB, one.case, one.n)
            for one in events
            if one.actor == user or user.encode() in one.detail
        ],
    )


def _nameless(event: ModerationEvent, user: str) -> ModerationEvent:
    """Return *event* without the name, and without the words of an event of their own."""
    own = event.actor == user
    said = _without(msgspec.json.decode(event.detail), user)
    if own and isinstance(said, dict):
        said.update((key, "") for key in _WORDS & said.keys())
    detail = msgspec.json.encode(said)
    return replace(event, actor="" if own else event.actor, detail=detail)


def _without(value: Any, user: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(one, user) for key, one in value.items() if key != user}
    if isinstance(value, list):
        return [_without(one, user) for one in value]
    return "" if value == user else value
