"""Whose words one person is not shown, whatever event they stand in.

Two kinds of people are silent to somebody: whom they block or ignore, and, between an adult and a
minor who are not connected, each to the other (SAFETY §5.1, "never"). Their messages are refused or
hidden when they are sent; what is decided here are the words beside them: names, reasons, topics,
receipts, and what was written before one came.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from halfdoor.messaging.audience import Audience
from halfdoor.messaging.content import encode
from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.room import CLEAR_STATE, Room

_NOTHING: Final = b"{}"
_ADDRESS: Final = b"mxc://"
_BARE_MEMBER: Final = ("membership", "is_direct")
# What a stranger's invitation may say of the conversation's rules: no extra keys, which hold words.
_BARE_STATE: Final[Mapping[str, tuple[str, ...]]] = {
    "m.room.create": ("room_version",),
    "m.room.join_rules": ("join_rule",),
}


class Apart(Protocol):
    """Tells which members of a conversation may never have to do with a person."""

    async def apart(self, room: Room, user: str) -> frozenset[str]:
        """Return who in *room*, now or ever, is an adult or a minor apart from *user*."""

    async def blurred(self, room: Room, user: str) -> frozenset[str]:
        """Return whose pictures in *room* clients of *user* are asked to blur."""


class Heard(msgspec.Struct, frozen=True):
    """Who is silent to one person in one conversation, and since when that person is there."""

    silent: frozenset[str]
    apart: frozenset[str]
    arrived: int
    strangers: frozenset[str] = frozenset()

    def blurs(self, event: StoredEvent, content: bytes) -> bool:
        """Tell whether clients are asked to blur what *event* shows; nobody sees into some."""
        fields = event.fields
        return fields.sender in self.strangers and (
            _ADDRESS in content or fields.type == "m.room.encrypted"
        )

    def content(self, event: StoredEvent, content: bytes) -> bytes:
        """Return what of *content* is shown. The event itself stays: history has no holes."""
        fields = event.fields
        if fields.sender not in self.silent:
            return content
        if fields.state_key is None:
            before = fields.sender in self.apart and event.seq < self.arrived
            return _NOTHING if before else content
        if fields.type == "m.room.member":
            return only(content, _BARE_MEMBER)
        # Their clients must know the rules of the room; every other state holds words.
        return content if fields.type in CLEAR_STATE else _NOTHING


class Hearing:
    """Finds who is silent to whom."""

    def __init__(self, audience: Audience, contacts: Apart) -> None:
        """Ask *audience* for blocks and ignores, *contacts* for adults and minors apart."""
        self._audience = audience
        self._contacts = contacts

    async def of(self, room: Room, user: str) -> Heard:
        """Return who is silent to *user* in *room*."""
        apart = await self._contacts.apart(room, user)
        listener = self._audience.at_hand(user) or await self._audience.of(user)
        memberships = room.memberships(user)
        arrived = memberships[0][0] if memberships else room.head.last_seq + 1
        strangers = await self._contacts.blurred(room, user)
        return Heard(listener.unheard | apart, apart, arrived, strangers)


def bare_state(event_type: str, content: bytes) -> bytes:
    """Return the content of preset state as a stranger's invitation may show it."""
    names = _BARE_STATE.get(event_type)
    return content if names is None else only(content, names)


def only(content: bytes, names: tuple[str, ...]) -> bytes:
    """Return *content* with these keys alone."""
    given = msgspec.json.decode(content)
    return encode({name: given[name] for name in names if name in given})
