"""Where the review desk keeps what it knows: stated here, implemented in `store/`."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from halfdoor.readers.review.records import (
    Case,
    CaseState,
    Evidence,
    ModerationEvent,
    Notice,
    Report,
    StaffEntry,
    Task,
)


class DeskChange(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes durable together, or not at all.

    Each of `cases` carries the revision it was read with (0: it is new); the store writes the next
    one. `events` have n = 0: the store gives the next number in their case. `log` lines have n = 0
    and no chain: the store appends them to the staff log. A task, report, evidence or notice whose
    id is there already stays as it is. `events` have number = 0 too: the store gives the next one
    over all cases. Of the cases in `destroyed` every piece of evidence is deleted, and of their
    reports the note: what stays tells that they were, and when they were destroyed.
    """

    cases: tuple[Case, ...] = ()
    reports: tuple[Report, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    events: tuple[ModerationEvent, ...] = ()
    log: tuple[StaffEntry, ...] = ()
    notices: tuple[Notice, ...] = ()
    tasks: tuple[Task, ...] = ()
    destroyed: tuple[str, ...] = ()


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases to list: of these queues and states, after the case `after` of the last page.

    The order is: most severe first where `by_rank`, then least time left, minors before others of
    the same time, then id. Filters that are None take all. An `after` that is gone begins anew.
    """

    queues: tuple[str, ...]
    states: tuple[CaseState, ...] = (CaseState.OPEN,)
    minor: bool | None = None
    language: str | None = None
    reason: str | None = None
    after: str | None = None
    limit: int = 50
    by_rank: bool = False


class Counts(msgspec.Struct, frozen=True):
    """How many cases of a queue stand in a state, and the earliest due of them."""

    queue: str
    state: CaseState
    cases: int
    due: int


class DeskStore(Protocol):
    """Everything is durable before it returns. Changed rows are refused, with an alarm."""

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        """Write *change* and return its cases with their new revisions.

        `StaleCaseError` where one of the cases has another revision by now, `UnknownCaseError`
        where a report, a piece of evidence or an event belongs to no case; then nothing is
        written.
        """

    async def case(self, id: str) -> Case | None:
        """Return a case, None where there is none."""

    async def open_case(self, subject: str, queue: str) -> Case | None:
        """Return the case about *subject* in *queue* that takes further reports, if there is one.

        It is neither decided nor closed, and of kind report; of several the oldest.
        """

    async def cases_about(self, subject: str, limit: int = 100) -> list[Case]:
        """Return the cases about a person, newest first."""

    async def queue(self, page: QueuePage) -> list[Case]:
        """Return one page of cases."""

    async def held_by(self, staff: str) -> list[Case]:
        """Return the cases that *staff* holds, whether or not the lease has ended."""

    async def overdue(self, now: int, limit: int) -> list[Case]:
        """Return cases still to be claimed or decided whose time is over, and no alarm went off."""

    async def counts(self) -> list[Counts]:
        """Return how many cases stand where, for boards and metrics."""

    async def report(self, id: str) -> Report | None:
        """Return a report."""

    async def reports(self, case: str) -> list[Report]:
        """Return the reports of a case, oldest first."""

    async def reports_by(self, reporter: str, since: int, limit: int = 200) -> list[Report]:
        """Return what was filed in a person's name since a time, newest first."""

    async def evidence(self, case: str) -> list[Evidence]:
        """Return the evidence of a case, in the order it was handed over."""

    async def events(self, case: str) -> list[ModerationEvent]:
        """Return what happened in a case, oldest first."""

    async def events_since(self, at: int, limit: int) -> list[ModerationEvent]:
        """Return what happened in all cases since a time, oldest first; for boards and webhooks."""

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        """Return what happened behind event *number* over all cases, in the order of numbers."""

    async def notices(self, user: str, now: int, limit: int = 100) -> list[Notice]:
        """Return what a person is told by *now*, what shows since last first."""

    async def notice(self, user: str, id: str) -> Notice | None:
        """Return one notice of a person."""

    async def mark_read(self, user: str, id: str) -> None:
        """Note that a person read a notice."""

    async def staff_log(self, after: int, limit: int) -> Sequence[StaffEntry]:
        """Return lines of the staff log behind number *after*, each checked against its chain."""

    async def reporters_of(self, subject: str, since: int) -> int:
        """Return how many different people reported *subject* since a time."""
