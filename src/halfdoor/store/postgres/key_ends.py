"""Keys that end: those of holds on conversations, and those of months (SEALING §2)."""

from typing import Final

from halfdoor.clock import month_of
from halfdoor.store.generations import FREEZES, MONTHS
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("keys")


async def ready_freeze(database: Database, keys: Keys) -> int:
    """Return the generation for holds on conversations that begin now; its key is durable.

    One for each month; where all are in use, the newest serves another month.
    """
    await keys.refresh(database)
    made = keys.made(FREEZES)
    number = next((n for n in made if month_of(made[n]) == keys.month()), None)
    if number is None:
        number = next((n for n in FREEZES if n not in made), None)
        if number is None:
            return max(made, key=lambda n: made[n])
        await keys.make(database, number)
    return number


async def is_there(con: Connection, number: int) -> bool:
    """Tell whether a key is there, and let nobody destroy it before this transaction ends."""
    return await con.fetchval(_SQL["has_key"], number) is not None


async def end_freezes(database: Database, keys: Keys) -> list[int]:
    """Destroy the keys of holds on conversations that no hold names; return which."""

    async def end(con: Connection) -> list[int]:
        # No hold begins meanwhile: it looks for its key first.
        await con.execute(_SQL["lock_for_end"])
        await keys.load(con)
        in_use = {row[0] for row in await con.fetch(_SQL["freezes_in_use"])}
        spent = [n for n in keys.made(FREEZES) if n not in in_use]
        for number in spent:
            await con.execute(_SQL["delete"], number)
        return spent

    spent = await database.write(end, Side.CONVERSATIONS)
    await keys.refresh(database)
    return spent


async def end_months(database: Database, keys: Keys, last: int) -> list[int]:
    """Destroy the keys of all months up to *last*; no row is sealed under one again."""
    last = min(last, keys.month() - 1)
    gone = [n for n in keys.made(MONTHS) if n <= last]
    if last < MONTHS[0]:
        return []

    async def end(con: Connection) -> None:
        # In one transaction: a month whose key is gone is known to have ended.
        await con.execute(_SQL["end_months_at"], last)
        await con.execute(_SQL["end_months"], last)

    # Before: whoever seals from here on seals under a month that stays.
    keys.ended = max(keys.ended, last)
    await database.write(end, Side.CONVERSATIONS)
    await keys.refresh(database)
    return gone
