"""The review desk in SQLite, as `readers.review.store` promises it."""

import heapq
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, final

from msgspec.structs import replace

from halfdoor.readers.review.records import (
    Case,
    CaseState,
    Evidence,
    ModerationEvent,
    Notice,
    Report,
    StaffEntry,
)
from halfdoor.readers.review.store import Counts, DeskChange, QueuePage
from halfdoor.store.desk_changes import (
    Kept,
    check_lines,
    job_of,
    lengthened,
    numbered,
    plan,
    touched,
    without_note,
)
from halfdoor.store.desk_pages import FIRST, Place, filters, page_key
from halfdoor.store.desk_rows import EVENT, LINE, UB, CaseRow, DeskRows, Head, is_id
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.jobs import add_job
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

R = TypeVar("R")

_SQL: Final = statements("desk")


@final
class SqliteDesk:
    """A `DeskStore` on the people's side."""

    def __init__(self, database: Database, keys: Keys, rows: DeskRows) -> None:
        self._database = database
        self._keys = keys
        self._rows = rows

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        """Write *change* in one transaction and return its cases with their new revisions.

        `StaleCaseError`, `UnknownCaseError`: nothing was written.
        """
        ids = touched(change)
        written = await self._database.write(lambda con: self._commit(con, ids, change))
        if change.destroyed:
            # Also from the log of the file, as far as no reader stands in the way.
            await self._database.checkpoint()
        return written

    async def case(self, id: str) -> Case | None:
        """Return a case, None where there is none."""
        found = await self._database.read(lambda con: self._case(con, id))
        return None if found is None else found.case

    async def open_case(self, subject: str, queue: str) -> Case | None:
        """Return the case about *subject* in *queue* that takes further reports, the oldest."""
        key = (UB, self._rows.name("subject", subject), queue)
        return next(iter(await self._cases("open_case", key)), None)

    async def cases_about(self, subject: str, limit: int = 100) -> list[Case]:
        """Return the cases about a person, newest first."""
        return await self._cases("cases_about", (UB, self._rows.name("subject", subject), limit))

    async def queue(self, page: QueuePage) -> list[Case]:
        """Return one page of cases."""

        def read(con: sqlite3.Connection) -> list[Case]:
            behind = FIRST
            if page.after is not None:
                after = self._case(con, page.after)
                behind = FIRST if after is None else page_key(after.case, page)
            places = heapq.merge(
                *(
                    self._places(con, page, queue, state, behind)
                    for queue in set(page.queues)
                    for state in set(page.states)
                )
            )
            wanted = [place[-1] for place, _ in zip(places, range(page.limit), strict=False)]
            found = [self._case(con, one) for one in wanted]
            return [row.case for row in found if row is not None]

        return await self._database.read(read)

    async def held_by(self, staff: str) -> list[Case]:
        """Return the cases that *staff* holds, whether or not the lease has ended."""
        return await self._cases("held_by", (UB, self._rows.name("holder", staff)))

    async def overdue(self, now: int, limit: int) -> list[Case]:
        """Return cases still to be claimed or decided whose time is over, and no alarm went off."""
        return await self._cases("overdue", (UB, now, limit))

    async def counts(self) -> list[Counts]:
        """Return how many cases stand where."""
        rows = await self._fetch("counts", (UB,))
        return [Counts(queue, CaseState(state), n, due) for queue, state, n, due in rows]

    async def report(self, id: str) -> Report | None:
        """Return a report."""
        if not is_id(id):
            return None
        return next(iter(await self._all("report", (UB, id), self._rows.report)), None)

    async def reports(self, case: str) -> list[Report]:
        """Return the reports of a case, oldest first."""
        return await self._of(case, "report", "reports", self._rows.report)

    async def reports_by(self, reporter: str, since: int, limit: int = 200) -> list[Report]:
        """Return what was filed in a person's name since a time, newest first."""
        key = (UB, self._rows.name("reporter", reporter), since, limit)
        return await self._all("reports_by", key, self._rows.report)

    async def evidence(self, case: str) -> list[Evidence]:
        """Return the evidence of a case, in the order it was handed over."""
        return await self._of(case, "evidence", "evidence", self._rows.evidence)

    async def events(self, case: str) -> list[ModerationEvent]:
        """Return what happened in a case, oldest first."""
        return await self._of(case, "event", "events", self._rows.event)

    async def events_since(self, at: int, limit: int) -> list[ModerationEvent]:
        """Return what happened in all cases since a time, oldest first."""
        return await self._all("events_since", (UB, at, limit), self._rows.event)

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        """Return what happened behind event *number* over all cases, in the order of numbers."""
        return await self._all("events_after", (UB, number, limit), self._rows.event)

    async def notices(self, user: str, now: int, limit: int = 100) -> list[Notice]:
        """Return what a person is told by *now*, newest first."""
        key = (UB, self._rows.person(user), now, limit)
        return await self._all("notices", key, self._rows.notice)

    async def notice(self, user: str, id: str) -> Notice | None:
        """Return one notice of a person."""
        if not is_id(id):
            return None
        key = (UB, id, self._rows.person(user))
        return next(iter(await self._all("notice", key, self._rows.notice)), None)

    async def mark_read(self, user: str, id: str) -> None:
        """Note that a person read a notice; nothing where they have none of this id."""
        if not is_id(id):
            return

        def write(con: sqlite3.Connection) -> None:
            row = con.execute(_SQL["notice"], (UB, id, self._rows.person(user))).fetchone()
            if row is not None:
                again = replace(self._rows.notice(row), read=True)
                con.execute(_SQL["put_notice"], (self._rows.notice_row(again)[-1], UB, id))

        await self._database.write(write)

    async def staff_log(self, after: int, limit: int) -> Sequence[StaffEntry]:
        """Return lines of the staff log behind number *after*, each checked against its chain."""

        def read(con: sqlite3.Connection) -> list[StaffEntry]:
            head = self._head(con, LINE)
            rows = con.execute(_SQL["lines"], (UB, after, limit + (after > 0)))
            found = [self._rows.line(row) for row in rows]
            return check_lines(self._rows, head, after, limit, found)

        return await self._database.read(read)

    async def reporters_of(self, subject: str, since: int) -> int:
        """Return how many different people reported *subject* since a time."""
        rows = await self._fetch("reporters_of", (UB, self._rows.name("subject", subject), since))
        count: int = rows[0][0]
        return count

    # --- inside ---------------------------------------------------------------------------------

    def _commit(
        self, con: sqlite3.Connection, ids: Sequence[str], change: DeskChange
    ) -> tuple[Case, ...]:
        rows = self._rows
        # 1. What is kept, and whether the change fits it. Nobody else writes meanwhile.
        found = {one: row for one in ids if (row := self._case(con, one)) is not None}
        kept = Kept(
            found,
            {one.id for one in change.reports if _there(con, "report", one.id)},
            {one.id for one in change.evidence if _there(con, "known_evidence", one.id)},
        )
        planned = plan(rows, change, kept)
        # 2. The rows.
        con.executemany(_SQL["add_case"], planned.new)
        con.executemany(_SQL["put_case"], planned.changed)
        con.executemany(_SQL["add_report"], planned.reports)
        con.executemany(_SQL["add_evidence"], planned.evidence)
        con.executemany(_SQL["add_notice"], planned.notices)
        for task in change.tasks:
            add_job(con, self._keys, job_of(task))
        for gone in change.destroyed:
            con.execute(_SQL["drop_evidence"], (UB, gone))
            reports = map(rows.report, con.execute(_SQL["reports"], (UB, gone)).fetchall())
            con.executemany(_SQL["put_report"], without_note(rows, reports))
        # 3. What is numbered over all cases, with the heads that go on with it.
        if planned.events:
            head, events = numbered(rows, self._head(con, EVENT), planned.events)
            con.executemany(_SQL["add_event"], events)
            con.execute(_SQL["put_head"], (UB, *rows.head_row(EVENT, head)))
        if change.log:
            head, lines = lengthened(self._head(con, LINE), change.log)
            con.executemany(_SQL["add_line"], [(UB, *rows.line_row(line)) for line in lines])
            con.execute(_SQL["put_head"], (UB, *rows.head_row(LINE, head)))
        return planned.written

    def _head(self, con: sqlite3.Connection, name: str) -> Head:
        """Return how far the numbers have come; where there are some, there is a head."""
        row = con.execute(_SQL["head"], (UB, name)).fetchone()
        if row is None:
            if con.execute(_SQL[f"any_{name}"], (UB,)).fetchone() is not None:
                raise self._rows.changed("head", "it is missing")
            return Head()
        return self._rows.head(name, row[0])

    def _case(self, con: sqlite3.Connection, id: str) -> CaseRow | None:
        if not is_id(id):
            return None
        row = con.execute(_SQL["case"], (UB, id)).fetchone()
        return None if row is None else self._rows.case(row)

    def _places(
        self, con: sqlite3.Connection, page: QueuePage, queue: str, state: CaseState, behind: Place
    ) -> list[Place]:
        wanted = [value for one in filters(self._rows, page) for value in (one, one)]
        if page.by_rank:
            key: tuple[Any, ...] = (UB, queue, state.value, *behind, *wanted, page.limit)
            return con.execute(_SQL["page_by_severity"], key).fetchall()
        key = (UB, queue, state.value, *behind[1:], *wanted, page.limit)
        return con.execute(_SQL["page_by_due"], key).fetchall()

    async def _of(
        self, case: str, table: str, statement: str, opened: Callable[[Sequence[Any]], R]
    ) -> list[R]:
        """Return all rows of a case, of which it says how many there are."""
        if not is_id(case):
            return []

        def read(con: sqlite3.Connection) -> list[R]:
            row = self._case(con, case)
            found = [opened(one) for one in con.execute(_SQL[statement], (UB, case))]
            self._rows.check_whole(table, len(found), getattr(row, statement, 0))
            return found

        return await self._database.read(read)

    async def _cases(self, statement: str, key: tuple[Any, ...]) -> list[Case]:
        return [row.case for row in await self._all(statement, key, self._rows.case)]

    async def _all(
        self, statement: str, key: tuple[Any, ...], opened: Callable[[Sequence[Any]], R]
    ) -> list[R]:
        return [opened(row) for row in await self._fetch(statement, key)]

    async def _fetch(self, statement: str, key: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self._database.read(lambda con: con.execute(_SQL[statement], key).fetchall())


def _there(con: sqlite3.Connection, statement: str, id: str) -> bool:
    return con.execute(_SQL[statement], (UB, id)).fetchone() is not None
