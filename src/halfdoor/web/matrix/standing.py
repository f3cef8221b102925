"""Where a person stands in a conversation: how much of its state is theirs to see."""

from halfdoor.messaging.errors import ForbiddenError, UnknownRoomError
from halfdoor.messaging.history import History
from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room, StateKey
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import may_see


class Standing:
    """Finds conversations for the people who are in them, or were."""

    def __init__(self, rooms: Rooms, mailbox: MailboxStore, history: History) -> None:
        """Take conversations from *rooms*; *mailbox* knows which of them were forgotten."""
        self._rooms = rooms
        self._mailbox = mailbox
        self._history = history

    async def check_remembered(self, user: str, conv: str) -> None:
        """Refuse a conversation that is not in this person's list, or no more.

        Nothing is promised about a forgotten one (CS-API, "Leaving rooms"): `UnknownRoomError`.
        """
        room = self._rooms.at_hand(conv)
        if room is not None and room.members.get(user) == "join":
            return
        place = await self._mailbox.place(user, conv)
        if place is None or place.forgotten:
            raise UnknownRoomError("there is no such conversation, or it is not for you")

    async def state(
        self, reader: Reader, conv: str, at: str | None = None
    ) -> tuple[Room, dict[StateKey, StoredEvent]]:
        """The state as *reader* may see it: now, as they left it, or at the sync token *at*.

        Raises `UnknownRoomError`, `InvalidParameterError`, and `ForbiddenError` for a time that
        the conversation's history visibility hides.
        """
        room = await self._rooms.get(conv)
        bound = _bound(room, reader.user)
        if room.members.get(reader.user) != "join":
            await self.check_remembered(reader.user, conv)
        if at is None:
            return room, room.state_at(bound)
        seq = min(await self._history.seq_of(reader, room, at), bound)
        if not may_see(room, reader.user, max(seq - 1, 1)):
            raise ForbiddenError("you were not in this conversation then")
        return room, room.state_at(seq)


def _bound(room: Room, user: str) -> int:
    """Return the seq before which *user* sees state: the end, or right behind their leaving."""
    if room.members.get(user) == "join":
        return room.head.last_seq + 1
    memberships = room.memberships(user)
    for at in range(len(memberships) - 2, -1, -1):
        if memberships[at][1] == "join":
            return memberships[at + 1][0] + 1
    raise UnknownRoomError("there is no such conversation, or it is not for you")
