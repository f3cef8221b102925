"""What a conversation keeps, and what the store promises about it (SCALE §2–3, SEALING §3).

The values here cross the door between `messaging` and `store`: bodies are already sealed
(or are state the server acts on), and the store adds the outer layer of SEALING §2.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from halfdoor.sealing.envelope import EventFields


class StaleError(Exception):
    """The conversation moved on while the request sealed: reload the room, check and seal again."""


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """One event as it lies in the store, outer layer lifted.

    `seq` counts from 1 without gaps in its conversation. `body` is the sealed (0x01 …) or clear
    (0x00 …) body of SEALING §3, None once a sealed one was redacted (moved to the hold).
    `redacted_by` is the event id of the redaction. `hidden_from` are the user ids that must never
    see it (who had blocked or ignored the sender when it was sent). A redacted body that is clear
    stays: the server goes on acting on what the keep-list leaves of it.
    """

    seq: int
    epoch: int
    fields: EventFields
    body: bytes | None
    txn: str | None = None
    redacted_by: str | None = None
    hidden_from: tuple[str, ...] = ()


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One inbox row to write: *user* is told of an event.

    `kind` is one of `EVENT`, `INVITE`, `READER`, `OWED` of `mailbox`; `notify` and `highlight` are
    the two bits of this person's push rules.
    """

    user: str
    kind: int
    notify: bool = False
    highlight: bool = False


class MembershipChange(msgspec.Struct, frozen=True, gc=False):
    """What a membership event changes: join, invite, leave or ban of *user*.

    `shown` is False for an invite by someone the user blocks: nothing reaches the user's side.
    """

    user: str
    membership: str
    shown: bool = True


class MediaWrap(msgspec.Struct, frozen=True, gc=False):
    """The key of a file for the readers of an event's epoch (`sealing.media.wrap_media_key`)."""

    media_id: str
    wrap: bytes


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that is ready to be kept: sealed, judged, addressed."""

    fields: EventFields
    body: bytes
    txn: str | None
    deliveries: tuple[Delivery, ...]
    hidden_from: tuple[str, ...] = ()
    membership: MembershipChange | None = None
    # The event id whose body this redaction moves to the hold, and until when (ms).
    redacts: str | None = None
    destroy_after: int | None = None
    # The sealed state row that takes the place of the current one (name, topic, avatar).
    sealed_state: "SealedState | None" = None
    # The files it names (standard), or may name (e2ee), each with its key for this epoch.
    media: tuple[MediaWrap, ...] = ()


class SealedState(msgspec.Struct, frozen=True, gc=False):
    """The current value of a sealed state event, sealed under the hh of *epoch* (SEALING §3).

    *epoch* is 0 where it was written before that was noted.
    """

    type: str
    state_key: str
    fields: EventFields
    body: bytes
    epoch: int = 0


class EpochStart(msgspec.Struct, frozen=True, gc=False):
    """The rows of a new epoch. `wraps` by user id, `shares` one row for each escrow set."""

    epoch: int
    hh: bytes
    day: int
    header: bytes
    wraps: dict[str, bytes]
    shares: list[tuple[bytes, list[bytes]]]
    sealed_state: tuple[SealedState, ...] = ()


class Append(msgspec.Struct, frozen=True, gc=False):
    """Events to keep in one transaction, in order, or not at all.

    `expects` is `(hh, revision)` as the request saw them before it sealed; under the lock the
    writer compares them with the conversation's and refuses with `StaleError`, as it does an epoch
    that is not the next one. hh is None where no epoch is current. An event id that is there
    already makes the whole append a repeat: it is answered with what was kept the first time.
    """

    conv: str
    expects: tuple[bytes | None, int]
    events: tuple[NewEvent, ...]
    start: EpochStart | None = None
    # After these events no epoch is current: the next event starts one.
    ends_epoch: bool = False
    # Only for the first append of a conversation.
    creates: bool = False
    # Of the people this was decided by, how they stood (`mailbox.Standing.version`): a writer that
    # shares the store with other processes refuses with `StaleError` where one moved on.
    versions: tuple[tuple[str, int], ...] = ()


class Head(msgspec.Struct, frozen=True, gc=False):
    """Where a conversation stands. `revision` is the seq of its last state event.

    `hh` is None where no epoch is current; `last_hh` is the newest epoch's (zeros before the first)
    and `epoch_events` counts the events of the current epoch, `day` is its day.
    """

    last_seq: int
    revision: int
    epoch: int
    hh: bytes | None
    last_hh: bytes
    day: int
    epoch_events: int
    chain: bytes


class Glance(msgspec.Struct, frozen=True, gc=False):
    """A conversation at a glance: its head, and `told`, which moves whenever a receipt does.

    *begins* is the first event that retention has kept.
    """

    head: Head
    told: int
    begins: int = 1


class Told(msgspec.Struct, frozen=True, gc=False):
    """One inbox row as it was written: the user, the position, and what it is about."""

    user: str
    pos: int
    kind: int
    conv: str
    seq: int
    notify: bool
    highlight: bool


class Committed(msgspec.Struct, frozen=True, gc=False):
    """The durable outcome of an `Append`. `repeat` is True where the events were there already."""

    conv: str
    head: Head
    events: tuple[StoredEvent, ...]
    told: tuple[Told, ...]
    repeat: bool = False


class EpochRecord(msgspec.Struct, frozen=True, gc=False):
    """One epoch as one reader needs it: header, own wrap, and the readers added since.

    `late` is the reader's own late wrap and `late_index` the position of their record.
    `first_seq` is the first event sealed under it, `chain0` the chain before that event.
    """

    epoch: int
    hh: bytes
    header: bytes
    first_seq: int
    wrap: bytes | None
    records: tuple[bytes, ...] = ()
    late: bytes | None = None
    late_index: int = -1


class LateWrap(msgspec.Struct, frozen=True, gc=False):
    """A reader added to an epoch that exists: record (canonical JSON), its rh, and the wrap.

    `after` is the rh (or hh) the record names as `prev`; the writer refuses another one.
    """

    epoch: int
    user: str
    record: bytes
    rh: bytes
    wrap: bytes
    after: bytes


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A read receipt: *user* has read up to *seq* (`kind` m.read or m.read.private)."""

    user: str
    kind: str
    thread: str | None
    event_id: str
    seq: int
    ts: int


class RoomRecord(msgspec.Struct, frozen=True, gc=False):
    """All that the server needs of a conversation to judge a request.

    `state_log` holds every state event in order of seq, so that the state at any point is a walk;
    `sealed_state` the current sealed values; `header` the newest epoch's header. What lies before
    the event *begins* was ended by retention: of it only state is left, and nobody pages back to
    it.
    """

    conv: str
    head: Head
    header: bytes
    state_log: tuple[StoredEvent, ...]
    sealed_state: tuple[SealedState, ...]
    receipts: tuple[Receipt, ...]
    begins: int = 1


class ConversationStore(Protocol):
    """Where conversations live. Every write is durable before it returns (SCALE §3)."""

    async def append(self, item: Append) -> Committed:
        """Keep *item* under the conversation's lock, with its inbox rows.

        Raises `StaleError` if the conversation moved.
        """

    async def room(self, conv: str) -> RoomRecord | None:
        """Return the conversation *conv*, or None if there is none."""

    async def event(self, conv: str, event_id: str) -> StoredEvent | None:
        """Return one event by its id; of what retention ended, state alone is found."""

    async def events(
        self, conv: str, *, after: int, before: int, limit: int, newest_first: bool
    ) -> list[StoredEvent]:
        """Return events with after < seq < before, at most *limit*, in the order asked for."""

    async def relations(
        self, conv: str, target: str, *, before: int, limit: int
    ) -> list[StoredEvent]:
        """Return events that relate to *target* with seq < before, newest first."""

    async def related(self, conv: str, targets: Sequence[str], rel_type: str) -> list[StoredEvent]:
        """Return the events that relate so to any of *targets* (at most 100 ids), oldest first."""

    async def epochs(self, conv: str, user: str, epochs: Sequence[int]) -> list[EpochRecord]:
        """Return these epochs with the wraps of *user*, in ascending order."""

    async def newest_epochs(self, conv: str, user: str, limit: int) -> list[EpochRecord]:
        """Return the newest *limit* epochs with the wraps of *user*, in ascending order."""

    async def add_readers(self, conv: str, late: Sequence[LateWrap]) -> tuple[Told, ...]:
        """Add readers to epochs, with an inbox row of kind reader for each user.

        Raises `StaleError` if a record chain moved.
        """

    async def end_epoch(self, conv: str, tell: Sequence[str]) -> tuple[Told, ...]:
        """Clear the current epoch and tell these users that a wrap is owed."""

    async def set_receipt(
        self, conv: str, receipt: Receipt, tell: Sequence[str]
    ) -> tuple[Told, ...] | None:
        """Move a receipt forward and tell *tell*; None if it already stood there or further."""
