"""How the rows of an epoch are sealed: header, wraps, shares, readers added, sealed state."""

from typing import Any, Final

import msgspec

from halfdoor.messaging.ledger import EpochStart, LateWrap, SealedState
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.postgres.standings import Standing
from halfdoor.store.postgres.turn import Record, Turn


class Reader(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sealed of a reader added: the record, its rh, whose it is, and the wrap."""

    user: str
    record: bytes
    rh: bytes
    wrap: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_readers: Final = msgspec.msgpack.Decoder(Reader).decode
_states: Final = msgspec.msgpack.Decoder(SealedState).decode


def open_reader(keys: OuterKeys, conv: str, epoch: int, n: int, sealed: bytes) -> Reader:
    """Return the *n*-th reader added to an epoch, else `Denied`."""
    return _readers(keys.open("reader_added", conv, (conv, epoch, n), sealed))


def open_state(keys: OuterKeys, conv: str, kind: str, key: str, sealed: bytes) -> SealedState:
    """Return the current value of a sealed state, else `Denied`."""
    return _states(keys.open("sealed_state", conv, (conv, kind, key), sealed))


def start_epoch(turn: Turn, at: Standing, start: EpochStart, month: int) -> None:
    """Let a new epoch begin before the next event, with all its rows."""
    keys, conv, number = turn.keys.outer, at.conv, start.epoch
    place = (at.cb, at.c, number)
    if at.epoch == 0:
        # The chain begins in the first header, so that it belongs to this conversation alone.
        at.chain = start.hh
    header = keys.seal(month, "epoch", conv, (conv, number), start.header)
    turn.add("epoch", (*place, start.hh, at.last_seq + 1, at.chain, header))
    for user, wrap in start.wraps.items():
        sealed = keys.seal(month, "wrap", conv, (conv, number, user), wrap)
        turn.add("wrap", (*place, turn.member(at, user).m, sealed))
    for escrow_set, shares in start.shares:
        pk = (conv, number, escrow_set)
        sealed = keys.seal(month, "share", conv, pk, _encode(shares))
        turn.add("share", (*place, escrow_set, sealed))
    for state in start.sealed_state:
        put_state(turn, at, state, month)
    turn.records[conv, number] = Record(-1, start.hh)
    at.epoch, at.hh, at.day = number, start.hh, start.day
    at.is_current, at.epoch_events = True, 0


def put_state(turn: Turn, at: Standing, state: SealedState, month: int) -> None:
    """Let *state* take the place of the current value of its kind."""
    pk = (at.conv, state.type, state.state_key)
    sealed = turn.keys.outer.seal(month, "sealed_state", at.conv, pk, _encode(state))
    turn.put_sealed_state(pk, sealed)


def drop_state(turn: Turn, at: Standing, kind: str, key: str, event_id: str) -> None:
    """Delete the current value of a kind if it is that of the event given."""
    pk = (at.conv, kind, key)
    sealed = turn.sealed_states.get(pk)
    if sealed is None:
        return
    if open_state(turn.keys.outer, *pk, sealed).fields.event_id == event_id:
        turn.drop_sealed_state(pk)


def reader_row(
    keys: OuterKeys, at: Standing, late: LateWrap, n: int, month: int
) -> tuple[Any, ...]:
    """Return the row of the *n*-th reader added to an epoch."""
    row = Reader(late.user, late.record, late.rh, late.wrap)
    sealed = keys.seal(month, "reader_added", at.conv, (at.conv, late.epoch, n), _encode(row))
    return (at.cb, at.c, late.epoch, n, sealed)
