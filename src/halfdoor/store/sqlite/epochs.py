"""The rows of an epoch: header, wraps, shares, readers added, sealed state (SEALING §3)."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from halfdoor.messaging.ledger import EpochRecord, EpochStart, LateWrap, SealedState
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.sqlite.heads import Heads, Standing
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("epochs")


class _Reader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sealed of a reader added: the record, its rh, whose it is, and the wrap."""

    user: str
    record: bytes
    rh: bytes
    wrap: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_readers: Final = msgspec.msgpack.Decoder(_Reader).decode
_states: Final = msgspec.msgpack.Decoder(SealedState).decode
_shares: Final = msgspec.msgpack.Decoder(list[bytes]).decode


def write_start(
    con: sqlite3.Connection,
    keys: OuterKeys,
    generation: int,
    heads: Heads,
    at: Standing,
    start: EpochStart,
) -> None:
    """Write all rows of a new epoch of the conversation *at*, which stands in its last event."""
    conv, place, number = at.conv, (at.cb, at.c, start.epoch), start.epoch
    chain0 = at.chain if at.epoch else start.hh
    header = keys.seal(generation, "epoch", conv, (conv, number), start.header)
    con.execute(_SQL["insert_epoch"], (*place, start.hh, at.last_seq + 1, chain0, header))
    con.executemany(
        _SQL["insert_wrap"],
        [
            (
                *place,
                heads.member(con, at, user).m,
                keys.seal(generation, "wrap", conv, (conv, number, user), wrap),
            )
            for user, wrap in start.wraps.items()
        ],
    )
    con.executemany(
        _SQL["insert_share"],
        [
            (
                *place,
                escrow_set,
                keys.seal(generation, "share", conv, (conv, number, escrow_set), _encode(shares)),
            )
            for escrow_set, shares in start.shares
        ],
    )
    for state in start.sealed_state:
        put_sealed_state(con, keys, generation, at, state)


def put_sealed_state(
    con: sqlite3.Connection, keys: OuterKeys, generation: int, at: Standing, state: SealedState
) -> None:
    """Let *state* take the place of the current value of its kind."""
    pk = (at.conv, state.type, state.state_key)
    sealed = keys.seal(generation, "sealed_state", at.conv, pk, _encode(state))
    con.execute(_SQL["put_sealed_state"], (at.cb, at.c, state.type, state.state_key, sealed))


def drop_sealed_state(
    con: sqlite3.Connection, keys: OuterKeys, at: Standing, key: tuple[str, str], event_id: str
) -> None:
    """Delete the current value of *key* (type, state key) if it is that of the event given."""
    row = con.execute(_SQL["one_sealed_state"], (at.cb, at.c, *key)).fetchone()
    if row is None:
        return
    state = _open_state(keys, at.conv, *key, row[0])
    if state.fields.event_id == event_id:
        con.execute(_SQL["delete_sealed_state"], (at.cb, at.c, *key))


def read_sealed_state(
    con: sqlite3.Connection, keys: OuterKeys, at: Standing
) -> tuple[SealedState, ...]:
    """Return the current values of all sealed state."""
    rows = con.execute(_SQL["sealed_state"], (at.cb, at.c)).fetchall()
    return tuple(_open_state(keys, at.conv, kind, key, sealed) for kind, key, sealed in rows)


def write_reader(
    con: sqlite3.Connection, keys: OuterKeys, generation: int, at: Standing, late: LateWrap
) -> bool:
    """Add a reader to an epoch; False if the epoch's chain of records stands elsewhere by now."""
    place = (at.cb, at.c, late.epoch)
    epoch = con.execute(_SQL["epoch"], place).fetchone()
    if epoch is None:
        return False
    n, end = -1, bytes(epoch[1])
    newest = con.execute(_SQL["newest_reader"], place).fetchone()
    if newest is not None:
        n, sealed = newest
        end = _open_reader(keys, at.conv, late.epoch, n, sealed).rh
    if late.after != end:
        return False
    row = _Reader(late.user, late.record, late.rh, late.wrap)
    pk = (at.conv, late.epoch, n + 1)
    sealed = keys.seal(generation, "reader_added", at.conv, pk, _encode(row))
    con.execute(_SQL["insert_reader"], (*place, n + 1, sealed))
    return True


def read_epochs(
    con: sqlite3.Connection, keys: OuterKeys, at: Standing, user: str, numbers: Iterable[int]
) -> list[EpochRecord]:
    """Return these epochs as *user* needs them, ascending; those that do not exist are left out."""
    rows = [
        con.execute(_SQL["epoch"], (at.cb, at.c, number)).fetchone()
        for number in sorted(set(numbers))
    ]
    return [_record(con, keys, at, user, row) for row in rows if row is not None]


def read_newest_epochs(
    con: sqlite3.Connection, keys: OuterKeys, at: Standing, user: str, limit: int
) -> list[EpochRecord]:
    """Return the newest *limit* epochs as *user* needs them, ascending."""
    rows = con.execute(_SQL["newest"], (at.cb, at.c, limit)).fetchall()
    return [_record(con, keys, at, user, row) for row in reversed(rows)]


def read_header(con: sqlite3.Connection, keys: OuterKeys, at: Standing) -> bytes:
    """Return the header of the newest epoch."""
    row = con.execute(_SQL["epoch"], (at.cb, at.c, at.epoch)).fetchone()
    return keys.open("epoch", at.conv, (at.conv, at.epoch), row[3])


def _record(
    con: sqlite3.Connection, keys: OuterKeys, at: Standing, user: str, row: tuple[Any, ...]
) -> EpochRecord:
    """Return one epoch with what *user* can open it by."""
    number, hh, first_seq, sealed = row
    place, conv = (at.cb, at.c, number), at.conv
    header = keys.open("epoch", conv, (conv, number), sealed)
    wrapped = con.execute(_SQL["wrap"], (at.cb, at.c, user, number)).fetchone()
    wrap = None
    if wrapped is not None:
        wrap = keys.open("wrap", conv, (conv, number, user), wrapped[0])
    added = [
        _open_reader(keys, conv, number, n, sealed)
        for n, sealed in con.execute(_SQL["readers"], place).fetchall()
    ]
    # The newest record counts: an earlier one may name a user key that was replaced since.
    late_index = max((n for n, reader in enumerate(added) if reader.user == user), default=-1)
    return EpochRecord(
        number,
        hh,
        header,
        first_seq,
        wrap,
        tuple(reader.record for reader in added),
        None if late_index < 0 else added[late_index].wrap,
        late_index,
    )


def _open_reader(keys: OuterKeys, conv: str, epoch: int, n: int, sealed: bytes) -> _Reader:
    return _readers(keys.open("reader_added", conv, (conv, epoch, n), sealed))


def _open_state(keys: OuterKeys, conv: str, kind: str, key: str, sealed: bytes) -> SealedState:
    return _states(keys.open("sealed_state", conv, (conv, kind, key), sealed))
