"""The end of what was redacted: held bodies are overwritten when their time has come."""

import asyncio
import sqlite3
from typing import Final

from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("maintenance")
_AT_ONCE: Final = 200
_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.05


async def destroy_held(database: Database, keys: Keys, now_ms: int) -> int:
    """Overwrite every held body with `destroy_after` up to *now_ms*; return how many there were.

    Then the logs are emptied, so that no older copy of the bytes is left in a file, and hold keys
    that nothing is sealed under any more are destroyed. Backups keep what they have.
    """
    destroyed = 0
    while True:
        found = await database.write(lambda con: _destroy(con, now_ms), Side.CONVERSATIONS)
        destroyed += found
        if found < _AT_ONCE:
            break
    for _ in range(_ATTEMPTS if destroyed else 0):
        if await database.checkpoint():
            break
        # A reader was in the way; reads are short.
        await asyncio.sleep(_PAUSE_SECONDS)
    in_use = await database.read(_generations, Side.CONVERSATIONS)
    for number in keys.spent_holds(in_use):
        await keys.destroy(database, number)
    return destroyed


def _destroy(con: sqlite3.Connection, now_ms: int) -> int:
    """Delete a few due rows; the connection overwrites what it deletes (`secure_delete`)."""
    due = con.execute(_SQL["due_holds"], (now_ms, _AT_ONCE)).fetchall()
    con.executemany(_SQL["delete_hold"], due)
    con.executemany(_SQL["delete_held_media"], due)
    return len(due)


def _generations(con: sqlite3.Connection) -> set[int]:
    """Return the generations under which holds are sealed."""
    return {int.from_bytes(head, "big") for (head,) in con.execute(_SQL["hold_keys_in_use"])}
