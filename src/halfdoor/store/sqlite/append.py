"""Events become durable: compared, numbered, chained, sealed for their place (SCALE §3)."""

from typing import Final

import msgspec

from halfdoor.messaging.ledger import (
    Append,
    Committed,
    EpochStart,
    Head,
    NewEvent,
    StaleError,
    StoredEvent,
    Told,
)
from halfdoor.messaging.mailbox import EVENT
from halfdoor.sealing.chain import advance
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.media_rows import seal_wrap
from halfdoor.store.sqlite.epochs import put_sealed_state, write_start
from halfdoor.store.sqlite.events import id_bytes, new_row, open_row, seal_row, stored
from halfdoor.store.sqlite.heads import Standing
from halfdoor.store.sqlite.projection import HIGHLIGHT, NOTIFY, OWN, Change, Entry, Telling
from halfdoor.store.sqlite.redaction import redact
from halfdoor.store.sqlite.turn import Turn, Written

_MEMBER: Final = "m.room.member"


class AppendWork(msgspec.Struct, frozen=True, gc=False):
    """An `Append` with the generations its rows are sealed under, whose keys are durable."""

    item: Append
    month: int
    hold: int | None

    def write(self, turn: Turn) -> Written | Exception:
        """Write the events, or return the refusal or the repeat that it is."""
        item = self.item
        at = turn.heads.find(turn.con, item.conv)
        if at is None and not item.creates:
            return UnknownConversationError(item.conv)
        fits = _fits(at, item)
        if at is not None and (turn.careful or not fits):
            kept = _kept(turn, at, item.events)
            if kept is not None:
                return _repeat(item.conv, at.head(), kept)
        if not fits:
            return StaleError()
        if at is None:
            at = turn.heads.create(turn.con, item.conv)
        turn.moved(at)
        if item.start is not None:
            _start(turn, at, item.start, self.month)
        telling = Telling(item.conv, 0, [], [])
        events = tuple(self._event(turn, at, event, telling) for event in item.events)
        if item.ends_epoch:
            at.is_current = False
        head = at.head()

        def answer(told: tuple[Told, ...]) -> Committed:
            return Committed(item.conv, head, events, told)

        return Written(telling, answer)

    def _event(self, turn: Turn, at: Standing, event: NewEvent, telling: Telling) -> StoredEvent:
        """Give *event* its number and its rows, and add what it tells to *telling*."""
        fields = event.fields
        seq = at.last_seq = at.last_seq + 1
        at.epoch_events += 1
        at.chain = advance(at.chain, seq, fields, event.body)
        is_state = fields.state_key is not None
        if is_state:
            at.revision = seq
        packed = id_bytes(fields.event_id)
        sealed = seal_row(
            turn.keys.outer, self.month, at.conv, seq, packed, new_row(event, at.epoch)
        )
        turn.add_event(at, seq, packed, sealed, is_state=is_state)
        if fields.target is not None:
            turn.add_relation(at, seq, fields.target, fields.rel_type or "")
        for one in event.media:
            turn.add_media(
                at,
                seq,
                *seal_wrap(turn.keys.outer, self.month, at.conv, at.epoch, seq, at.hh, one),
            )
        if event.redacts is not None:
            redact(turn, at, event, self.hold)
        if event.sealed_state is not None:
            put_sealed_state(turn.con, turn.keys.outer, self.month, at, event.sealed_state)
        if is_state and fields.type == _MEMBER:
            _change(turn, at, event, seq)
        change = event.membership
        if change is not None and change.shown:
            telling.changes.append(Change(change.user, change.membership, seq))
        for to in event.deliveries:
            bits = (NOTIFY if to.notify else 0) | (HIGHLIGHT if to.highlight else 0)
            if to.kind == EVENT and to.user == fields.sender:
                bits = OWN
            telling.entries.append(Entry(to.user, to.kind, seq, bits))
        return StoredEvent(seq, at.epoch, fields, event.body, event.txn, None, event.hidden_from)


def _start(turn: Turn, at: Standing, start: EpochStart, month: int) -> None:
    """Let a new epoch begin before the next event."""
    write_start(turn.con, turn.keys.outer, month, turn.heads, at, start)
    if at.epoch == 0:
        # The chain begins in the first header, so that it belongs to this conversation alone.
        at.chain = start.hh
    at.epoch, at.hh, at.day = start.epoch, start.hh, start.day
    at.is_current, at.epoch_events = True, 0


def _kept(turn: Turn, at: Standing, events: tuple[NewEvent, ...]) -> tuple[StoredEvent, ...] | None:
    """Return what was kept the first time if these events are there already, else None."""
    kept = []
    for event in events:
        packed = id_bytes(event.fields.event_id)
        found = turn.event(at, packed)
        if found is None:
            break
        seq, sealed = found
        kept.append(stored(seq, packed, open_row(turn.keys.outer, at.conv, seq, packed, sealed)))
    return tuple(kept) or None


def _repeat(conv: str, head: Head, kept: tuple[StoredEvent, ...]) -> Written:
    """Return the answer to a request that was served before: nobody is told again."""
    return Written(None, lambda _told: Committed(conv, head, kept, (), repeat=True))


def _fits(at: Standing | None, item: Append) -> bool:
    """Tell whether the conversation stands where the request of *item* saw it."""
    if item.creates is not (at is None):
        return False
    epoch = 0
    if at is not None:
        epoch = at.epoch
        if (at.hh if at.is_current else None, at.revision) != item.expects:
            return False
    return epoch > 0 if item.start is None else item.start.epoch == epoch + 1


def _change(turn: Turn, at: Standing, event: NewEvent, seq: int) -> None:
    """Write the member row of a membership event."""
    change = event.membership
    user = event.fields.state_key if change is None else change.user
    if user is None:
        return
    row = turn.heads.member(turn.con, at, user)
    membership = row.membership if change is None else change.membership
    since = row.since_seq if membership == row.membership else seq
    turn.heads.put_member(
        turn.con,
        at,
        user,
        msgspec.structs.replace(row, membership=membership, since_seq=since, event_seq=seq),
    )
