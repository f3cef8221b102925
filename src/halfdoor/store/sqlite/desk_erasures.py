"""Takes a person out of the review desk in SQLite, in the caller's transaction (0018)."""

import sqlite3
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
from halfdoor.store.desk_rows import UB, DeskRows
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("desk")


def leave_desk(con: sqlite3.Connection, rows: DeskRows, user: str, keeping: Keeping) -> Left:
    """Forget some of what the desk holds of *user*; cases stay where they must."""
    con.execute(_SQL["drop_notices_to"], (UB, rows.person(user)))
    staying, todo = False, CASES_AT_ONCE
    # 1. What they reported.
    key = (UB, rows.name("reporter", user), 0, ABOUT_AT_ONCE)
    filed = [rows.report(row) for row in con.execute(_SQL["reports_by"], key)]
    for case in sorted({report.case for report in filed}):
        if not todo:
            return Left.MORE
        found = _case(con, rows, case)
        if found is None:
            raise rows.changed("case", "a report has none")
        family = _family(con, rows, found)
        if stays(found, family, keeping, about=False):
            staying = True
            continue
        for one in (case, *contests(family, case)):
            _forget_in(con, rows, user, one)
        todo -= 1
    # 2. What is about them.
    for case in [one.id for one in _about(con, rows, user)]:
        if not todo:
            return Left.MORE
        found = _case(con, rows, case)
        if found is None or stays(found, _family(con, rows, found), keeping, about=True):
            staying = True
            continue
        for statement in ("reports", "evidence", "events", "notices_of", "case"):
            con.execute(_SQL[f"drop_{statement}"], (UB, case))
        todo -= 1
    return Left.STAYS if staying else Left.NOTHING


def _case(con: sqlite3.Connection, rows: DeskRows, case: str) -> Case | None:
    row = con.execute(_SQL["case"], (UB, case)).fetchone()
    return None if row is None else rows.case(row).case


def _about(con: sqlite3.Connection, rows: DeskRows, user: str) -> list[Case]:
    about = con.execute(_SQL["cases_about"], (UB, rows.name("subject", user), ABOUT_AT_ONCE))
    return [rows.case(row).case for row in about.fetchall()]


def _family(con: sqlite3.Connection, rows: DeskRows, case: Case) -> dict[str, Case]:
    """Return the cases about the same person, and those that this one was merged into."""
    family = {one.id: one for one in _about(con, rows, case.subject)}
    seen, name = {case.id}, case.merged_into
    while name is not None and name not in seen:
        seen.add(name)
        into = family.get(name) or _case(con, rows, name)
        if into is None:
            break
        family[name], name = into, into.merged_into
    return family


def _forget_in(con: sqlite3.Connection, rows: DeskRows, user: str, case: str) -> None:
    row = rows.case(con.execute(_SQL["case"], (UB, case)).fetchone())
    reports = [rows.report(one) for one in con.execute(_SQL["reports"], (UB, case))]
    evidence = [
        (one[1], rows.evidence(one)) for one in con.execute(_SQL["evidence"], (UB, case)).fetchall()
    ]
    events = [rows.event(one) for one in con.execute(_SQL["events"], (UB, case))]
    done = forgotten(rows, user, row, reports, evidence, events)
    con.executemany(_SQL["put_case"], done.cases)
    con.executemany(_SQL["put_report"], done.reports)
    con.executemany(_SQL["put_evidence"], done.evidence)
    con.executemany(_SQL["put_event"], done.events)
