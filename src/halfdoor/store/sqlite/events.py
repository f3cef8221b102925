"""How an event lies in its row: all but its ids and its number is under the outer layer."""

from typing import Final

import msgspec

from halfdoor.ids import base64url, unpack_id
from halfdoor.messaging.ledger import NewEvent, StoredEvent
from halfdoor.sealing.chain import Link, destroyed_link, link
from halfdoor.sealing.envelope import EventFields, clear_hash
from halfdoor.sealing.outer import OuterKeys

_TABLE: Final = "event"


class EventRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sealed of an event.

    The clear fields are sealed with the body, because some of them decide who may read: someone
    who can write the database, but lacks the outer key, cannot turn one person's membership
    into another's (SEALING §8, no. 51). `body_hash` is there once the body is gone.
    """

    body: bytes | None
    epoch: int
    sender: str
    device: str
    ts: int
    type: str
    txn: str | None
    state_key: str | None
    rel_type: str | None
    target: str | None
    redacts: str | None
    hidden_from: tuple[str, ...] = ()
    redacted_by: str | None = None
    body_hash: bytes | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(EventRow).decode


def id_bytes(event_id: str) -> bytes:
    """Return the 32 bytes an event id stands for; `BadId` if it is none of ours."""
    return unpack_id("$", event_id)


def id_text(packed: bytes) -> str:
    """Return the event id of 32 stored bytes."""
    return "$" + base64url(packed)


def new_row(event: NewEvent, epoch: int) -> EventRow:
    """Return what is to be sealed of a new event."""
    fields = event.fields
    return EventRow(
        event.body,
        epoch,
        fields.sender,
        fields.device,
        fields.ts,
        fields.type,
        event.txn,
        fields.state_key,
        fields.rel_type,
        fields.target,
        fields.redacts,
        event.hidden_from,
    )


def seal_row(
    keys: OuterKeys, generation: int, conv: str, seq: int, packed: bytes, row: EventRow
) -> bytes:
    """Return *row* sealed for its place; *packed* is its event id in bytes."""
    return keys.seal(generation, _TABLE, conv, (conv, seq, packed), _encode(row))


def open_row(keys: OuterKeys, conv: str, seq: int, packed: bytes, sealed: bytes) -> EventRow:
    """Return the row of an event, else `Denied`."""
    return _decode(keys.open(_TABLE, conv, (conv, seq, packed), sealed))


def stored(seq: int, packed: bytes, row: EventRow) -> StoredEvent:
    """Return the event of *row* as the rooms above see it."""
    return StoredEvent(
        seq,
        row.epoch,
        _fields(packed, row),
        row.body,
        row.txn,
        row.redacted_by,
        row.hidden_from,
    )


def link_of(seq: int, packed: bytes, row: EventRow) -> Link:
    """Return what the chain holds of *row*, also where its body is destroyed."""
    fields = _fields(packed, row)
    if row.body is not None:
        return link(seq, fields, row.body)
    if row.body_hash is None:
        raise ValueError("an event without body keeps its body's hash")
    return destroyed_link(
        seq,
        fields.event_id,
        row.sender,
        row.device,
        row.ts,
        clear_hash(fields),
        row.body_hash,
    )


def _fields(packed: bytes, row: EventRow) -> EventFields:
    """Return the clear fields of *row*."""
    return EventFields(
        event_id=id_text(packed),
        sender=row.sender,
        device=row.device,
        ts=row.ts,
        type=row.type,
        state_key=row.state_key,
        rel_type=row.rel_type,
        target=row.target,
        redacts=row.redacts,
    )
