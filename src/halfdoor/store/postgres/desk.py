"""The review desk in PostgreSQL, as `readers.review.store` promises it; several servers use it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar, final

import asyncpg
from msgspec.structs import replace

from halfdoor.readers.review.errors import StaleCaseError
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
from halfdoor.store.desk_pages import FIRST, filters, page_key
from halfdoor.store.desk_rows import EVENT, LINE, UB, CaseRow, DeskRows, Head, is_id
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.jobs import add_job
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

R = TypeVar("R")

_SQL: Final = statements("desk")


@final
class PostgresDesk:
    """A `DeskStore` on the people's side. Its errors beside its own are those of `Database`."""

    def __init__(self, database: Database, keys: Keys, rows: DeskRows) -> None:
        self._database = database
        self._keys = keys
        self._rows = rows

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        """Write *change* in one transaction and return its cases with their new revisions.

        `StaleCaseError`, `UnknownCaseError`: nothing was written.
        """
        ids = touched(change)

        async def write(con: Connection) -> tuple[Case, ...]:
            return await self._commit(con, ids, change)

        try:
            return await self._newest(lambda: self._database.write(write))
        except asyncpg.UniqueViolationError as error:
            # Another server made the same at the same moment, and was first.
            raise StaleCaseError("somebody else was first: look again") from error

    async def case(self, id: str) -> Case | None:
        """Return a case, None where there is none."""
        if not is_id(id):
            return None
        return next(iter(await self._cases("case", UB, id)), None)

    async def open_case(self, subject: str, queue: str) -> Case | None:
        """Return the case about *subject* in *queue* that takes further reports, the oldest."""
        key = (UB, self._rows.name("subject", subject), queue)
        return next(iter(await self._cases("open_case", *key)), None)

    async def cases_about(self, subject: str, limit: int = 100) -> list[Case]:
        """Return the cases about a person, newest first."""
        return await self._cases("cases_about", UB, self._rows.name("subject", subject), limit)

    async def queue(self, page: QueuePage) -> list[Case]:
        """Return one page of cases."""
        after = None if page.after is None else await self.case(page.after)
        behind = FIRST if after is None else page_key(after, page)
        statement = "page_by_severity" if page.by_rank else "page_by_due"
        return await self._cases(
            statement,
            UB,
            sorted(set(page.queues)),
            sorted({state.value for state in page.states}),
            *(behind if page.by_rank else behind[1:]),
            *filters(self._rows, page),
            page.limit,
        )

    async def held_by(self, staff: str) -> list[Case]:
        """Return the cases that *staff* holds, whether or not the lease has ended."""
        return await self._cases("held_by", UB, self._rows.name("holder", staff))

    async def overdue(self, now: int, limit: int) -> list[Case]:
        """Return cases still to be claimed or decided whose time is over, and no alarm went off."""
        return await self._cases("overdue", UB, now, limit)

    async def counts(self) -> list[Counts]:
        """Return how many cases stand where."""
        rows = await self._fetch("counts", UB)
        return [Counts(queue, CaseState(state), n, due) for queue, state, n, due in rows]

    async def report(self, id: str) -> Report | None:
        """Return a report."""
        if not is_id(id):
            return None
        return next(iter(await self._all("report", self._rows.report, UB, id)), None)

    async def reports(self, case: str) -> list[Report]:
        """Return the reports of a case, oldest first."""
        return await self._of(case, "report", "reports", self._rows.report)

    async def reports_by(self, reporter: str, since: int, limit: int = 200) -> list[Report]:
        """Return what was filed in a person's name since a time, newest first."""
        name = self._rows.name("reporter", reporter)
        return await self._all("reports_by", self._rows.report, UB, name, since, limit)

    async def evidence(self, case: str) -> list[Evidence]:
        """Return the evidence of a case, in the order it was handed over."""
        return await self._of(case, "evidence", "evidence", self._rows.evidence)

    async def events(self, case: str) -> list[ModerationEvent]:
        """Return what happened in a case, oldest first."""
        return await self._of(case, "event", "events", self._rows.event)

    async def events_since(self, at: int, limit: int) -> list[ModerationEvent]:
        """Return what happened in all cases since a time, oldest first."""
        return await self._all("events_since", self._rows.event, UB, at, limit)

    async def events_after(self, number: int, limit: int) -> list[ModerationEvent]:
        """Return what happened behind event *number* over all cases, in the order of numbers."""
        return await self._all("events_after", self._rows.event, UB, number, limit)

    async def notices(self, user: str, now: int, limit: int = 100) -> list[Notice]:
        """Return what a person is told by *now*, newest first."""
        person = self._rows.person(user)
        return await self._all("notices", self._rows.notice, UB, person, now, limit)

    async def notice(self, user: str, id: str) -> Notice | None:
        """Return one notice of a person."""
        if not is_id(id):
            return None
        person = self._rows.person(user)
        return next(iter(await self._all("notice", self._rows.notice, UB, id, person)), None)

    async def mark_read(self, user: str, id: str) -> None:
        """Note that a person read a notice; nothing where they have none of this id."""
        if not is_id(id):
            return

        async def write(con: Connection) -> None:
            row = await con.fetchrow(_SQL["notice_locked"], UB, id, self._rows.person(user))
            if row is not None:
                again = replace(self._rows.notice(row), read=True)
                await con.execute(_SQL["put_notice"], self._rows.notice_row(again)[-1], UB, id)

        await self._newest(lambda: self._database.write(write))

    async def staff_log(self, after: int, limit: int) -> Sequence[StaffEntry]:
        """Return lines of the staff log behind number *after*, each checked against its chain."""

        async def read(con: Connection) -> tuple[Any, list[Any]]:
            sealed = await con.fetchval(_SQL["head"], UB, LINE)
            return sealed, await con.fetch(_SQL["lines"], UB, after, limit + (after > 0))

        async def ask() -> list[StaffEntry]:
            sealed, rows = await self._database.moment(read)
            if sealed is None and rows:
                raise self._rows.changed("head", "it is missing")
            head = Head() if sealed is None else self._rows.head(LINE, sealed)
            lines = [self._rows.line(row) for row in rows]
            return check_lines(self._rows, head, after, limit, lines)

        return await self._newest(ask)

    async def reporters_of(self, subject: str, since: int) -> int:
        """Return how many different people reported *subject* since a time."""
        rows = await self._fetch("reporters_of", UB, self._rows.name("subject", subject), since)
        count: int = rows[0][0]
        return count

    # --- inside ---------------------------------------------------------------------------------

    async def _commit(
        self, con: Connection, ids: Sequence[str], change: DeskChange
    ) -> tuple[Case, ...]:
        rows = self._rows
        # 1. What is kept, locked in one order, and whether the change fits it.
        found = [rows.case(row) for row in await con.fetch(_SQL["cases_locked"], UB, ids)]
        kept = Kept(
            {row.case.id: row for row in found},
            await _known(con, "known_reports", [one.id for one in change.reports]),
            await _known(con, "known_evidence", [one.id for one in change.evidence]),
        )
        planned = plan(rows, change, kept)
        # 2. The rows.
        await _many(con, "add_case", planned.new)
        await _many(con, "put_case", planned.changed)
        await _many(con, "add_report", planned.reports)
        await _many(con, "add_evidence", planned.evidence)
        await _many(con, "add_notice", planned.notices)
        for task in sorted(change.tasks, key=lambda task: task.id):
            await add_job(con, self._keys, job_of(task))
        for gone in sorted(change.destroyed):
            await con.execute(_SQL["drop_evidence"], UB, gone)
            reports = [rows.report(row) for row in await con.fetch(_SQL["reports"], UB, gone)]
            await _many(con, "put_report", without_note(rows, reports))
        # 3. What is numbered over all cases: whoever has the head writes, and the others wait for
        # the end of this, so that numbers become durable in their order.
        if planned.events:
            head, events = numbered(rows, await self._head(con, EVENT), planned.events)
            await _many(con, "add_event", events)
            await con.execute(_SQL["put_head"], UB, *rows.head_row(EVENT, head))
        if change.log:
            head, lines = lengthened(await self._head(con, LINE), change.log)
            await _many(con, "add_line", [(UB, *rows.line_row(line)) for line in lines])
            await con.execute(_SQL["put_head"], UB, *rows.head_row(LINE, head))
        return planned.written

    async def _head(self, con: Connection, name: str) -> Head:
        """Lock and return how far the numbers have come; where there are some, there is a head."""
        sealed = await con.fetchval(_SQL["head_locked"], UB, name)
        if sealed is None:
            made = await con.execute(_SQL["add_head"], UB, *self._rows.head_row(name, Head()))
            if made.endswith(" 1") and await con.fetchval(_SQL[f"any_{name}"], UB) is not None:
                raise self._rows.changed("head", "it is missing")
            sealed = await con.fetchval(_SQL["head_locked"], UB, name)
        return self._rows.head(name, sealed)

    async def _of(
        self, case: str, table: str, statement: str, opened: Callable[[Sequence[Any]], R]
    ) -> list[R]:
        """Return all rows of a case, of which it says how many there are."""
        if not is_id(case):
            return []

        async def read(con: Connection) -> tuple[Any, list[Any]]:
            return await con.fetchrow(_SQL["case"], UB, case), await con.fetch(
                _SQL[statement], UB, case
            )

        async def ask() -> list[R]:
            row, rows = await self._database.moment(read)
            holder: CaseRow | None = None if row is None else self._rows.case(row)
            found = [opened(one) for one in rows]
            self._rows.check_whole(table, len(found), getattr(holder, statement, 0))
            return found

        return await self._newest(ask)

    async def _cases(self, statement: str, *key: Any) -> list[Case]:
        return [row.case for row in await self._all(statement, self._rows.case, *key)]

    async def _all(
        self, statement: str, opened: Callable[[Sequence[Any]], R], *key: Any
    ) -> list[R]:
        async def ask() -> list[R]:
            return [opened(row) for row in await self._fetch(statement, *key)]

        return await self._newest(ask)

    async def _fetch(self, statement: str, *key: Any) -> list[Any]:
        async def read(con: Connection) -> list[Any]:
            found: list[Any] = await con.fetch(_SQL[statement], *key)
            return found

        return await self._database.read(read)

    async def _newest(self, ask: Callable[[], Awaitable[R]]) -> R:
        return await self._keys.with_newest(self._database, ask)


async def _known(con: Connection, statement: str, ids: list[str]) -> set[str]:
    if not ids:
        return set()
    return {row[0] for row in await con.fetch(_SQL[statement], UB, ids)}


async def _many(con: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await con.executemany(_SQL[statement], rows)
