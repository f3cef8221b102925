"""How a request gets at keys: the store's wraps, opened by the keyring of the reader's session.

Nothing here holds a key. The keyring does, for as long as SEALING §2 allows.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from halfdoor.messaging.ledger import (
    ConversationStore,
    EpochRecord,
    SealedState,
    StoredEvent,
)
from halfdoor.messaging.room import Room, StateKey
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.epochs import Header, ReaderRecord
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PublicKey

# Opening an epoch takes about 0.1 ms; so many in a row keep the loop below 2 ms.
SLICE: Final = 4
# What is shown in the place of an event that was changed in the database; told by identity.
DAMAGED: Final = bytes(bytearray(b"{}"))
_alarm: Final = logging.getLogger("halfdoor.alarm")


class Reader(msgspec.Struct, frozen=True):
    """Who asks. `session` names their keyring; None for a request that can open nothing."""

    user: str
    device: str
    session: str | None


class Seals(Protocol):
    """Seals events under one epoch."""

    def seal(self, fields: EventFields, pt: bytes) -> bytes:
        """Return the body of an event whose content is *pt*."""


class Opens(Protocol):
    """Opens events of one epoch."""

    def open(self, fields: EventFields, body: bytes) -> bytes:
        """Return the content of an event; `Denied` for anything that is not as it was sealed."""


class MediaKey(Protocol):
    """The key of one file, for the length of a request (readers/participants/keyring_media.py)."""

    @property
    def media_id(self) -> str:
        """The file it opens."""

    def part(self, file_size: int, start: int, stop: int) -> "OpensPart":
        """Return what opens a part of its content; `Denied` where the file has no such part."""

    def facts(self, blob: bytes) -> bytes:
        """Return name and type of the file, as JSON."""

    def seal_for_case(
        self, case_id: str, reporter: str, file_hash: bytes, public: PublicKey
    ) -> bytes:
        """Return the key sealed to a case that *reporter* brings the file before."""

    def seal_small(self, form: str, picture: bytes) -> bytes:
        """Return a small picture of the file, sealed for whoever has this key."""

    def open_small(self, form: str, blob: bytes) -> bytes:
        """Return what `seal_small` sealed; `Denied` for another file, size or key."""

    def give_to_the_entity(self) -> bytes:
        """Return the key itself, for a file that a profile shows to everybody."""


class OpensPart(Protocol):
    """Opens a part of a file, which is read from `offset` for `length` bytes."""

    offset: int
    length: int

    def update(self, data: bytes) -> bytes:
        """Take the next piece of the file; return what of the content is ready, else `Denied`."""

    def finish(self) -> None:
        """Check that nothing is missing, else `Denied`."""


class Epoch(Protocol):
    """One epoch, open to one session."""

    @property
    def sealer(self) -> Seals:
        """What seals under it."""

    @property
    def opener(self) -> Opens:
        """What opens under it."""

    def late_wrap(
        self,
        records: Sequence[ReaderRecord],
        user: str,
        public: PublicKey,
        granted_by: str,
        day: int,
    ) -> tuple[ReaderRecord, bytes, bytes]:
        """Return record, rh and wrap that let *user* read this epoch too."""

    def media_key(self, media_id: str, blob: bytes) -> MediaKey:
        """Return a file's key from the wrap that an event of this epoch brought; `Denied`."""

    def wrap_media(self, key: Any) -> bytes:
        """Return a file's key (a `MediaKey` of the same keyring) for the readers of this epoch."""


class Keyring(Protocol):
    """The keys of sessions with a request in flight (readers/participants/keyring.py)."""

    def cached(self, session: str, hh: bytes) -> Epoch | None:
        """Return an epoch that is open already."""

    def epoch(
        self,
        session: str,
        user: str,
        header: bytes,
        hh: bytes,
        *,
        wrap: bytes | None,
        records: Sequence[bytes],
        late: bytes | None,
        late_index: int,
    ) -> Epoch:
        """Open an epoch by the user's wrap; `Denied` if that fails."""

    def begin(self, session: str | None, header: Header, cek: bytes) -> Epoch:
        """Take the key of an epoch that this request makes; it is kept only for a session."""


class Reading:
    """Opens what a reader may open."""

    def __init__(self, store: ConversationStore, keyring: Keyring) -> None:
        """Read wraps from *store*, open them with *keyring*."""
        self._store = store
        self._keyring = keyring

    def begin(self, reader: Reader, header: Header, cek: bytes) -> Seals:
        """Return the sealer of an epoch that this request makes."""
        return self._keyring.begin(reader.session, header, cek).sealer

    async def current(self, reader: Reader, room: Room, hh: bytes | None) -> Epoch | None:
        """Return the epoch *hh*, the newest of *room*, or None where the reader has no wrap."""
        if reader.session is None or hh is None:
            return None
        found = self._keyring.cached(reader.session, hh)
        if found is not None:
            return found
        opened = await self.epochs(reader, room, [room.head.epoch])
        return next(iter(opened.values()), None)

    async def epochs(self, reader: Reader, room: Room, numbers: Iterable[int]) -> dict[int, Epoch]:
        """Return those of the epochs *numbers* that the reader can open, in slices."""
        wanted = sorted(set(numbers))
        if reader.session is None or not wanted:
            return {}
        records = await self._store.epochs(room.conv, reader.user, wanted)
        return await self.open_records(reader, records)

    async def open_records(
        self, reader: Reader, records: Sequence[EpochRecord]
    ) -> dict[int, Epoch]:
        """Open what the store holds for the reader, without holding up other requests."""
        opened: dict[int, Epoch] = {}
        if reader.session is None:
            return opened
        fresh = 0
        for record in records:
            epoch = self._keyring.cached(reader.session, record.hh)
            if epoch is None and (record.wrap is not None or record.late is not None):
                epoch = self._open(reader, reader.session, record)
                fresh += 1
                if fresh % SLICE == 0:
                    await asyncio.sleep(0)
            if epoch is not None:
                opened[record.epoch] = epoch
        return opened

    def _open(self, reader: Reader, session: str, record: EpochRecord) -> Epoch | None:
        try:
            return self._keyring.epoch(
                session,
                reader.user,
                record.header,
                record.hh,
                wrap=record.wrap,
                records=record.records,
                late=record.late,
                late_index=record.late_index,
            )
        except Denied:
            # A wrap for an earlier key of this person (SEALING §2, start over): theirs no more.
            return None

    async def contents(
        self, reader: Reader, room: Room, events: Sequence[StoredEvent]
    ) -> list[bytes | None]:
        """Return the content of each event, None where there is none or the reader has no key."""
        epochs: dict[int, Epoch | None] = {}
        session = reader.session
        missing = set()
        for event in events:
            if event.body is None or event.body[0] == 0 or event.epoch in epochs:
                continue
            hh = room.head.hh if event.epoch == room.head.epoch else None
            at_hand = self._keyring.cached(session, hh) if session and hh else None
            if at_hand is not None:
                epochs[event.epoch] = at_hand
            else:
                missing.add(event.epoch)
        if missing:
            epochs.update(await self.epochs(reader, room, missing))
            await asyncio.sleep(0)
        return [_content(event, epochs.get(event.epoch)) for event in events]

    async def open_state(
        self, reader: Reader, room: Room
    ) -> dict[StateKey, tuple[SealedState, bytes]]:
        """Return the sealed state in force, opened; nothing where the reader has no key."""
        if not room.sealed_state:
            return {}
        epoch = await self.current(reader, room, room.header.hh)
        numbers = {row.epoch for row in room.sealed_state.values()} - {0, room.head.epoch}
        earlier = await self.epochs(reader, room, numbers)
        opened, older = {}, []
        for key, row in room.sealed_state.items():
            its_own = earlier.get(row.epoch) if row.epoch in numbers else epoch
            try:
                if its_own is None:
                    raise Denied
                opened[key] = (row, its_own.opener.open(row.fields, row.body))
            except Denied:
                # Sealed under an older epoch: the request that began this one had no key. The
                # event itself says the same to whoever has that key.
                if room.state[key].fields.event_id == row.fields.event_id:
                    older.append((key, row, room.state[key]))
        contents = await self.contents(reader, room, [event for _, _, event in older])
        for (key, row, _), content in zip(older, contents, strict=True):
            if content is not None:
                opened[key] = (row, content)
        return opened


def _content(event: StoredEvent, epoch: Epoch | None) -> bytes | None:
    if event.body is None:
        return None
    if event.body[0] == 0:
        return event.body[1:]
    if epoch is None:
        return None
    try:
        return epoch.opener.open(event.fields, event.body)
    except Denied:
        # Changed in the database. One such event must not shut its readers out of all the others.
        _alarm.critical("an event does not open as it was sealed")
        return DAMAGED
