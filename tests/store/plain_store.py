"""What the store promises, written down plainly: the model that the stateful test compares with."""

from dataclasses import dataclass, field

import msgspec

from halfdoor.messaging.ledger import Append, EpochStart, Head, StoredEvent, Told
from halfdoor.messaging.mailbox import EVENT, ROOM, Place
from halfdoor.sealing.chain import advance


@dataclass
class PlainConversation:
    """One conversation."""

    head: Head = field(default_factory=lambda: Head(0, 0, 0, None, bytes(32), 0, 0, bytes(32)))
    events: list[StoredEvent] = field(default_factory=list)
    starts: list[EpochStart] = field(default_factory=list)
    first_seqs: list[int] = field(default_factory=list)
    receipts: dict[tuple[str, str], int] = field(default_factory=dict)
    # The first epoch and the first event that are kept, and the holds by name.
    first_epoch: int = 1
    begins: int = 1
    holds: dict[str, tuple[int, int]] = field(default_factory=dict)

    def kept(self) -> list[StoredEvent]:
        """Return what is left of all that was said."""
        return [
            one for one in self.events if one.seq >= self.begins or one.fields.state_key is not None
        ]

    def keeps(self, epoch: int) -> bool:
        """Tell whether the keys of an epoch must be left."""
        return epoch >= self.first_epoch or epoch == self.head.epoch

    def end(self, before: int) -> None:
        """End the oldest epochs, while they are of an earlier day and no hold covers them."""
        ended_before = self.first_epoch
        for start in self.starts[self.first_epoch - 1 :]:
            held = any(first <= start.epoch <= last for first, last in self.holds.values())
            if held or start.day >= before:
                break
            self.first_epoch = start.epoch + 1
        if self.first_epoch == ended_before:
            return
        if self.first_epoch <= len(self.starts):
            self.begins = self.first_seqs[self.first_epoch - 1]
        else:
            self.begins = self.head.last_seq + 1
            self.head = msgspec.structs.replace(self.head, hh=None)
        self.receipts = {key: seq for key, seq in self.receipts.items() if seq >= self.begins}


@dataclass
class PlainPlace:
    """One row of somebody's room list."""

    membership: str = ""
    since_seq: int = 0
    last_pos: int = 0
    read_seq: int = 0
    rows: list[Told] = field(default_factory=list)
    cleared_at: int = 0
    forgotten: bool = False

    def place(self, conv: str) -> Place:
        unread = [row for row in self.rows if row.seq > self.read_seq and row.pos > self.cleared_at]
        return Place(
            conv,
            self.membership,
            self.since_seq,
            self.last_pos,
            self.read_seq,
            sum(row.notify for row in unread),
            sum(row.highlight for row in unread),
            self.forgotten,
        )


class PlainStore:
    """Both sides, without a database, a lock, a seal or a thought of speed."""

    def __init__(self) -> None:
        self.conversations: dict[str, PlainConversation] = {}
        self.inboxes: dict[str, list[Told]] = {}
        self.lists: dict[str, dict[str, PlainPlace]] = {}

    def append(self, item: Append) -> tuple[tuple[StoredEvent, ...], tuple[Told, ...]] | None:
        """Return what is kept and told, or None where the append is stale."""
        conv = self.conversations.get(item.conv)
        if conv is not None:
            ids = [new.fields.event_id for new in item.events]
            kept = tuple(one for one in conv.kept() if one.fields.event_id in ids)
            if kept:
                return kept, ()
        if item.creates is not (conv is None):
            return None
        conv = conv or PlainConversation()
        head = conv.head
        if (head.hh, head.revision) != item.expects:
            return None
        if item.start is not None and item.start.epoch != head.epoch + 1:
            return None
        self.conversations[item.conv] = conv
        if item.start is not None:
            start = item.start
            conv.starts.append(start)
            conv.first_seqs.append(head.last_seq + 1)
            chain = head.chain if head.epoch else start.hh
            conv.head = Head(
                head.last_seq, head.revision, start.epoch, start.hh, start.hh, start.day, 0, chain
            )
        told: list[Told] = []
        kept_now = [self._event(conv, item, at, told) for at in range(len(item.events))]
        if item.ends_epoch:
            conv.head = msgspec.structs.replace(conv.head, hh=None)
        return tuple(kept_now), tuple(told)

    def _event(
        self, conv: PlainConversation, item: Append, at: int, told: list[Told]
    ) -> StoredEvent:
        new, head = item.events[at], conv.head
        seq = head.last_seq + 1
        conv.head = msgspec.structs.replace(
            head,
            last_seq=seq,
            revision=head.revision if new.fields.state_key is None else seq,
            epoch_events=head.epoch_events + 1,
            chain=advance(head.chain, seq, new.fields, new.body),
        )
        event = StoredEvent(seq, head.epoch, new.fields, new.body, new.txn, None, new.hidden_from)
        conv.events.append(event)
        there = {one.seq for one in conv.kept()}
        for place, old in enumerate(conv.events):
            is_target = old.fields.event_id == new.redacts and old.seq in there
            if is_target and old.redacted_by is None:
                body = old.body if old.body is not None and old.body[:1] == b"\0" else None
                conv.events[place] = msgspec.structs.replace(
                    old, body=body, redacted_by=new.fields.event_id
                )
        if new.membership is not None and new.membership.shown:
            row = self.row(new.membership.user, item.conv)
            if row.membership != new.membership.membership:
                row.membership, row.since_seq = new.membership.membership, seq
            row.forgotten = False
            if row.membership in {"leave", "ban"}:
                row.cleared_at = row.last_pos
        for to in new.deliveries:
            own = to.kind == EVENT and to.user == new.fields.sender
            one = self.tell(
                to.user, to.kind, item.conv, seq, to.notify and not own, to.highlight and not own
            )
            told.append(one)
            if own:
                row = self.row(to.user, item.conv)
                row.read_seq, row.cleared_at = max(row.read_seq, seq), one.pos
        return event

    def tell(
        self,
        user: str,
        kind: int,
        conv: str,
        seq: int,
        notify: bool = False,
        highlight: bool = False,
    ) -> Told:
        """Write one inbox row."""
        inbox = self.inboxes.setdefault(user, [])
        told = Told(user, len(inbox) + 1, kind, conv, seq, notify, highlight)
        inbox.append(told)
        row = self.row(user, conv)
        row.last_pos = told.pos
        row.rows.append(told)
        return told

    def set_read(self, user: str, conv: str, seq: int) -> Told:
        """Move a read marker forward."""
        row = self.row(user, conv)
        if seq <= row.read_seq:
            return Told(user, row.last_pos, ROOM, conv, row.read_seq, False, False)
        row.read_seq = seq
        row.cleared_at = 0
        return self.tell(user, ROOM, conv, seq)

    def forget(self, user: str, conv: str) -> None:
        """Take a left conversation out of the list."""
        row = self.row(user, conv)
        if row.membership in {"leave", "ban"}:
            row.forgotten = True

    def places(self, user: str) -> set[Place]:
        """Return the room list."""
        return {
            row.place(conv)
            for conv, row in self.lists.get(user, {}).items()
            if row.membership and not row.forgotten
        }

    def row(self, user: str, conv: str) -> PlainPlace:
        """Return the row of *conv* in the list of *user*."""
        return self.lists.setdefault(user, {}).setdefault(conv, PlainPlace())
