"""A message is taken out of its conversation by a decision, for everybody who is in it."""

from typing import Final

from msgspec.structs import replace

from halfdoor import ids
from halfdoor.messaging.drafts import draft
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.keep import Keeper, Plan
from halfdoor.messaging.ledger import ConversationStore
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms

_REDACTION: Final = "m.room.redaction"
_TWO: Final = 2


class Removal:
    """Redacts in the server's own name. What was redacted lies in the hold for its time."""

    def __init__(
        self, *, store: ConversationStore, rooms: Rooms, keeper: Keeper, server: str
    ) -> None:
        """*server* is the user id that the server speaks with: nobody in the room is blamed."""
        self._store = store
        self._rooms = rooms
        self._keeper = keeper
        self._reader = Reader(user=server, device="", session=None)

    async def remove(self, conv: str, target: str) -> bool:
        """Redact *target* in *conv*; False where it is gone or redacted already.

        Raises whatever keeps the redaction from being written.
        """
        try:
            await self._rooms.get(conv)
        except UnknownRoomError:
            return False
        found = await self._store.event(conv, target)
        if found is None or found.redacted_by is not None:
            return False
        made = draft(
            _REDACTION,
            {"redacts": target},
            conv=conv,
            sender=self._reader.user,
            event_id=ids.random_event_id(conv),
        )
        made = replace(made, redacts=target, clear=True)

        async def decide(_room: Room) -> Plan:
            # Whoever carries sealed state over to the next epoch must not carry this.
            return Plan(drafts=(made,), ends_epoch=found.fields.state_key is not None)

        await self._keeper.keep(self._reader, conv, decide)
        return True


class Company:
    """Tells how many take part in a conversation."""

    def __init__(self, rooms: Rooms) -> None:
        """Ask *rooms*."""
        self._rooms = rooms

    async def is_pair(self, room: str) -> bool:
        """Tell whether at most two people take part in *room*; so it is where nobody knows it."""
        try:
            found = await self._rooms.get(room)
        except UnknownRoomError:
            return True
        return len(found.with_membership("join", "invite")) <= _TWO
