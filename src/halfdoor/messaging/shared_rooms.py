"""Conversations at hand where other processes write to them too (decision 0013).

A conversation is compared, once in each request, with where it stands in the store; the people in
it with theirs.
"""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, final

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.fresh import Together, is_fresh
from halfdoor.messaging.ledger import (
    Committed,
    ConversationStore,
    EpochStart,
    Glance,
    Receipt,
    SealedState,
)
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import DamagedRoomError, Rooms
from halfdoor.messaging.versions import Versions

_TRIES: Final = 8
# So many events that were missed are taken over one by one; after more, all is read anew.
_FEW: Final = 64
_BOUND: Final = 8_000


class SharedStore(ConversationStore, Protocol):
    """A store that other processes write to as well."""

    async def glances(self, convs: Sequence[str]) -> Mapping[str, Glance]:
        """Return where *convs* stand now; those that are not there are left out."""

    async def receipts(self, conv: str) -> Sequence[Receipt]:
        """Return the receipts of *conv* as they stand."""


class _Mark(NamedTuple):
    """When a conversation was compared, and the count of receipts it was brought up to."""

    at: float
    told: int


@final
class SharedRooms(Rooms):
    """Loads conversations, moves them on, and believes none that was not compared."""

    def __init__(self, store: SharedStore, versions: Versions) -> None:
        """Read from *store*; *versions* checks the people in a conversation."""
        super().__init__(store)
        self._shared = store
        self._versions = versions
        self._glances: Together[str, Glance] = Together(self._look)
        self._marks: dict[str, _Mark] = {}

    async def get(self, conv: str) -> Room:
        """Return the conversation *conv* as it stood during this request, its people checked."""
        room, mark = self._held.get(conv), self._marks.get(conv)
        if room is not None and mark is not None and is_fresh(mark.at):
            self._held.move_to_end(conv)
            await self._versions.check(list(room.members))
            return room
        return await self._compared(conv)

    async def believed(self, conv: str) -> Room:
        """Return *conv* as it is remembered; a write that is decided by it says so."""
        room = self._held.get(conv)
        if room is None:
            return await self.get(conv)
        self._held.move_to_end(conv)
        return room

    async def caught_up(self, conv: str) -> Room:
        """Return *conv* as it stands now."""
        return await self._compared(conv)

    def take(
        self,
        committed: Committed,
        start: EpochStart | None,
        sealed: Iterable[SealedState] = (),
        at: float | None = None,
    ) -> None:
        """Move a conversation on; one that missed an event is brought up when it is asked for."""
        room = self._held.get(committed.conv)
        if (
            room is not None
            and committed.events
            and committed.events[0].seq > room.head.last_seq + 1
        ):
            self._mark(committed.conv, -math.inf, -1)
            return
        super().take(committed, start, sealed)
        mark = self._marks.get(committed.conv)
        if at is not None and mark is not None and room is not None:
            # The writer compared it under the lock.
            self._mark(committed.conv, max(at, mark.at), mark.told)

    async def _look(self, convs: Sequence[str]) -> Mapping[str, Glance]:
        return await self._shared.glances(convs)

    async def _compared(self, conv: str) -> Room:
        for number in range(_TRIES):
            room = self._held.get(conv)
            # Whoever is in it now was most likely in it before: one wait instead of two.
            people = list(room.members) if room is not None else []
            (at, found), _ = await asyncio.gather(
                self._glances.ask([conv]), self._versions.check(people)
            )
            glance = found.get(conv)
            if glance is None:
                self.drop(conv)
                raise UnknownRoomError("there is no such conversation, or it is not for you")
            if number > 1:
                # Either it moves very fast here, or the store went back to an older copy.
                self.drop(conv)
            room = await self._brought_up(conv, glance)
            if room is not None:
                if self._held.get(conv) is room:
                    self._mark(conv, at, glance.told)
                await self._versions.check(list(room.members))
                return room
        raise DamagedRoomError("the conversation does not agree with its events")

    async def _brought_up(self, conv: str, glance: Glance) -> Room | None:
        """Return *conv* as *glance* shows it or newer; None where it has to be looked at again."""
        room, head = self._held.get(conv), glance.head
        if room is None or not _continues(room, glance):
            if room is not None and room.head.last_seq > head.last_seq:
                # It moved on here while the store was asked.
                return None
            self.drop(conv)
            return await super().get(conv)
        if head.last_seq > room.head.last_seq:
            before = room.head.last_seq
            events = await self._shared.events(
                conv, after=before, before=head.last_seq + 1, limit=_FEW, newest_first=False
            )
            if self._held.get(conv) is not room or room.head.last_seq != before:
                return None
            if [event.seq for event in events] != list(range(before + 1, head.last_seq + 1)):
                self.drop(conv)
                return None
            room.apply(Committed(conv, head, tuple(events), ()), None)
        mark = self._marks.get(conv)
        if mark is None or mark.told != glance.told:
            for receipt in await self._shared.receipts(conv):
                key = (receipt.user, receipt.kind, receipt.thread)
                held = room.receipts.get(key)
                if held is None or held.seq < receipt.seq:
                    room.receipts[key] = receipt
        return room

    def _mark(self, conv: str, at: float, told: int) -> None:
        self._marks[conv] = _Mark(at, told)
        if len(self._marks) > _BOUND:
            self._marks = {conv: mark for conv, mark in self._marks.items() if conv in self._held}


def _continues(room: Room, glance: Glance) -> bool:
    """Tell whether only messages came since: no state, no epoch, and not too many."""
    ours, theirs = room.head, glance.head
    if glance.begins != room.begins:
        # Retention ended what may still be remembered here.
        return False
    return (ours.hh, ours.last_hh, ours.revision, ours.epoch) == (
        theirs.hh,
        theirs.last_hh,
        theirs.revision,
        theirs.epoch,
    ) and 0 <= theirs.last_seq - ours.last_seq <= _FEW
