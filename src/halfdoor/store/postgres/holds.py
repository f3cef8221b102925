"""The end of what was redacted: held bodies go when their time has come, then their keys."""

from typing import Final

from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("maintenance")
_AT_ONCE: Final = 200


async def destroy_held(database: Database, keys: Keys, now_ms: int) -> int:
    """Delete every held body with `destroy_after` up to *now_ms*; return how many there were.

    Then hold keys that nothing is sealed under any more are destroyed. PostgreSQL does not
    overwrite what it deletes (decision 0012): what makes it unreadable is the end of its key.
    """
    # Another process may have destroyed some: nothing may be sealed under what is gone.
    await keys.refresh(database)

    async def destroy(con: Connection) -> int:
        due = [tuple(row) for row in await con.fetch(_SQL["due_holds"], now_ms, _AT_ONCE)]
        # Of two processes that sweep at once, each counts what it deleted itself.
        deleted = [await con.execute(_SQL["delete_hold"], *key) for key in due]
        await con.executemany(_SQL["delete_held_media"], due)
        return sum(done.endswith(" 1") for done in deleted)

    async def generations(con: Connection) -> set[int]:
        rows = await con.fetch(_SQL["hold_keys_in_use"])
        return {int.from_bytes(head, "big") for (head,) in rows}

    destroyed = 0
    found = _AT_ONCE
    while found == _AT_ONCE:
        found = await database.write(destroy, Side.CONVERSATIONS)
        destroyed += found
    in_use = await database.read(generations, Side.CONVERSATIONS)
    for number in keys.spent_holds(in_use):
        await keys.destroy(database, number)
    return destroyed
