"""A sent message, stop by stop: what happens between the request and the answer."""

from msgspec.structs import replace

from halfdoor import ids
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.content import Content
from halfdoor.messaging.drafts import Draft, draft
from halfdoor.messaging.errors import (
    BadJsonError,
    ForbiddenError,
    MessagingError,
    UnknownEventError,
)
from halfdoor.messaging.keep import Keeper, Plan
from halfdoor.messaging.ledger import ConversationStore, StoredEvent
from halfdoor.messaging.lifetimes import RETENTION, Lifetimes
from halfdoor.messaging.membership import check_joined
from halfdoor.messaging.posture_rules import LASTING, check_posture
from halfdoor.messaging.powers import Powers, check_power_change, check_redact, check_send
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import may_see
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.labels import MacKey
from halfdoor.sealing.slots import transaction_event_id

# State that is written by the server, or at creation alone.
_FIXED = frozenset({"m.room.create", "org.halfdoor.new_key", *LASTING})
_REDACTION = "m.room.redaction"
# Kinds of state that one conversation may hold; each is sent to whoever joins.
MAX_STATE = 1_000


class Sender:
    """Sends messages, state and redactions."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        store: ConversationStore,
        rooms: Rooms,
        contacts: Contacts,
        k_id: bytes,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """Take what each step needs; *k_id* makes event ids of transaction ids (SEALING §1).

        *lifetimes* bound how long a conversation may keep messages; without, any time may be set.
        """
        self._lifetimes = lifetimes or Lifetimes()
        self._keeper = keeper
        self._store = store
        self._rooms = rooms
        self._contacts = contacts
        self._k_id = MacKey(k_id)

    async def message(
        self, reader: Reader, conv: str, event_type: str, content: Content, txn: str
    ) -> str:
        """Send a message event; return its id. A repeat of *txn* gets the first answer."""
        if event_type == _REDACTION:
            target = content.get("redacts")
            if not isinstance(target, str):
                raise BadJsonError("redacts must name an event")
            return await self.redact(reader, conv, target, content, txn, endpoint=None)
        event_id = transaction_event_id(
            self._k_id, reader.user, reader.device, conv, f"send/{event_type}", txn
        )
        made = draft(event_type, content, conv=conv, sender=reader.user, event_id=event_id, txn=txn)
        return await self._send(reader, conv, made)

    async def redact(
        self,
        reader: Reader,
        conv: str,
        target: str,
        content: Content,
        txn: str,
        *,
        endpoint: str | None,
    ) -> str:
        """Redact *target*; return the id of the redaction."""
        event_id = transaction_event_id(
            self._k_id, reader.user, reader.device, conv, endpoint or f"send/{_REDACTION}", txn
        )
        try:
            found = await self._target(reader, conv, target)
        except MessagingError:
            if await self._store.event(conv, event_id) is not None:
                return event_id
            raise
        kept_content = {"redacts": target} | {
            key: value for key, value in content.items() if key == "reason"
        }
        made = draft(
            _REDACTION, kept_content, conv=conv, sender=reader.user, event_id=event_id, txn=txn
        )
        already = found.redacted_by is not None
        return await self._send(
            reader,
            conv,
            replace(made, redacts=None if already else target),
            own=found.fields.sender == reader.user,
            # Whoever carries sealed state over to the next epoch just now must not carry this.
            ends=found.fields.state_key is not None,
        )

    async def _target(self, reader: Reader, conv: str, target: str) -> StoredEvent:
        """Return the event to redact; refuse what is not there, or not this person's to redact."""
        room = await self._rooms.for_member(conv, reader.user)
        found = await self._store.event(conv, target)
        if found is None or not may_see(room, reader.user, found.seq):
            raise UnknownEventError("there is no such event")
        if found.fields.type in _FIXED:
            raise ForbiddenError("this event cannot be redacted")
        check_redact(room.powers, reader.user, found.fields.sender)
        return found

    async def state(
        self, reader: Reader, conv: str, event_type: str, state_key: str, content: Content
    ) -> str:
        """Set state; return the event's id. Membership goes another way."""
        if event_type == RETENTION:
            self._lifetimes.check(content)
        made = draft(
            event_type,
            content,
            conv=conv,
            sender=reader.user,
            state_key=state_key,
            event_id=ids.random_event_id(conv),
        )
        return await self._send(reader, conv, made)

    async def _send(
        self, reader: Reader, conv: str, made: Draft, *, own: bool = False, ends: bool = False
    ) -> str:
        async def decide(room: Room) -> Plan:
            check_event(room, reader.user, made)
            wanted = await self._contacts.check_event(room, reader.user, made, own=own)
            if wanted:
                await self._contacts.reserve(reader.user, made.event_id, wanted)
            changes_readers = made.type == "m.room.history_visibility"
            return Plan(drafts=(made,), ends_epoch=ends or changes_readers)

        try:
            committed = await self._keeper.keep(reader, conv, decide)
        except (MessagingError, ContactRefused):
            # The first try may have been kept, and only its answer lost.
            if made.txn is not None and await self._store.event(conv, made.event_id) is not None:
                return made.event_id
            raise
        return committed.events[0].fields.event_id


def check_event(room: Room, sender: str, made: Draft) -> None:
    """Refuse an event that the rules of the conversation do not allow. Pure.

    Membership, power, posture (MATRIX §4), and what cannot be changed. Raises `MessagingError`.
    """
    if sender not in room.members:
        # To a stranger the conversation does not exist.
        raise ForbiddenError("you are not in this conversation")
    check_joined(sender, room.members)
    check_posture(room.posture, made.type, made.state_key, made.content)
    if made.type in _FIXED or (made.type == "m.room.member" and made.state_key is None):
        raise ForbiddenError(f"{made.type} cannot be sent")
    check_send(room.powers, sender, made.type, made.state_key)
    if made.state_key is not None:
        if (made.type, made.state_key) not in room.state and len(room.state) >= MAX_STATE:
            raise ForbiddenError("this conversation holds as much state as it may")
        _check_state(room, sender, made)


def _check_state(room: Room, sender: str, made: Draft) -> None:
    if made.type == "m.room.power_levels" and made.state_key == "":
        new = Powers.parse(made.content, room.creator)
        check_power_change(room.powers, new, sender)
    elif made.type == "m.room.join_rules" and made.content.get("join_rule") != "invite":
        raise ForbiddenError("conversations are joined by invitation only")
    elif made.type == "m.room.history_visibility" and made.content.get(
        "history_visibility"
    ) not in {"shared", "invited", "joined"}:
        raise ForbiddenError("history_visibility must be shared, invited or joined")
