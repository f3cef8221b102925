"""Old inbox rows go: whoever was away for longer begins anew from the room list (SCALE §2)."""

from typing import Any, Final

from halfdoor.messaging.retention_store import Pruned
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.statements import statements

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

    async def due(con: Connection) -> list[Any]:
        return list(await con.fetch(_SQL["people"], *after, today - days, _PEOPLE))

    people = await database.read(due)
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
    await database.write(lambda con: con.execute(_SQL["note"], today, newest, *who))


async def _drop(database: Database, who: tuple[int, int], upto: int) -> int:
    """Drop some rows up to *upto*, and say in the same transaction that they may be gone."""

    async def write(con: Connection) -> int:
        rows = await con.fetch(_SQL["old_rows"], *who, upto, _ROWS)
        if rows:
            await con.execute(_SQL["drop_up_to"], upto, *who)
            await con.executemany(_SQL["drop_row"], [(*who, pos) for (pos,) in rows])
        return len(rows)

    return await database.write(write)
