"""How far people have read, and who is typing."""

from typing import Final

from halfdoor.clock import Clock
from halfdoor.messaging.content import encode
from halfdoor.messaging.errors import BadJsonError, UnknownEventError
from halfdoor.messaging.hearing import Hearing
from halfdoor.messaging.ledger import ConversationStore, Receipt
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.personal import FULLY_READ, Personal
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.server_user import is_server_user
from halfdoor.messaging.sight import may_see
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.unread import read_up_to
from halfdoor.messaging.wake import Wakeups

READ: Final = "m.read"
PRIVATE: Final = "m.read.private"
KINDS: Final = (READ, PRIVATE, FULLY_READ)


class Markers:
    """Sets receipts, read markers and typing notices."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        mailbox: MailboxStore,
        rooms: Rooms,
        personal: Personal,
        hearing: Hearing,
        wakeups: Wakeups,
        typing: Typing,
        clock: Clock,
    ) -> None:
        """Take what each step needs."""
        self._store = store
        self._mailbox = mailbox
        self._rooms = rooms
        self._personal = personal
        self._hearing = hearing
        self._wakeups = wakeups
        self._typing = typing
        self._clock = clock

    async def read(
        self, reader: Reader, conv: str, kind: str, event_id: str, thread: str | None = None
    ) -> None:
        """Mark everything up to *event_id* as read. A receipt never moves back."""
        if kind not in KINDS:
            raise BadJsonError("the receipt type must be m.read, m.read.private or m.fully_read")
        room = await self._rooms.for_member(conv, reader.user)
        found = await self._store.event(conv, event_id)
        if found is None or not may_see(room, reader.user, found.seq):
            raise UnknownEventError("there is no such event")
        if kind == FULLY_READ:
            body = encode({"event_id": event_id})
            await self._personal.keep(reader, FULLY_READ, body, conv)
            return
        receipt = Receipt(
            user=reader.user,
            kind=kind,
            thread=thread,
            event_id=event_id,
            seq=found.seq,
            ts=self._clock.now_ms(),
        )
        if thread is not None and thread != "main":
            # Shown to everybody, so it must be the id of something they can all look up.
            root = await self._store.event(conv, thread)
            if root is None or not may_see(room, reader.user, root.seq):
                raise UnknownEventError("there is no such thread")
        others = await self._who_hears(reader, room) if kind == READ else []
        told = await self._store.set_receipt(conv, receipt, (reader.user, *others))
        if told is None:
            return
        self._wakeups.ring(told)
        # The conversation may have been read from the store again meanwhile.
        room = await self._rooms.get(conv)
        held = room.receipts.get((reader.user, kind, thread))
        if held is None or held.seq < receipt.seq:
            room.receipts[(reader.user, kind, thread)] = receipt
        place = await self._mailbox.place(reader.user, conv)
        before = place.read_seq if place is not None else 0
        upto = await read_up_to(self._store, conv, reader.user, room.receipts.values(), before)
        if upto > before:
            marked = await self._mailbox.set_read(reader.user, conv, upto)
            self._wakeups.recount(reader.user, conv)
            self._wakeups.ring([marked])

    async def typing(self, reader: Reader, conv: str, timeout_ms: int) -> None:
        """Show the others that *reader* types for *timeout_ms*, 0 that they stopped."""
        room = await self._rooms.for_member(conv, reader.user)
        tell = [reader.user, *await self._who_hears(reader, room)]
        self._typing.set(conv, reader.user, timeout_ms, tell)

    async def _who_hears(self, reader: Reader, room: Room) -> list[str]:
        """Return the others in *room* to whom *reader* is not silent."""
        # The server reads no inbox, so none is to grow with all that people read of it.
        others = [one for one in room.joined if one != reader.user and not is_server_user(one)]
        return [
            user
            for user in others
            if reader.user not in (await self._hearing.of(room, user)).silent
        ]
