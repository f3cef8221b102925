"""The conversations this process has at hand, in bounded memory."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import Committed, ConversationStore, EpochStart, SealedState
from halfdoor.messaging.room import Room

_BOUND: Final = 4_000


class Rooms:
    """Loads conversations, and moves them on by what was kept."""

    def __init__(self, store: ConversationStore) -> None:
        """Read conversations from *store*."""
        self._store = store
        self._held: OrderedDict[str, Room] = OrderedDict()

    def at_hand(self, conv: str) -> Room | None:
        """Return the conversation if no look-up is needed."""
        return self._held.get(conv)

    async def get(self, conv: str) -> Room:
        """Return the conversation *conv*; `UnknownRoomError` if there is none."""
        room = self._held.get(conv)
        if room is not None:
            self._held.move_to_end(conv)
            return room
        record = await self._store.room(conv)
        if record is None:
            raise UnknownRoomError("there is no such conversation, or it is not for you")
        # Another request may have loaded it, and moved it on, meanwhile.
        room = self._held.get(conv)
        if room is None:
            room = self._held[conv] = Room(record)
            while len(self._held) > _BOUND:
                self._held.popitem(last=False)
        return room

    async def for_member(self, conv: str, user: str, *memberships: str) -> Room:
        """Return *conv* if *user* is in it or has one of *memberships*; else as if it were not."""
        room = await self.get(conv)
        if room.members.get(user) not in (memberships or ("join",)):
            raise UnknownRoomError("there is no such conversation, or it is not for you")
        return room

    def take(
        self, committed: Committed, start: EpochStart | None, sealed: Iterable[SealedState] = ()
    ) -> None:
        """Move a conversation on. Whatever does not continue what is known is read anew later."""
        room = self._held.get(committed.conv)
        if room is None or committed.repeat:
            return
        first = committed.events[0].seq if committed.events else room.head.last_seq + 1
        if first != room.head.last_seq + 1:
            self.drop(committed.conv)
            return
        room.apply(committed, start, sealed)

    def drop(self, conv: str) -> None:
        """Read *conv* anew next time."""
        self._held.pop(conv, None)
