"""History for newcomers: whoever can read passes the key on, in a request of their own.

SEALING §3, "Late wrap" and "Members of an epoch".
"""

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from halfdoor.clock import Clock, day_of
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import ConversationStore, EpochRecord, LateWrap, StaleError
from halfdoor.messaging.reading import SLICE, Epoch, Reader, Reading
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import value_at
from halfdoor.messaging.wake import Wakeups
from halfdoor.sealing.epochs import parse_header, parse_record
from halfdoor.sealing.suites import PublicKey

# SEALING §3: late wraps reach back at most so many epochs.
_EPOCHS: Final = 100


class PublicKeys(Protocol):
    """Where people's public keys are found."""

    async def public_key(self, user: str) -> PublicKey | None:
        """Return the public key of *user*, None for one who never signed in."""


class Wraps:
    """Settles what members owe each other: a wrap for whoever came without a key, or came late."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        rooms: Rooms,
        reading: Reading,
        keys: PublicKeys,
        wakeups: Wakeups,
        clock: Clock,
    ) -> None:
        """Take what each step needs."""
        self._store = store
        self._rooms = rooms
        self._reading = reading
        self._keys = keys
        self._wakeups = wakeups
        self._clock = clock

    async def settle(self, reader: Reader, conv: str) -> None:
        """Give everyone in *conv* who stands in a header without a key what they wait for."""
        try:
            room = await self._rooms.get(conv)
        except UnknownRoomError:
            return
        if room.members.get(reader.user) != "join":
            return
        # Not in the newest header alone: another epoch may have begun since they got their key.
        epochs = await self._store.newest_epochs(conv, reader.user, _EPOCHS)
        for user in sorted(_keyless(epochs)):
            if user != reader.user and room.members.get(user) in {"join", "invite"}:
                await self.give(reader, room, user)

    async def give(self, reader: Reader, room: Room, newcomer: str) -> None:
        """Wrap the newest epochs for *newcomer*, as far as the reader has them and rules allow."""
        public = await self._keys.public_key(newcomer)
        if public is None or reader.session is None:
            return
        theirs = await self._store.newest_epochs(room.conv, newcomer, _EPOCHS)
        lacking = [record for record in theirs if _lacks(record, room, newcomer, public.kid)]
        if not lacking:
            return
        opened = await self._reading.epochs(reader, room, [one.epoch for one in lacking])
        late = await self._make(reader, newcomer, public, lacking, opened)
        if not late:
            return
        try:
            told = await self._store.add_readers(room.conv, late)
        except StaleError:
            # Another member was quicker: what they gave is as good.
            return
        self._wakeups.ring(told)

    async def _make(
        self,
        reader: Reader,
        newcomer: str,
        public: PublicKey,
        lacking: Iterable[EpochRecord],
        opened: dict[int, Epoch],
    ) -> list[LateWrap]:
        late = []
        day = day_of(self._clock.now_ms())
        for made, record in enumerate(lacking, start=1):
            epoch = opened.get(record.epoch)
            if epoch is None:
                continue
            records = [parse_record(one) for one in record.records]
            added, rh, wrap = epoch.late_wrap(records, newcomer, public, reader.user, day)
            late.append(
                LateWrap(
                    epoch=record.epoch,
                    user=newcomer,
                    record=added.bytes,
                    rh=rh,
                    wrap=wrap,
                    after=records[-1].rh if records else record.hh,
                )
            )
            if made % SLICE == 0:
                await asyncio.sleep(0)
        return late


def _keyless(epochs: Iterable[EpochRecord]) -> set[str]:
    """Return who stands in one of these headers without a key."""
    return {
        user
        for epoch in epochs
        # Headers are canonical JSON, so this spares nearly all of them the reading.
        if b",null]" in epoch.header
        for user, kid in parse_header(epoch.header).members
        if kid is None
    }


def _was_shared(record: EpochRecord, room: Room) -> bool:
    """Tell whether newcomers were to read what this epoch holds; a change of that ends an epoch."""
    course = room.course("m.room.history_visibility", "", "history_visibility")
    # The first epoch begins before the creation has said so.
    start = max(record.first_seq, course[0][0]) if course else record.first_seq
    return (value_at(course, start) or "shared") == "shared"


def _lacks(record: EpochRecord, room: Room, user: str, kid: bytes) -> bool:
    """Tell whether *user* may read this epoch by the rules and has no wrap of it."""
    if record.wrap is not None or record.late is not None:
        return False
    members = dict(parse_header(record.header).members)
    if user in members:
        return members[user] is None or members[user] == kid
    # Before they came, only where the conversation shares its history.
    return room.history_visibility == "shared" and _was_shared(record, room)
