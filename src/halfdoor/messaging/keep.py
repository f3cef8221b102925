"""The one way anything is written into a conversation: decide, start an epoch, seal, keep, wake.

Every kind of event goes through `Keeper.keep`; its order of steps is the design (SCALE §3,
SEALING §3 "Races").
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from halfdoor.clock import Clock, day_of
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.deliveries import deliver, recipients
from halfdoor.messaging.drafts import Draft
from halfdoor.messaging.epoch_making import EpochMaking, PublicKeys, epoch_rows
from halfdoor.messaging.ledger import (
    Append,
    Committed,
    ConversationStore,
    EpochStart,
    Head,
    MediaWrap,
    NewEvent,
    SealedState,
    StaleError,
)
from halfdoor.messaging.media_naming import Naming
from halfdoor.messaging.reading import Epoch, Reader, Reading
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.versions import Versions
from halfdoor.messaging.wake import Wakeups
from halfdoor.sealing.envelope import EventFields, clear_body
from halfdoor.sealing.epochs import NewEpoch, Posture
from halfdoor.sealing.shares import EscrowSet

# SEALING §3: a request that lost a race seals again, at most three times.
TRIES: Final = 4
_EPOCH_EVENTS: Final = 10_000


class BusyError(Exception):
    """The conversation moved on each time; the client should try again in a moment."""


class NoKeyError(Exception):
    """Words were to be sealed by a request that belongs to no session."""


class Plan(msgspec.Struct, frozen=True):
    """What a request decided to write.

    `readers` are the members of the epoch these events begin, where the request asks for a new
    one (`fresh`); `ends_epoch` leaves the next epoch to the next event.
    """

    drafts: tuple[Draft, ...]
    fresh: bool = False
    readers: frozenset[str] | None = None
    ends_epoch: bool = False


Decide = Callable[[Room], Awaitable[Plan]]


class Keeper:
    """Seals and keeps what a request decided, and tells everybody it concerns."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        rooms: Rooms,
        audience: Audience,
        reading: Reading,
        keys: PublicKeys,
        wakeups: Wakeups,
        escrow: Sequence[EscrowSet],
        entity: str,
        redaction_grace_ms: int,
        clock: Clock,
        versions: Versions | None = None,
        naming: Naming | None = None,
    ) -> None:
        """Take what each step needs; *versions* where other processes write too.

        *naming* gives the files that events name to their readers; without, there are no files.
        """
        self._naming = naming
        self._versions = versions
        self._store = store
        self._rooms = rooms
        self._audience = audience
        self._reading = reading
        self._epochs = EpochMaking(keys, escrow, entity)
        self._wakeups = wakeups
        self._grace = redaction_grace_ms
        self._clock = clock

    async def keep(
        self, reader: Reader, conv: str, decide: Decide, *, about: Sequence[str] = ()
    ) -> Committed:
        """Write what *decide* makes of the conversation as it stands, all of it or nothing.

        *decide* is asked again whenever the conversation, or one of the people it decides by, moved
        on meanwhile; *about* are others it decides by. Raises what it raises, and `BusyError`.
        """
        for attempt in range(TRIES):
            # Where others write too, what is remembered is good for a first try, not for a refusal.
            first = attempt == 0 and self._versions is not None
            room = await (self._rooms.believed(conv) if first else self._rooms.get(conv))
            # Other requests move the room on while this one waits for anything; all that follows
            # holds for the conversation as it stood here, or not at all.
            head = room.head
            versions: tuple[tuple[str, int], ...] = ()
            if self._versions is not None:
                present = room.with_membership("join", "invite")
                versions = await self.assume((reader.user, *present, *about), remembered=first)
            # 1. Decide, on the conversation as it stands.
            try:
                plan = await decide(room)
            except Exception:
                if not first:
                    raise
                await self.look_anew()
                continue
            now = self._clock.now_ms()
            # 2. Start an epoch where one is due. Public keys are enough for that.
            start, epoch, number = None, None, head.epoch
            over = plan.fresh or self._is_over(room, head, now)
            if not over:
                epoch = await self._reading.current(reader, room, head.hh)
            # Whoever has words to seal and no wrap of the current key begins an epoch of their own.
            if over or (epoch is None and not all(one.stays_clear for one in plan.drafts)):
                readers = plan.readers if plan.readers is not None else frozenset(room.readers())
                start = await self.start_epoch(reader, room, head, readers, now)
                number = start.epoch
                epoch = await self._reading.current(reader, room, start.hh)
            # 3. Seal. After this line the body exists only inside the envelope.
            events = [
                await self.ready(reader, room, draft, now, epoch, number) for draft in plan.drafts
            ]
            if start is not None and start.sealed_state and epoch is not None:
                events[0] = await self._with_pictures(reader, room, events[0], start, epoch)
            # 4. Keep: epoch, events and inbox rows in one transaction, or nothing.
            asked = time.monotonic()
            try:
                committed = await self._store.append(
                    Append(
                        conv=conv,
                        expects=(head.hh, head.revision),
                        events=tuple(events),
                        start=start,
                        ends_epoch=plan.ends_epoch,
                        versions=versions,
                    )
                )
            except StaleError:
                self._rooms.drop(conv)
                await self.look_anew()
                continue
            # 5. Wake. Losing this costs latency, never a message.
            sealed = _sealed_state(events)
            if self.take(committed, start, reader.user, sealed, (versions, asked)):
                # Who reads is answered before who wrote: both wait for this, one knows the words.
                await asyncio.sleep(0)
            return committed
        raise BusyError("the conversation is changing too fast; try again")

    async def assume(
        self, people: Iterable[str], *, remembered: bool = False
    ) -> tuple[tuple[str, int], ...]:
        """Return how *people*, by whom a request decides, stand; nothing where nobody else writes.

        With *remembered* as they are known here; else nothing is known that is not so.
        """
        if self._versions is None:
            return ()
        named = dict.fromkeys(people)
        if remembered:
            known = self._versions.known(named)
            if len(known) == len(named):
                return known
        await self._versions.check(named)
        return self._versions.known(named)

    async def look_anew(self) -> None:
        """Believe nothing that this request read so far: something moved on."""
        if self._versions is not None:
            await self._versions.arrive()

    def take(
        self,
        committed: Committed,
        start: EpochStart | None,
        author: str,
        sealed: Iterable[SealedState] = (),
        compared: tuple[Iterable[tuple[str, int]], float] | None = None,
    ) -> bool:
        """Move this process's picture on, and wake everyone who was told; tell whether any waited.

        *compared* are versions that the writer found to hold, and when it was asked.
        """
        at = None
        if self._versions is not None and compared is not None and not committed.repeat:
            self._versions.confirm(*compared)
            at = compared[1]
        self._rooms.take(committed, start, sealed, at)
        waited = self._wakeups.ring(committed.told, at)
        if author:
            self._wakeups.recount(author, committed.conv)
        return waited

    def _is_over(self, room: Room, head: Head, now: int) -> bool:
        """Tell whether nobody may seal under the newest epoch any more."""
        return (
            head.hh is None
            # A clock that was set back does not end an epoch.
            or day_of(now) > head.day
            or head.epoch_events >= _EPOCH_EVENTS
            or self._epochs.is_for_other_custodians(room)
        )

    # -- epochs --------------------------------------------------------------------------------

    async def make_epoch(
        self,
        conv: str,
        epoch: int,
        prev: bytes,
        readers: Iterable[str],
        now: int,
        posture: Posture,
    ) -> NewEpoch:
        """Make an epoch of *conv* for *readers* (`EpochMaking.make`)."""
        return await self._epochs.make(conv, epoch, prev, readers, now, posture)

    async def start_epoch(
        self, reader: Reader, room: Room, head: Head, readers: Iterable[str], now: int
    ) -> EpochStart:
        """Start the epoch after *head*, carrying the sealed state over where this reader can."""
        old = await self._reading.open_state(reader, room)
        made = await self.make_epoch(
            room.conv, head.epoch + 1, head.last_hh, readers, now, room.posture
        )
        sealer = self._reading.begin(reader, made.header, made.cek)
        state = tuple(
            SealedState(
                type=key[0],
                state_key=key[1],
                fields=row.fields,
                body=sealer.seal(row.fields, content),
                epoch=made.header.epoch,
            )
            for key, (row, content) in old.items()
        )
        return epoch_rows(made, day_of(now), state)

    # -- events --------------------------------------------------------------------------------

    async def ready(
        self,
        reader: Reader,
        room: Room,
        draft: Draft,
        now: int,
        epoch: Epoch | None,
        number: int = 1,
    ) -> NewEvent:
        """Seal *draft* under *epoch*, the epoch *number*, and address it."""
        fields = EventFields(
            event_id=draft.event_id,
            sender=reader.user,
            device=reader.device,
            ts=now,
            type=draft.type,
            state_key=draft.state_key,
            rel_type=draft.rel_type,
            target=draft.target,
            redacts=draft.redacts,
        )
        if draft.redacts is not None and self._naming is not None:
            self._naming.unseen.redacted(room)
        sealed_state = None
        media: tuple[MediaWrap, ...] = ()
        if draft.stays_clear:
            body = clear_body(draft.raw)
        else:
            if epoch is None:
                raise NoKeyError("this request has no key to seal with")
            body = epoch.sealer.seal(fields, draft.raw)
            if self._naming is not None:
                media = await self._naming.wraps(reader, room, draft, epoch, number)
            if draft.state_key is not None:
                sealed_state = SealedState(
                    type=draft.type,
                    state_key=draft.state_key,
                    fields=fields,
                    body=epoch.sealer.seal(fields, draft.raw),
                    epoch=number,
                )
        told = recipients(room, draft)
        listeners = {}
        for user in told:
            found = self._audience.at_hand(user)
            listeners[user] = found if found is not None else await self._audience.of(user)
        deliveries, hidden = deliver(room, reader.user, draft, told, listeners)
        return NewEvent(
            fields=fields,
            body=body,
            txn=draft.txn,
            deliveries=deliveries,
            hidden_from=hidden,
            membership=draft.membership,
            redacts=draft.redacts,
            destroy_after=now + self._grace if draft.redacts else None,
            sealed_state=sealed_state,
            media=media,
        )

    async def _with_pictures(
        self, reader: Reader, room: Room, event: NewEvent, start: EpochStart, epoch: Epoch
    ) -> NewEvent:
        """Return *event*, the first of its epoch, with the keys of files that its state names."""
        if self._naming is None:
            return event
        carried = await self._naming.carried(reader, room, start.sealed_state, epoch)
        have = {one.media_id for one in event.media}
        more = tuple(one for one in carried if one.media_id not in have)
        return replace(event, media=event.media + more) if more else event


def _sealed_state(events: Iterable[NewEvent]) -> list[SealedState]:
    return [event.sealed_state for event in events if event.sealed_state is not None]
