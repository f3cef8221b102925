"""What a change to the review desk writes, given what is kept. Pure; both stores do as it says."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from msgspec.structs import replace

from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import Case, ModerationEvent, Report, StaffEntry, Task
from halfdoor.readers.review.staff_log import link
from halfdoor.readers.review.store import DeskChange
from halfdoor.store.desk_rows import UB, CaseRow, DeskRows, Head, Values, is_id
from halfdoor.store.jobs import Job

_MOVED: Final = "the case moved on: look at it again"


class Kept(NamedTuple):
    """What stands in the rows that a change touches, which are locked."""

    cases: Mapping[str, CaseRow]
    reports: Set[str]
    evidence: Set[str]


class Plan(NamedTuple):
    """Rows to write, each with its bucket in front, and the cases as they are then.

    Events lack the number over all cases, which is given last, for everybody waits for it.
    """

    new: list[Values]
    changed: list[Values]
    reports: list[Values]
    evidence: list[Values]
    events: list[ModerationEvent]
    notices: list[Values]
    written: tuple[Case, ...]


def touched(change: DeskChange) -> list[str]:
    """Return the ids of all cases that *change* belongs to, in the order of their locks.

    `ValueError` where it names a case twice, or an id that cannot be kept.
    """
    own = [case.id for case in change.cases]
    if len(set(own)) != len(own):
        raise ValueError("a change names each case once")
    ids = set(own)
    ids.update(report.case for report in change.reports)
    ids.update(evidence.case for evidence in change.evidence)
    ids.update(event.case for event in change.events)
    ids.update(change.destroyed)
    others = [report.id for report in change.reports]
    others += [evidence.id for evidence in change.evidence]
    others += [notice.id for notice in change.notices]
    if not all(map(is_id, (*ids, *others))):
        raise ValueError("an id is of visible ASCII characters")
    return sorted(ids)


def plan(rows: DeskRows, change: DeskChange, kept: Kept) -> Plan:
    """Return what to write; `StaleCaseError` and `UnknownCaseError` before anything is."""
    standing = dict(kept.cases)
    written = []
    for case in change.cases:
        before = standing.get(case.id)
        if (before.case.revision if before else 0) != case.revision:
            raise StaleCaseError(_MOVED)
        after = replace(case, revision=case.revision + 1)
        standing[case.id] = replace(before, case=after) if before else CaseRow(after)
        written.append(after)
    belonging = [one.case for one in change.reports]
    belonging += [one.case for one in change.evidence]
    belonging += [one.case for one in change.events]
    for owner in (*belonging, *change.destroyed):
        if owner not in standing:
            raise UnknownCaseError(f"there is no case {owner}")
    reports = {one.id: one for one in reversed(change.reports) if one.id not in kept.reports}
    for report in reports.values():
        row = standing[report.case]
        standing[report.case] = replace(row, reports=row.reports + 1)
    evidence = []
    seen = set(kept.evidence)
    for piece in change.evidence:
        if piece.id not in seen:
            seen.add(piece.id)
            row = standing[piece.case]
            standing[piece.case] = row = replace(row, evidence=row.evidence + 1)
            evidence.append((UB, *rows.evidence_row(piece, row.evidence)))
    events = []
    for event in change.events:
        row = standing[event.case]
        standing[event.case] = row = replace(row, events=row.events + 1)
        events.append(replace(event, n=row.events))
    for gone in change.destroyed:
        standing[gone] = replace(standing[gone], evidence=0)
    notices = {one.id: one for one in reversed(change.notices)}
    new = [(UB, *rows.case_row(row)) for name, row in standing.items() if name not in kept.cases]
    changed = [
        (*rows.case_row(row)[1:], UB, name)
        for name, row in standing.items()
        if name in kept.cases and row != kept.cases[name]
    ]
    return Plan(
        new,
        changed,
        [(UB, *rows.report_row(report)) for report in reports.values()],
        evidence,
        events,
        [(UB, *rows.notice_row(notice)) for _, notice in sorted(notices.items())],
        tuple(written),
    )


def numbered(
    rows: DeskRows, head: Head, events: Sequence[ModerationEvent]
) -> tuple[Head, list[Values]]:
    """Return the rows of *events* with the numbers behind *head*, and the head behind them."""
    done = [
        (UB, *rows.event_row(replace(event, number=number)))
        for number, event in enumerate(events, head.n + 1)
    ]
    return replace(head, n=head.n + len(done)), done


def without_note(rows: DeskRows, found: Iterable[Report]) -> list[Values]:
    """Return the values of the statement `put_report` for those of *found* that have a note."""
    bare = [replace(report, note="") for report in found if report.note]
    return [(*rows.report_row(report)[1:], UB, report.id) for report in bare]


def lengthened(head: Head, lines: Sequence[StaffEntry]) -> tuple[Head, list[StaffEntry]]:
    """Return *lines* as they continue the staff log behind *head*, and the head behind them."""
    done = []
    for line in lines:
        counted = replace(line, n=head.n + 1)
        head = Head(counted.n, link(head.chain, counted))
        done.append(replace(counted, chain=head.chain))
    return head, done


def check_lines(
    rows: DeskRows, head: Head, after: int, limit: int, found: Sequence[StaffEntry]
) -> list[StaffEntry]:
    """Return the lines behind number *after*, once each continues the one before.

    *found* begins with line *after* itself, unless that is 0. `RowMacError`, and an alarm, where a
    line is missing, also at the end.
    """
    before = Head()
    lines = list(found)
    if after > 0 and lines:
        first = lines.pop(0)
        if first.n != after:
            raise rows.changed("line", f"line {after} is missing")
        before = Head(first.n, first.chain)
    for line in lines:
        if line.n != before.n + 1 or line.chain != link(before.chain, line):
            raise rows.changed("line", f"line {before.n + 1} is missing or another")
        before = Head(line.n, line.chain)
    ends_early = len(lines) < limit and before != head and after <= head.n
    if ends_early or before.n > head.n:
        raise rows.changed("line", f"the log ends before line {head.n}")
    return lines


def job_of(task: Task) -> Job:
    """Return the job that does *task*."""
    return Job(ub=UB, id=task.id, queue=task.queue, run_at=task.run_at, payload=task.payload)
