"""Reading a conversation: its events, its state log, who relates to what."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from halfdoor.ids import BadId, bucket
from halfdoor.messaging.ledger import Receipt, RoomRecord, StoredEvent
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.epoch_rows import open_state
from halfdoor.store.postgres.epochs import read_header
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.standings import Standing, load_members, read_standing
from halfdoor.store.postgres.statements import statements
from halfdoor.store.sqlite.events import id_bytes, open_row, stored

_SQL: Final = statements("timeline")
_MEMBER: Final = "m.room.member"
_RELATED: Final = 1000


async def read_room(con: Connection, keys: Keys, conv: str) -> RoomRecord | None:
    """Return all the server needs of *conv* to judge a request.

    `RowMacError` if the state log and the member rows, which bear macs, tell different things:
    then somebody changed, hid or moved a row without the outer key.
    """
    at = await read_standing(con, conv)
    if at is None:
        return None
    place = (at.cb, at.c)
    log = _events(keys, conv, await con.fetch(_SQL["state_log"], *place))
    await load_members(con, keys, [at])
    _check_members(at, log)
    header = await read_header(con, keys.outer, at)
    states = [
        open_state(keys.outer, conv, kind, key, sealed)
        for kind, key, sealed in await con.fetch(_SQL["sealed_state"], *place)
    ]
    receipts = await _receipts(con, place)
    return RoomRecord(conv, at.head(), header, tuple(log), tuple(states), receipts, at.begins)


async def read_event(con: Connection, keys: Keys, conv: str, event_id: str) -> StoredEvent | None:
    """Return one event; an id that is none of ours finds nothing."""
    try:
        packed = id_bytes(event_id)
    except BadId:
        return None
    found = _events(keys, conv, await con.fetch(_SQL["by_id"], bucket(conv), conv, packed))
    return found[0] if found else None


async def read_events(
    con: Connection,
    keys: Keys,
    conv: str,
    between: tuple[int, int],
    *,
    limit: int,
    newest_first: bool,
) -> list[StoredEvent]:
    """Return events whose seq lies strictly *between* the two, at most *limit*."""
    statement = _SQL["backward" if newest_first else "forward"]
    rows = await con.fetch(statement, bucket(conv), conv, *between, limit)
    return _events(keys, conv, rows)


async def read_held(con: Connection, keys: Keys, conv: str, seq: int, now_ms: int) -> bytes | None:
    """Return the body of a redacted event that is not due to be destroyed yet."""
    place = await _place(con, conv)
    if place is None:
        return None
    sealed = await con.fetchval(_SQL["held"], *place[:2], seq, now_ms)
    return None if sealed is None else keys.outer.open("hold", conv, (conv, seq), sealed)


async def read_relations(
    con: Connection, keys: Keys, conv: str, target: str, *, before: int, limit: int
) -> list[StoredEvent]:
    """Return events that relate to *target*, newest first."""
    place = await _place(con, conv)
    if place is None:
        return []
    rows = await con.fetch(_SQL["relations"], *place, target, before, limit)
    return [event for event in _events(keys, conv, rows) if event.fields.target == target]


async def read_related(
    con: Connection, keys: Keys, conv: str, targets: Sequence[str], rel_type: str
) -> list[StoredEvent]:
    """Return the newest events that relate so to any of *targets*, oldest first."""
    place = await _place(con, conv)
    if place is None:
        return []
    wanted = set(targets)
    rows = await con.fetch(_SQL["related"], *place, list(wanted), rel_type, _RELATED)
    # The relation is sealed with the event, so the index cannot be made to say otherwise.
    return [
        event
        for event in reversed(_events(keys, conv, rows))
        if event.fields.rel_type == rel_type and event.fields.target in wanted
    ]


async def read_receipts(con: Connection, conv: str) -> tuple[Receipt, ...]:
    """Return the receipts of *conv* as they stand."""
    place = await _place(con, conv)
    return () if place is None else await _receipts(con, place[:2])


async def _receipts(con: Connection, place: tuple[int, int]) -> tuple[Receipt, ...]:
    return tuple(
        Receipt(user, kind, thread or None, event_id, seq, ts)
        for user, kind, thread, event_id, seq, ts in await con.fetch(_SQL["receipts"], *place)
    )


async def _place(con: Connection, conv: str) -> tuple[int, int, int] | None:
    """Return bucket and number of *conv*, and the event it begins with."""
    cb = bucket(conv)
    row = await con.fetchrow(_SQL["number"], cb, conv)
    return None if row is None else (cb, row[0], row[1])


def _events(keys: Keys, conv: str, rows: Iterable[Any]) -> list[StoredEvent]:
    """Return the events of *rows*, opened one by one; a row that was moved is `Denied`."""
    return [
        stored(seq, packed, open_row(keys.outer, conv, seq, packed, sealed))
        for seq, packed, sealed in rows
    ]


def _check_members(at: Standing, log: list[StoredEvent]) -> None:
    """Refuse a state log that does not hold the newest membership event of each member row."""
    newest = {event.fields.state_key: event.seq for event in log if event.fields.type == _MEMBER}
    people = at.people or {}
    if {user: row.event_seq for user, row in people.items() if row.event_seq} != newest:
        raise RowMacError("member rows and membership events differ")
