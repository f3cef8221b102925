"""Reading a conversation: its events, its state log, who relates to what."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from halfdoor.ids import BadId, bucket
from halfdoor.messaging.ledger import Receipt, RoomRecord, StoredEvent
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.sqlite.epochs import read_header, read_sealed_state
from halfdoor.store.sqlite.events import id_bytes, open_row, stored
from halfdoor.store.sqlite.heads import Standing, read_standing
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.members import load_members
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("timeline")
_RECEIPTS: Final = statements("receipts")
_MEMBER: Final = "m.room.member"
_RELATED: Final = 1000


def read_room(con: sqlite3.Connection, keys: Keys, conv: str) -> RoomRecord | None:
    """Return all the server needs of *conv* to judge a request.

    `RowMacError` if the state log and the member rows, which bear macs, tell different things:
    then somebody changed, hid or moved a row without the outer key.
    """
    at = read_standing(con, conv)
    if at is None:
        return None
    log = _events(keys, conv, con.execute(_SQL["state_log"], (at.cb, at.c)))
    _check_members(con, keys, at, log)
    (_, begins) = con.execute(_SQL["number"], (at.cb, conv)).fetchone()
    return RoomRecord(
        conv,
        at.head(),
        read_header(con, keys.outer, at),
        tuple(log),
        read_sealed_state(con, keys.outer, at),
        tuple(
            Receipt(user, kind, thread or None, event_id, seq, ts)
            for user, kind, thread, event_id, seq, ts in con.execute(
                _RECEIPTS["all"], (at.cb, at.c)
            )
        ),
        begins,
    )


def read_event(con: sqlite3.Connection, keys: Keys, conv: str, event_id: str) -> StoredEvent | None:
    """Return one event; an id that is none of ours finds nothing."""
    place = _place(con, conv)
    try:
        packed = id_bytes(event_id)
    except BadId:
        return None
    if place is None:
        return None
    cb, c, begins = place
    found = _events(keys, conv, con.execute(_SQL["by_id"], (cb, c, packed, begins)))
    return found[0] if found else None


def read_events(
    con: sqlite3.Connection,
    keys: Keys,
    conv: str,
    between: tuple[int, int],
    *,
    limit: int,
    newest_first: bool,
) -> list[StoredEvent]:
    """Return events whose seq lies strictly *between* the two, at most *limit*."""
    place = _place(con, conv)
    if place is None:
        return []
    cb, c, begins = place
    after, before = between
    statement = _SQL["backward" if newest_first else "forward"]
    rows = con.execute(statement, (cb, c, max(after, begins - 1), before, limit))
    return _events(keys, conv, rows)


def read_held(
    con: sqlite3.Connection, keys: Keys, conv: str, seq: int, now_ms: int
) -> bytes | None:
    """Return the body of a redacted event that is not due to be destroyed yet."""
    place = _place(con, conv)
    if place is None:
        return None
    row = con.execute(_SQL["held"], (*place[:2], seq, now_ms)).fetchone()
    return None if row is None else keys.outer.open("hold", conv, (conv, seq), row[0])


def read_relations(
    con: sqlite3.Connection, keys: Keys, conv: str, target: str, *, before: int, limit: int
) -> list[StoredEvent]:
    """Return events that relate to *target*, newest first."""
    place = _place(con, conv)
    if place is None:
        return []
    rows = con.execute(_SQL["relations"], (*place, target, before, limit))
    return [event for event in _events(keys, conv, rows) if event.fields.target == target]


def read_related(
    con: sqlite3.Connection, keys: Keys, conv: str, targets: Sequence[str], rel_type: str
) -> list[StoredEvent]:
    """Return the newest events that relate so to any of *targets*, oldest first."""
    place = _place(con, conv)
    if place is None:
        return []
    wanted = set(targets)
    rows = con.execute(_SQL["related"], (*place, json.dumps(list(wanted)), rel_type, _RELATED))
    # The relation is sealed with the event, so the index cannot be made to say otherwise.
    return [
        event
        for event in reversed(_events(keys, conv, rows))
        if event.fields.rel_type == rel_type and event.fields.target in wanted
    ]


def _place(con: sqlite3.Connection, conv: str) -> tuple[int, int, int] | None:
    """Return bucket and number of *conv*, and the event it begins with."""
    cb = bucket(conv)
    row = con.execute(_SQL["number"], (cb, conv)).fetchone()
    return None if row is None else (cb, row[0], row[1])


def _events(keys: Keys, conv: str, rows: Any) -> list[StoredEvent]:
    """Return the events of *rows*, opened one by one; a row that was moved is `Denied`."""
    return [
        stored(seq, packed, open_row(keys.outer, conv, seq, packed, sealed))
        for seq, packed, sealed in rows
    ]


def _check_members(
    con: sqlite3.Connection, keys: Keys, at: Standing, log: list[StoredEvent]
) -> None:
    """Refuse a state log that does not hold the newest membership event of each member row."""
    newest = {event.fields.state_key: event.seq for event in log if event.fields.type == _MEMBER}
    rows = load_members(con, keys, at.conv, at.cb, at.c)
    if {user: row.event_seq for user, row in rows.items() if row.event_seq} != newest:
        raise RowMacError("member rows and membership events differ")
