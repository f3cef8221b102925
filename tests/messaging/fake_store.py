"""A store in memory that keeps the promises of `ConversationStore` and `MailboxStore`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from halfdoor.e2ee.to_device_store import Waiting
from halfdoor.messaging.ledger import (
    Append,
    Committed,
    EpochRecord,
    EpochStart,
    Head,
    LateWrap,
    MediaWrap,
    Receipt,
    RoomRecord,
    SealedState,
    StaleError,
    StoredEvent,
    Told,
)
from halfdoor.messaging.mailbox import (
    ACCOUNT,
    EVENT,
    OWED,
    READER,
    RECEIPT,
    ROOM,
    AccountData,
    Contact,
    Place,
)
from halfdoor.sealing.chain import advance


@dataclass
class Conversation:
    """One conversation as rows."""

    head: Head
    events: list[StoredEvent] = field(default_factory=list)
    starts: dict[int, EpochStart] = field(default_factory=dict)
    first_seq: dict[int, int] = field(default_factory=dict)
    late: dict[int, list[LateWrap]] = field(default_factory=dict)
    sealed_state: dict[tuple[str, str], SealedState] = field(default_factory=dict)
    receipts: dict[tuple[str, str, str | None], Receipt] = field(default_factory=dict)
    held: dict[str, bytes] = field(default_factory=dict)
    # The wraps of files, by the seq of the event that brought them.
    media: dict[int, tuple[MediaWrap, ...]] = field(default_factory=dict)


class FakeStore:
    """Both sides of the store."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.rows: dict[str, list[Told]] = {}
        self.list: dict[str, dict[str, Place]] = {}
        self.data: dict[str, dict[tuple[str, str], AccountData]] = {}
        self.filters: dict[str, list[bytes]] = {}
        self.contacts: dict[tuple[str, str], set[str]] = {}
        self.closed: dict[tuple[str, str], int] = {}
        # Devices of people, and what waits for each of them (`fake_to_device`).
        self.devices: dict[str, list[str]] = {}
        self.queues: dict[tuple[str, str], list[Waiting]] = {}
        self.parcels: set[tuple[str, str]] = set()
        self.stale_times = 0

    # -- conversations -------------------------------------------------------------------------

    async def append(self, item: Append) -> Committed:
        conv = self.conversations.get(item.conv)
        if conv is None:
            assert item.creates
            assert item.start is not None
            conv = Conversation(Head(0, 0, 0, None, bytes(32), 0, 0, item.start.hh))
        known = {event.fields.event_id: event for event in conv.events}
        if item.events[0].fields.event_id in known:
            kept = tuple(known[new.fields.event_id] for new in item.events)
            return Committed(item.conv, conv.head, kept, (), repeat=True)
        if self.stale_times > 0:
            self.stale_times -= 1
            raise StaleError
        if (conv.head.hh, conv.head.revision) != item.expects:
            raise StaleError
        if item.start is not None and item.start.epoch != conv.head.epoch + 1:
            raise StaleError
        self.conversations[item.conv] = conv
        head = conv.head
        if item.start is not None:
            start = item.start
            conv.starts[start.epoch] = start
            conv.first_seq[start.epoch] = head.last_seq + 1
            for row in start.sealed_state:
                conv.sealed_state[(row.type, row.state_key)] = row
            head = msgspec.structs.replace(
                head, epoch=start.epoch, hh=start.hh, last_hh=start.hh, day=start.day,
                epoch_events=0,
            )  # fmt: skip
        events, told = [], []
        for new in item.events:
            seq = head.last_seq + 1
            event = StoredEvent(
                seq, head.epoch, new.fields, new.body, new.txn, None, new.hidden_from
            )
            conv.events.append(event)
            conv.media[seq] = new.media
            events.append(event)
            chain = advance(head.chain, seq, new.fields, new.body)
            head = msgspec.structs.replace(
                head, last_seq=seq, chain=chain, epoch_events=head.epoch_events + 1,
                revision=seq if new.fields.state_key is not None else head.revision,
            )  # fmt: skip
            if new.redacts is not None:
                self._redact(conv, new.redacts, new.fields.event_id)
            if new.sealed_state is not None:
                row = new.sealed_state
                conv.sealed_state[(row.type, row.state_key)] = row
            change = new.membership
            if change is not None and change.shown:
                self._place(change.user, item.conv, membership=change.membership, since_seq=seq)
            for one in new.deliveries:
                told.append(
                    self._tell(one.user, one.kind, item.conv, seq, one.notify, one.highlight)
                )
                self._count(one.user, item.conv, seq, told[-1], own=one.user == new.fields.sender)
        if item.ends_epoch:
            head = msgspec.structs.replace(head, hh=None)
        conv.head = head
        return Committed(item.conv, head, tuple(events), tuple(told))

    def _redact(self, conv: Conversation, target: str, by: str) -> None:
        for at, event in enumerate(conv.events):
            if event.fields.event_id == target and event.redacted_by is None:
                body = event.body
                if body is not None and body[0] != 0:
                    conv.held[target], body = body, None
                conv.events[at] = msgspec.structs.replace(event, body=body, redacted_by=by)
                key = (event.fields.type, event.fields.state_key or "")
                row = conv.sealed_state.get(key)
                if row is not None and row.fields.event_id == target:
                    del conv.sealed_state[key]

    async def room(self, conv: str) -> RoomRecord | None:
        found = self.conversations.get(conv)
        if found is None:
            return None
        return RoomRecord(
            conv,
            found.head,
            found.starts[found.head.epoch].header,
            tuple(event for event in found.events if event.fields.state_key is not None),
            tuple(found.sealed_state.values()),
            tuple(found.receipts.values()),
        )

    async def event(self, conv: str, event_id: str) -> StoredEvent | None:
        for event in self._events(conv):
            if event.fields.event_id == event_id:
                return event
        return None

    async def events(
        self, conv: str, *, after: int, before: int, limit: int, newest_first: bool
    ) -> list[StoredEvent]:
        found = [event for event in self._events(conv) if after < event.seq < before]
        return (found[::-1] if newest_first else found)[:limit]

    async def relations(
        self, conv: str, target: str, *, before: int, limit: int
    ) -> list[StoredEvent]:
        found = [
            event
            for event in self._events(conv)
            if event.fields.target == target and event.seq < before
        ]
        return found[::-1][:limit]

    async def related(self, conv: str, targets: Sequence[str], rel_type: str) -> list[StoredEvent]:
        return [
            event
            for event in self._events(conv)
            if event.fields.target in targets and event.fields.rel_type == rel_type
        ]

    async def epochs(self, conv: str, user: str, epochs: Sequence[int]) -> list[EpochRecord]:
        found = self.conversations[conv]
        return [self._epoch(found, user, one) for one in sorted(epochs) if one in found.starts]

    async def newest_epochs(self, conv: str, user: str, limit: int) -> list[EpochRecord]:
        found = self.conversations[conv]
        return [self._epoch(found, user, one) for one in sorted(found.starts)[-limit:]]

    def _epoch(self, conv: Conversation, user: str, number: int) -> EpochRecord:
        start = conv.starts[number]
        late = conv.late.get(number, [])
        mine = next((at for at, one in enumerate(late) if one.user == user), -1)
        return EpochRecord(
            epoch=number,
            hh=start.hh,
            header=start.header,
            first_seq=conv.first_seq[number],
            wrap=start.wraps.get(user),
            records=tuple(one.record for one in late),
            late=late[mine].wrap if mine >= 0 else None,
            late_index=mine,
        )

    async def add_readers(self, conv: str, late: Sequence[LateWrap]) -> tuple[Told, ...]:
        found = self.conversations[conv]
        for one in late:
            chain = found.late.setdefault(one.epoch, [])
            newest = chain[-1].rh if chain else found.starts[one.epoch].hh
            if newest != one.after:
                raise StaleError
        for one in late:
            found.late[one.epoch].append(one)
        users = sorted({one.user for one in late})
        return tuple(
            self._tell(user, READER, conv, found.head.last_seq, False, False) for user in users
        )

    async def end_epoch(self, conv: str, tell: Sequence[str]) -> tuple[Told, ...]:
        found = self.conversations[conv]
        found.head = msgspec.structs.replace(found.head, hh=None)
        return tuple(
            self._tell(user, OWED, conv, found.head.last_seq, False, False) for user in tell
        )

    async def set_receipt(
        self, conv: str, receipt: Receipt, tell: Sequence[str]
    ) -> tuple[Told, ...] | None:
        found = self.conversations[conv]
        key = (receipt.user, receipt.kind, receipt.thread)
        before = found.receipts.get(key)
        if before is not None and before.seq >= receipt.seq:
            return None
        found.receipts[key] = receipt
        return tuple(self._tell(user, RECEIPT, conv, receipt.seq, False, False) for user in tell)

    def _events(self, conv: str) -> list[StoredEvent]:
        found = self.conversations.get(conv)
        return found.events if found is not None else []

    # -- people --------------------------------------------------------------------------------

    def _tell(
        self, user: str, kind: int, conv: str, seq: int, notify: bool, highlight: bool
    ) -> Told:
        rows = self.rows.setdefault(user, [])
        told = Told(user, len(rows) + 1, kind, conv, seq, notify, highlight)
        rows.append(told)
        return told

    def _place(self, user: str, conv: str, **changes: Any) -> None:
        places = self.list.setdefault(user, {})
        before = places.get(conv, Place(conv, "leave", 0, 0, 0, 0, 0))
        places[conv] = msgspec.structs.replace(before, **changes, forgotten=False)

    def _count(self, user: str, conv: str, seq: int, told: Told, *, own: bool) -> None:
        place = self.list.get(user, {}).get(conv)
        if place is None or told.kind != EVENT:
            return
        if own:
            self._place(user, conv, read_seq=seq, notify=0, highlight=0, last_pos=told.pos)
        else:
            self._place(
                user, conv, notify=place.notify + told.notify,
                highlight=place.highlight + told.highlight, last_pos=told.pos,
            )  # fmt: skip

    async def horizon(self, user: str) -> int:
        return 0

    async def position(self, user: str) -> int:
        return len(self.rows.get(user, []))

    async def inbox(self, user: str, *, after: int, limit: int) -> list[Told]:
        return self.rows.get(user, [])[after : after + limit]

    async def places(self, user: str) -> list[Place]:
        return [one for one in self.list.get(user, {}).values() if not one.forgotten]

    async def place(self, user: str, conv: str) -> Place | None:
        return self.list.get(user, {}).get(conv)

    async def forget(self, user: str, conv: str) -> None:
        place = self.list[user][conv]
        self.list[user][conv] = msgspec.structs.replace(place, forgotten=True)

    async def set_read(self, user: str, conv: str, seq: int) -> Told:
        place = self.list.get(user, {}).get(conv)
        if place is not None and seq <= place.read_seq:
            return Told(user, place.last_pos, ROOM, conv, place.read_seq, False, False)
        told = self._tell(user, ROOM, conv, seq, False, False)
        later = [
            row
            for row in self.rows[user]
            if row.conv == conv and row.kind == EVENT and row.seq > seq
        ]
        self._place(
            user, conv, read_seq=seq, notify=sum(row.notify for row in later),
            highlight=sum(row.highlight for row in later), last_pos=told.pos,
        )  # fmt: skip
        return told

    async def account_data(self, user: str, *, after: int = 0) -> list[AccountData]:
        return [one for one in self.data.get(user, {}).values() if one.pos > after]

    async def one_account_data(self, user: str, room: str, type: str) -> AccountData | None:
        return self.data.get(user, {}).get((room, type))

    async def set_account_data(self, user: str, data: AccountData) -> Told:
        told = self._tell(user, ACCOUNT, data.room, 0, False, False)
        kept = msgspec.structs.replace(data, pos=told.pos)
        self.data.setdefault(user, {})[(data.room, data.type)] = kept
        return told

    async def tell(self, user: str, kind: int, subject: str) -> Told:
        return self._tell(user, kind, subject, 0, False, False)

    async def set_filter(self, user: str, body: bytes) -> str:
        filters = self.filters.setdefault(user, [])
        if body not in filters:
            filters.append(body)
        return str(filters.index(body))

    async def filter(self, user: str, filter_id: str) -> bytes | None:
        filters = self.filters.get(user, [])
        known = filter_id.isdigit() and int(filter_id) < len(filters)
        return filters[int(filter_id)] if known else None

    async def reserve_contact(
        self, sender: str, recipient: str, event_id: str, *, limit: int
    ) -> bool:
        used = self.contacts.setdefault((sender, recipient), set())
        if event_id in used:
            return True
        if len(used) >= limit:
            return False
        used.add(event_id)
        return True

    async def contact(self, sender: str, recipient: str) -> Contact:
        used = self.contacts.get((sender, recipient), set())
        return Contact(len(used), self.closed.get((sender, recipient), 0))

    async def close_contact(self, sender: str, recipient: str, until: int) -> None:
        self.closed[(sender, recipient)] = until
