"""The conversations this process has at hand, in bounded memory."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import (
    Committed,
    ConversationStore,
    EpochStart,
    RoomRecord,
    SealedState,
)
from halfdoor.messaging.room import Room

_TRIES: Final = 5
_BOUND: Final = 4_000
_NO_END: Final = 2**62


class DamagedRoomError(Exception):
    """What the store keeps of a conversation contradicts itself: refused."""


class Rooms:
    """Loads conversations, and moves them on by what was kept."""

    def __init__(self, store: ConversationStore) -> None:
        """Read conversations from *store*."""
        self._store = store
        self._held: OrderedDict[str, Room] = OrderedDict()
        # Goes up whenever a conversation moves on that is not at hand: a read that began before
        # may be too old to be kept.
        self._missed = 0

    def at_hand(self, conv: str) -> Room | None:
        """Return the conversation if no look-up is needed."""
        return self._held.get(conv)

    async def get(self, conv: str) -> Room:
        """Return the conversation *conv*; `UnknownRoomError` if there is none."""
        room = self._held.get(conv)
        if room is not None:
            self._held.move_to_end(conv)
            return room
        missed = self._missed
        record = await self._store.room(conv)
        if record is None:
            raise UnknownRoomError("there is no such conversation, or it is not for you")
        # Another request may have loaded it, and moved it on, meanwhile.
        room = self._held.get(conv)
        if room is None and missed != self._missed:
            return _whole(record)
        if room is None:
            room = self._held[conv] = _whole(record)
            while len(self._held) > _BOUND:
                self._held.popitem(last=False)
        return room

    async def believed(self, conv: str) -> Room:
        """Return *conv* for a write, which is refused under the lock where it has moved on."""
        return await self.get(conv)

    async def caught_up(self, conv: str) -> Room:
        """Return *conv* with all that is kept, also what is still to be taken over here.

        A person's inbox may be read a moment before this process's picture has moved on.
        """
        for _ in range(_TRIES):
            room = await self.get(conv)
            newer = await self._store.events(
                conv, after=room.head.last_seq, before=_NO_END, limit=1, newest_first=True
            )
            if not newer or newer[0].seq <= room.head.last_seq:
                return room
            self.drop(conv)
        # The head stands behind its own events: somebody changed the database.
        raise DamagedRoomError("the conversation does not agree with its events")

    async def for_member(self, conv: str, user: str, *memberships: str) -> Room:
        """Return *conv* if *user* is in it or has one of *memberships*; else as if it were not."""
        room = await self.get(conv)
        if room.members.get(user) not in (memberships or ("join",)):
            raise UnknownRoomError("there is no such conversation, or it is not for you")
        return room

    def take(
        self,
        committed: Committed,
        start: EpochStart | None,
        sealed: Iterable[SealedState] = (),
        at: float | None = None,
    ) -> None:
        """Move a conversation on, as it stood after *at* (s, `time.monotonic`).

        Whatever does not continue what is known is read anew later.
        """
        room = self._held.get(committed.conv)
        if room is None:
            self._missed += 1
            return
        if committed.repeat or committed.head.last_seq <= room.head.last_seq:
            return
        first = committed.events[0].seq if committed.events else room.head.last_seq + 1
        if first != room.head.last_seq + 1:
            self.drop(committed.conv)
            return
        room.apply(committed, start, sealed)

    def drop(self, conv: str) -> None:
        """Read *conv* anew next time."""
        self._held.pop(conv, None)
        self._missed += 1


def _whole(record: RoomRecord) -> Room:
    """Return the room of *record*, whose posture people and keys are told alike."""
    room = Room(record)
    if room.said_posture != room.posture:
        # Somebody changed the database; whichever is true, nothing more is written or read here.
        raise DamagedRoomError("the conversation does not agree with itself about its posture")
    return room
