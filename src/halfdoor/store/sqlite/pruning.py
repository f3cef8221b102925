"""Old inbox rows go: whoever was away for longer begins anew from the room list (SCALE §2)."""

import sqlite3
from typing import Final

from halfdoor.messaging.retention_store import Pruned
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("inbox_maintenance")
_PEOPLE: Final = 50
_ROWS: Final = 300


async def prune_inboxes(
    database: Database, after: tuple[int, int], today: int, days: int
) -> Pruned:
    """Drop some of what is older than *days* of the next people after the place *after*.

    Positions have no time, so each person's is noted every so many days, and what stood up to it
    goes when the note is that old. What is unread and counted stays, and the newest row does.
    """
    due = (*after, today - days, _PEOPLE)
    people = await database.read(lambda con: con.execute(_SQL["people"], due).fetchall())
    dropped = 0
    for ub, u, day, pos, newest in people:
        if day < 0:
            await _note(database, (ub, u), today, newest)
            continue
        found = await _drop(database, (ub, u), min(pos, newest - 1))
        dropped += found
        if found == _ROWS:
            # There is more of this person's: the next call begins with it.
            return Pruned(dropped, (ub, u - 1))
        await _note(database, (ub, u), today, newest)
    last = (people[-1][0], people[-1][1]) if len(people) == _PEOPLE else None
    return Pruned(dropped, last)


async def _note(database: Database, who: tuple[int, int], today: int, newest: int) -> None:
    await database.write(lambda con: con.execute(_SQL["note"], (today, newest, *who)), Side.PEOPLE)


async def _drop(database: Database, who: tuple[int, int], upto: int) -> int:
    """Drop some rows up to *upto*, and say in the same transaction that they may be gone."""
    rows = await database.read(
        lambda con: con.execute(_SQL["old_rows"], (*who, upto, _ROWS)).fetchall()
    )

    def write(con: sqlite3.Connection) -> None:
        con.execute(_SQL["drop_up_to"], (upto, *who))
        con.executemany(_SQL["drop_row"], [(*who, pos) for (pos,) in rows])

    if rows:
        await database.write(write, Side.PEOPLE)
    return len(rows)
