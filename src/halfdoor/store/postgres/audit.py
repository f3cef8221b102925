"""Recomputes the chain of every conversation from the database alone (SEALING §3, order)."""

from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from halfdoor.sealing.chain import extended
from halfdoor.sealing.labels import Denied
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Side
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.postgres.statements import statements
from halfdoor.store.sqlite.events import link_of, open_row

_SQL: Final = statements("maintenance")
# A list of millions takes longer than any request may.
_LIST_SECONDS: Final = 600.0


class ChainReport(NamedTuple):
    """Whether the events of *conv* make its chain; *detail* says how many, or what is wrong."""

    conv: str
    ok: bool
    detail: str


class _BrokenError(Exception):
    """The chain does not hold; the message says where."""


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
                count = await _check(con, store.keys, (cb, c), conv, head)
            except _BrokenError as broken:
                yield ChainReport(conv, ok=False, detail=str(broken))
            else:
                yield ChainReport(conv, ok=True, detail=f"{count} events")


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
) -> int:
    """Return how many events make the chain of *conv*, else raise `_BrokenError`."""
    last_seq, newest, newest_hh, end = head
    epochs = [tuple(row) for row in await con.fetch(_SQL["epochs_of"], *place)]
    if [number for number, *_ in epochs] != list(range(1, newest + 1)) or not epochs:
        raise _BrokenError("an epoch is missing")
    if epochs[-1][1] != newest_hh:
        raise _BrokenError("the newest epoch is another than the conversation's")
    # A chain begins in the header of its first epoch.
    chain, epoch, count = epochs[0][1], 0, 0
    waiting = deque(epochs)
    async for seq, packed, sealed in con.cursor(_SQL["events_of"], *place, prefetch=500):
        count += 1
        if seq != count:
            raise _BrokenError(f"event {count} is missing")
        while waiting and waiting[0][2] == seq:
            epoch = _enter(waiting.popleft(), chain)
        try:
            row = open_row(keys.outer, conv, seq, packed, sealed)
        except Denied:
            raise _BrokenError(f"event {seq} does not open in its place") from None
        if row.epoch != epoch:
            raise _BrokenError(f"event {seq} belongs to another epoch")
        chain = extended(chain, link_of(seq, packed, row))
    if count != last_seq or any(first != last_seq + 1 for _, _, first, _ in waiting):
        raise _BrokenError("events are missing at the end")
    for started in waiting:
        _enter(started, chain)
    if chain != end:
        raise _BrokenError("the events do not make the chain that is stored")
    return count


def _enter(started: tuple[int, bytes, int, bytes], chain: bytes) -> int:
    """Return the number of an epoch that begins at *chain*, else raise `_BrokenError`."""
    number, _, _, chain0 = started
    if chain0 != chain:
        raise _BrokenError(f"the events before epoch {number} do not make the chain it began at")
    return number
