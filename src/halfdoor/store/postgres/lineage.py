"""After a restore or a failover every stream goes on at positions no client has seen (SCALE §3)."""

from typing import Final

from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.connect import Connection, open_one
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("server_maintenance")


async def read_restores(con: Connection) -> int:
    """Return how often the people's side went on from an older copy of itself.

    The database is known by its cluster, its name there and the cluster's timeline. Where that
    differs from what was noted, this is a copy that was put in its place or a standby that was
    promoted, and what the old one gave out last may be missing: the number goes up by one.
    """
    mark = await con.fetchval(_SQL["mark"])
    restores, known = await con.fetchrow(_SQL["lineage"])
    if known == mark:
        return int(restores)
    async with con.transaction():
        # Another process may have seen it too.
        restores, known = await con.fetchrow(_SQL["lock_lineage"])
        if known != mark:
            restores = restores + 1 if known else restores
            await con.execute(_SQL["set_lineage"], restores, mark)
    return int(restores)


async def count_restore(address: Address, least: int = 1) -> int:
    """Note that the people's side was put back to an older state; return the new count.

    The count goes up by one, and to *least* if that is more.

    To be called on the restored database before it is opened again, where the restore left no
    other trace (the folder of a stopped server was copied back). `StoreUnavailableError` where it
    cannot be reached.
    """
    con = await open_one(address)
    try:
        async with con.transaction():
            restores, mark = await con.fetchrow(_SQL["lock_lineage"])
            counted = max(int(restores) + 1, least)
            await con.execute(_SQL["set_lineage"], counted, mark)
        return counted
    finally:
        await con.close()
