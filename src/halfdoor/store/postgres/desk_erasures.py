"""Takes a person out of the review desk in PostgreSQL, in the caller's transaction (0018)."""

from typing import Final

from halfdoor.readers.review.records import Case
from halfdoor.store.desk_erasing import (
    ABOUT_AT_ONCE,
    CASES_AT_ONCE,
    Keeping,
    Left,
    contests,
    forgotten,
    stays,
)
from halfdoor.store.desk_rows import UB, CaseRow, DeskRows
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("desk")


async def leave_desk(con: Connection, rows: DeskRows, user: str, keeping: Keeping) -> Left:
    """Forget some of what the desk holds of *user*; cases stay where they must."""
    await con.execute(_SQL["drop_notices_to"], UB, rows.person(user))
    staying, todo = False, CASES_AT_ONCE
    # 1. What they reported.
    name = rows.name("reporter", user)
    filed = await con.fetch(_SQL["reports_by"], UB, name, 0, ABOUT_AT_ONCE)
    for case in sorted({rows.report(row).case for row in filed}):
        if not todo:
            return Left.MORE
        found = await _case(con, rows, case)
        if found is None:
            raise rows.changed("case", "a report has none")
        family = await _family(con, rows, found)
        if stays(found, family, keeping, about=False):
            staying = True
            continue
        for one in sorted((case, *contests(family, case))):
            await _forget_in(con, rows, user, one)
        todo -= 1
    # 2. What is about them.
    for case in sorted(one.id for one in await _about(con, rows, user)):
        if not todo:
            return Left.MORE
        # Locked before it is looked at: somebody may report anew meanwhile.
        locked = await _locked(con, rows, case)
        if locked is None or stays(
            locked.case, await _family(con, rows, locked.case), keeping, about=True
        ):
            staying = True
            continue
        for statement in ("reports", "evidence", "events", "notices_of", "case"):
            await con.execute(_SQL[f"drop_{statement}"], UB, case)
        todo -= 1
    return Left.STAYS if staying else Left.NOTHING


async def _case(con: Connection, rows: DeskRows, case: str) -> Case | None:
    row = await con.fetchrow(_SQL["case"], UB, case)
    return None if row is None else rows.case(row).case


async def _locked(con: Connection, rows: DeskRows, case: str) -> CaseRow | None:
    row = await con.fetchrow(_SQL["cases_locked"], UB, [case])
    return None if row is None else rows.case(row)


async def _about(con: Connection, rows: DeskRows, user: str) -> list[Case]:
    about = await con.fetch(_SQL["cases_about"], UB, rows.name("subject", user), ABOUT_AT_ONCE)
    return [rows.case(row).case for row in about]


async def _family(con: Connection, rows: DeskRows, case: Case) -> dict[str, Case]:
    """Return the cases about the same person, and those that this one was merged into."""
    family = {one.id: one for one in await _about(con, rows, case.subject)}
    seen, name = {case.id}, case.merged_into
    while name is not None and name not in seen:
        seen.add(name)
        into = family.get(name) or await _case(con, rows, name)
        if into is None:
            break
        family[name], name = into, into.merged_into
    return family


async def _forget_in(con: Connection, rows: DeskRows, user: str, case: str) -> None:
    row = await _locked(con, rows, case)
    if row is None:
        # Gone meanwhile, with all that belonged to it.
        return
    reports = [rows.report(one) for one in await con.fetch(_SQL["reports"], UB, case)]
    evidence = [(one[1], rows.evidence(one)) for one in await con.fetch(_SQL["evidence"], UB, case)]
    events = [rows.event(one) for one in await con.fetch(_SQL["events"], UB, case)]
    done = forgotten(rows, user, row, reports, evidence, events)
    await con.executemany(_SQL["put_case"], done.cases)
    await con.executemany(_SQL["put_report"], done.reports)
    await con.executemany(_SQL["put_evidence"], done.evidence)
    await con.executemany(_SQL["put_event"], done.events)
