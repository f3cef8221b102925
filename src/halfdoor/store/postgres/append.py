"""Events become durable: compared, numbered, chained, sealed for their place (SCALE §3)."""

from hashlib import sha256
from typing import Final

import msgspec

from halfdoor.messaging.ledger import (
    Append,
    Committed,
    Head,
    NewEvent,
    StaleError,
    StoredEvent,
    Told,
)
from halfdoor.messaging.mailbox import EVENT
from halfdoor.sealing.chain import advance
from halfdoor.sealing.envelope import is_clear
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.media_rows import seal_wrap
from halfdoor.store.postgres.epoch_rows import drop_state, put_state, start_epoch
from halfdoor.store.postgres.standings import Standing
from halfdoor.store.postgres.streams import Assumed
from halfdoor.store.postgres.turn import (
    HIGHLIGHT,
    NOTIFY,
    OWN,
    Change,
    Entry,
    Kept,
    Needs,
    Telling,
    Turn,
    Written,
)
from halfdoor.store.sqlite.events import id_bytes, new_row, open_row, seal_row, stored

_MEMBER: Final = "m.room.member"


class AppendWork(msgspec.Struct, frozen=True, gc=False):
    """An `Append` with the generations its rows are sealed under, whose keys are durable."""

    item: Append
    month: int
    hold: int | None

    @property
    def conv(self) -> str:
        """The conversation it is about."""
        return self.item.conv

    @property
    def creates(self) -> bool:
        """Whether the conversation is to be made; only one that would fit when nothing is there."""
        return self.item.creates and _fits(None, self.item)

    @property
    def versions(self) -> Assumed:
        """Of the people it was decided by, how they stood."""
        return self.item.versions

    def add_needs(self, needs: Needs, *, careful: bool) -> None:
        """Ask for members and events where a row of this append depends on them."""
        item, conv = self.item, self.item.conv
        if item.start is not None:
            needs.members.add(conv)
        for event in item.events:
            packed = id_bytes(event.fields.event_id)
            if careful:
                needs.events.add((conv, packed))
            if event.fields.type == _MEMBER:
                needs.members.add(conv)
            if event.redacts is not None:
                needs.events.add((conv, id_bytes(event.redacts)))
                needs.sealed_states.add(conv)

    def write(self, turn: Turn) -> Written | Exception:
        """Write the events, or return the refusal or the repeat that it is."""
        item = self.item
        at = turn.find(item.conv)
        if at is None and not item.creates:
            return UnknownConversationError(item.conv)
        if at is not None and turn.careful:
            kept = _kept(turn, at, item.events)
            if kept is not None:
                return _repeat(item.conv, at.head(), kept)
        if not _fits(at, item):
            # A repeat may find the conversation moved on; then its ids have to be asked for.
            return StaleError() if turn.careful else AskFirstError()
        at = turn.standings[item.conv]
        turn.move(at)
        if item.start is not None:
            start_epoch(turn, at, item.start, self.month)
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
        row = new_row(event, at.epoch)
        sealed = seal_row(turn.keys.outer, self.month, at.conv, seq, packed, row)
        turn.add_event(at, seq, packed, sealed, is_state=is_state)
        if fields.target is not None:
            turn.add("relation", (at.cb, at.c, fields.target, seq, fields.rel_type or ""))
        for one in event.media:
            packed_id, wrap = seal_wrap(
                turn.keys.outer, self.month, at.conv, at.epoch, seq, at.hh, one
            )
            turn.add("media_wrap", (at.cb, at.c, at.epoch, seq, packed_id, wrap))
        if event.redacts is not None:
            self._redact(turn, at, event, event.redacts)
        if event.sealed_state is not None:
            put_state(turn, at, event.sealed_state, self.month)
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

    def _redact(self, turn: Turn, at: Standing, event: NewEvent, target: str) -> None:
        """Take the body out of the event *target*; the first redaction counts.

        The body moves to the hold until `destroy_after`, or is dropped at once where there is no
        such time. A body stored in clear is state the server acts on: it stays, marked as
        redacted, and is stripped where it is read.
        """
        keys, packed = turn.keys.outer, id_bytes(target)
        found = turn.events.get((at.conv, packed))
        if found is None:
            return
        row = open_row(keys, at.conv, found.seq, packed, found.sealed)
        if row.redacted_by is not None:
            return
        marked = msgspec.structs.replace(row, redacted_by=event.fields.event_id)
        if row.body is not None and not is_clear(row.body):
            if event.destroy_after is not None and self.hold is not None:
                held = keys.seal(self.hold, "hold", at.conv, (at.conv, found.seq), row.body)
                turn.add("hold", (at.cb, at.c, found.seq, event.destroy_after, held))
            else:
                # The keys of files go with the body: here at once, else with what is held.
                turn.bare.append((at.cb, at.c, found.seq))
            # The chain needs the hash of the body, never the body.
            body_hash = sha256(row.body).digest()
            marked = msgspec.structs.replace(marked, body=None, body_hash=body_hash)
        # Under the key it had, so that it is destroyed with its month.
        month = int.from_bytes(found.sealed[:2], "big")
        sealed = seal_row(keys, month, at.conv, found.seq, packed, marked)
        turn.replace_event(at, packed, Kept(found.seq, sealed))
        if row.state_key is not None:
            drop_state(turn, at, row.type, row.state_key, target)


class AskFirstError(Exception):
    """The append does not fit; whether it is a repeat has to be asked of the database."""


def _kept(turn: Turn, at: Standing, events: tuple[NewEvent, ...]) -> tuple[StoredEvent, ...] | None:
    """Return what was kept the first time if these events are there already, else None."""
    kept = []
    for event in events:
        packed = id_bytes(event.fields.event_id)
        found = turn.events.get((at.conv, packed))
        if found is None:
            break
        row = open_row(turn.keys.outer, at.conv, found.seq, packed, found.sealed)
        kept.append(stored(found.seq, packed, row))
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
    row = turn.member(at, user)
    membership = row.membership if change is None else change.membership
    since = row.since_seq if membership == row.membership else seq
    turn.put_member(
        at,
        user,
        msgspec.structs.replace(row, membership=membership, since_seq=since, event_seq=seq),
    )
