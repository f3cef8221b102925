"""A review desk in memory that keeps every promise of `DeskStore`, for tests of what stands on it.

Plain on purpose: the stores are compared with it.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Notice,
    Report,
    StaffEntry,
    Task,
)
from halfdoor.readers.review.staff_log import START, link
from halfdoor.readers.review.store import Counts, DeskChange, QueuePage

Kept = TypeVar("Kept", Report, Evidence, Notice, Task)

OVER = (CaseState.DECIDED, CaseState.CLOSED)


class FakeDesk:
    """A `DeskStore` of dictionaries; `tasks` and `log` may be looked at."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.log: list[StaffEntry] = []
        self._cases: dict[str, Case] = {}
        self._reports: dict[str, Report] = {}
        self._evidence: dict[str, Evidence] = {}
        self._events: dict[str, list[ModerationEvent]] = defaultdict(list)
        self._notices: dict[str, Notice] = {}

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        self._check(change)
        written = tuple(replace(case, revision=case.revision + 1) for case in change.cases)
        self._cases.update({case.id: case for case in written})
        _add(self._reports, change.reports)
        _add(self._evidence, change.evidence)
        _add(self._notices, change.notices)
        _add(self.tasks, change.tasks)
        for event in change.events:
            behind = self._events[event.case]
            number = 1 + sum(map(len, self._events.values()))
            behind.append(replace(event, n=len(behind) + 1, number=number))
        self._destroy(change.destroyed)
        for line in change.log:
            before = self.log[-1].chain if self.log else START
            numbered = replace(line, n=len(self.log) + 1)
            self.log.append(replace(numbered, chain=link(before, numbered)))
        return written

    def _check(self, change: DeskChange) -> None:
        """Refuse before anything is written."""
        new = [case.id for case in change.cases]
        if len(set(new)) != len(new):
            raise ValueError("a change names each case once")
        for case in change.cases:
            kept = self._cases.get(case.id)
            if (kept.revision if kept else 0) != case.revision:
                raise StaleCaseError(f"case {case.id} moved on: look at it again")
        named = {report.case for report in change.reports}
        named |= {evidence.case for evidence in change.evidence}
        named |= {event.case for event in change.events}
        named |= set(change.destroyed)
        for missing in sorted(named.difference(self._cases, new)):
            raise UnknownCaseError(f"there is no case {missing}")

    def _destroy(self, cases: tuple[str, ...]) -> None:
        for gone in [one.id for one in self._evidence.values() if one.case in cases]:
            del self._evidence[gone]
        for report in [one for one in self._reports.values() if one.case in cases]:
            self._reports[report.id] = replace(report, note="")

    async def case(self, id: str) -> Case | None:
        return self._cases.get(id)

    async def open_case(self, subject: str, queue: str) -> Case | None:
        fitting = [
            case
            for case in self._cases.values()
            if (case.subject, case.queue, case.kind) == (subject, queue, CaseKind.REPORT)
            and case.state not in OVER
        ]
        return min(fitting, key=lambda case: (case.opened, case.id), default=None)

    async def cases_about(self, subject: str, limit: int = 100) -> list[Case]:
        about = [case for case in self._cases.values() if case.subject == subject]
        return sorted(about, key=lambda case: (case.opened, case.id), reverse=True)[:limit]

    async def queue(self, page: QueuePage) -> list[Case]:
        after = self._cases.get(page.after) if page.after is not None else None
        listed = [
            case
            for case in self._cases.values()
            if case.queue in page.queues
            and case.state in page.states
            and page.minor in (None, case.minor)
            and page.language in (None, case.language)
            and page.reason in (None, case.reason)
            and (after is None or _place(case, page) > _place(after, page))
        ]
        return sorted(listed, key=lambda case: _place(case, page))[: page.limit]

    async def held_by(self, staff: str) -> list[Case]:
        held = [
            case for case in self._cases.values() if case.holder == staff and case.state not in OVER
        ]
        return sorted(held, key=lambda case: (case.due, case.id))

    async def overdue(self, now: int, limit: int) -> list[Case]:
        late = [
            case
            for case in self._cases.values()
            if case.state not in OVER and not case.alarmed and case.due <= now
        ]
        return sorted(late, key=lambda case: (case.due, case.id))[:limit]

    async def counts(self) -> list[Counts]:
        due: dict[tuple[str, CaseState], list[int]] = defaultdict(list)
        for case in self._cases.values():
            due[case.queue, case.state].append(case.due)
        counts = [Counts(*stand, len(dues), min(dues)) for stand, dues in due.items()]
        return sorted(counts, key=lambda one: (one.queue, one.state.value))

    async def report(self, id: str) -> Report | None:
        return self._reports.get(id)

    async def reports(self, case: str) -> list[Report]:
        of = [report for report in self._reports.values() if report.case == case]
        return sorted(of, key=lambda report: (report.at, report.id))

    async def reports_by(self, reporter: str, since: int, limit: int = 200) -> list[Report]:
        filed = [
            report
            for report in self._reports.values()
            if report.reporter == reporter and report.at >= since
        ]
        return sorted(filed, key=lambda report: (report.at, report.id), reverse=True)[:limit]

    async def evidence(self, case: str) -> list[Evidence]:
        return [evidence for evidence in self._evidence.values() if evidence.case == case]

    async def events(self, case: str) -> list[ModerationEvent]:
        return list(self._events.get(case, ()))

    async def events_since(self, at: int, limit: int) -> list[ModerationEvent]:
        found = [event for events in self._events.values() for event in events if event.at >= at]
        return sorted(found, key=lambda event: (event.at, event.case, event.n))[:limit]

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        found = [one for events in self._events.values() for one in events if one.number > number]
        return sorted(found, key=lambda event: event.number)[:limit]

    async def notices(self, user: str, now: int, limit: int = 100) -> list[Notice]:
        told = [
            notice
            for notice in self._notices.values()
            if notice.user == user and notice.show_at <= now
        ]
        return sorted(told, key=lambda notice: (notice.show_at, notice.id), reverse=True)[:limit]

    async def notice(self, user: str, id: str) -> Notice | None:
        notice = self._notices.get(id)
        return notice if notice is not None and notice.user == user else None

    async def mark_read(self, user: str, id: str) -> None:
        notice = await self.notice(user, id)
        if notice is not None:
            self._notices[id] = replace(notice, read=True)

    async def staff_log(self, after: int, limit: int) -> list[StaffEntry]:
        return self.log[after : after + limit]

    async def reporters_of(self, subject: str, since: int) -> int:
        return len(
            {
                report.reporter
                for report in self._reports.values()
                if report.subject == subject and report.at >= since
            }
        )

    def everything(self) -> bytes:
        """Return all that is kept as JSON, for tests of what must not have changed."""
        return msgspec.json.encode(
            (
                self._cases,
                self._reports,
                self._evidence,
                self._events,
                self._notices,
                self.tasks,
                self.log,
            )
        )


def _add(kept: dict[str, Kept], new: Iterable[Kept]) -> None:
    """Keep what is new; what is there already stays as it is."""
    for one in new:
        kept.setdefault(one.id, one)


def _place(case: Case, page: QueuePage) -> tuple[int, int, bool, str]:
    return (case.rank if page.by_rank else 0, case.due, not case.minor, case.id)
