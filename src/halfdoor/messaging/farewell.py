"""Somebody is erased: they leave, and what tells of them is taken out of the conversations."""

from typing import Final

import msgspec
from msgspec.structs import replace

from halfdoor import ids
from halfdoor.messaging.drafts import Draft, draft
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.keep import Keeper, Plan
from halfdoor.messaging.ledger import ConversationStore, StoredEvent
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.sealing.envelope import is_clear

# So many events are looked at, and so many at most redacted, in one step.
AT_ONCE: Final = 50
_LAST: Final = 2**62
_MEMBER: Final = "m.room.member"
_REDACTION: Final = "m.room.redaction"
# What a membership event shows of a person beside that they are there.
_SHOWN: Final = ("displayname", "avatar_url")


class Farewell:
    """Takes a person out of conversations without any session of theirs."""

    def __init__(
        self, *, store: ConversationStore, rooms: Rooms, keeper: Keeper, moves: Moves
    ) -> None:
        """Take what each step needs."""
        self._store = store
        self._rooms = rooms
        self._keeper = keeper
        self._moves = moves

    async def leave(self, user: str, conv: str) -> None:
        """Let *user* leave; raises whatever keeps that from being written."""
        await self._moves.leave(_nobody(user), conv)

    async def redact(self, user: str, conv: str, after: int, *, messages: bool) -> int | None:
        """Redact what is shown of *user* in the next events after seq *after*.

        That is the name and picture in membership events about them, and with *messages* whatever
        they wrote. Returns where to go on, None at the end. The bodies lie in the redaction hold
        for its time, as after any redaction (SEALING §3).
        """
        try:
            room = await self._rooms.get(conv)
        except UnknownRoomError:
            return None
        events = await self._store.events(
            conv, after=after, before=_LAST, limit=AT_ONCE, newest_first=False
        )
        current = room.state.get((_MEMBER, user))
        standing = current.fields.event_id if current is not None else ""
        targets = [
            event.fields.event_id
            for event in events
            if event.redacted_by is None
            and event.body is not None
            and event.fields.event_id != standing
            and (_shows(event, user) or (messages and _is_message(event, user)))
        ]
        if targets:
            made = tuple(_redaction(conv, user, target) for target in targets)

            async def decide(_room: Room) -> Plan:
                return Plan(drafts=made)

            await self._keeper.keep(_nobody(user), conv, decide)
        return events[-1].seq if len(events) == AT_ONCE else None


def _nobody(user: str) -> Reader:
    """Return a reader in the name of *user* who can open nothing."""
    return Reader(user=user, device="", session=None)


def _shows(event: StoredEvent, user: str) -> bool:
    """Tell whether *event* shows a name or a picture of *user*."""
    fields, body = event.fields, event.body
    if fields.type != _MEMBER or fields.state_key != user or body is None or not is_clear(body):
        return False
    content = msgspec.json.decode(body[1:])
    return isinstance(content, dict) and any(name in content for name in _SHOWN)


def _is_message(event: StoredEvent, user: str) -> bool:
    """Tell whether *user* wrote *event*; state belongs to the conversation, not to them."""
    fields = event.fields
    return fields.sender == user and fields.state_key is None and fields.type != _REDACTION


def _redaction(conv: str, user: str, target: str) -> Draft:
    made = draft(
        _REDACTION,
        {"redacts": target},
        conv=conv,
        sender=user,
        event_id=ids.random_event_id(conv),
    )
    return replace(made, redacts=target, clear=True)
