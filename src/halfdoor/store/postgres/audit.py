"""Recomputes the chain of every conversation from the database alone (SEALING §3, order)."""

from collections.abc import AsyncIterator
from typing import Any, Final

from halfdoor.sealing.outer import RowMacError
from halfdoor.store.chain_walk import BrokenError, ChainReport, Walk, sound
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.postgres.statements import statements
from halfdoor.store.retired import checked
from halfdoor.store.sqlite.events import open_row

_SQL: Final = statements("maintenance")
# A list of millions takes longer than any request may.
_LIST_SECONDS: Final = 600.0


async def chains(store: PostgresStore) -> AsyncIterator[ChainReport]:
    """Check every conversation: numbers without gaps, bodies or their hashes, each epoch's start.

    A body that was destroyed is stood for by the hash it left. Needs the outer key, no user's.
    Sees one moment of the database, also while it is written to.
    """
    await store.keys.refresh(store.database)
    async with store.database.snapshot(Side.CONVERSATIONS) as con:
        found = await con.fetch(_SQL["conversations"], timeout=_LIST_SECONDS)
        for cb, c, conv, *head in found:
            try:
                counts = await _check(con, store.keys, (cb, c), conv, head)
            except (BrokenError, RowMacError) as broken:
                yield ChainReport(conv, ok=False, detail=str(broken))
            else:
                yield sound(conv, *counts)


async def some_bodies(store: PostgresStore, enough: int) -> list[bytes]:
    """Return about *enough* bodies of events with the outer layer lifted."""
    bodies: list[bytes] = []
    async with store.database.snapshot(Side.CONVERSATIONS) as con:
        async for cb, c, conv, *_head in con.cursor(_SQL["conversations"], prefetch=50):
            for seq, packed, sealed in await con.fetch(_SQL["events_of"], cb, c):
                row = open_row(store.keys.outer, conv, seq, packed, sealed)
                if row.body is not None:
                    bodies.append(row.body)
            if len(bodies) > enough:
                break
    return bodies


async def _check(
    con: Connection, keys: Keys, place: tuple[int, int], conv: str, head: list[Any]
) -> tuple[int, int]:
    """Return how many events make the chain of *conv* and how many are gone, or `BrokenError`."""
    last_seq, newest, newest_hh, end, begins = head
    retired = checked(keys, conv, await con.fetchrow(_SQL["retired_of"], *place))
    if retired.seq != begins:
        raise BrokenError("it begins elsewhere than retention ended")
    epochs = await con.fetch(_SQL["epochs_of"], *place)
    walk = Walk(keys.outer, conv, retired, [tuple(row) for row in epochs])
    async for row in con.cursor(_SQL["state_before"], *place, begins, prefetch=500):
        walk.keep(*row)
    async for row in con.cursor(_SQL["events_from"], *place, begins, prefetch=500):
        walk.take(*row)
    walk.end(last_seq, newest, newest_hh, end)
    return walk.counts
