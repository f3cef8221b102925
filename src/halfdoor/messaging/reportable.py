"""What of conversations a person may report: all that they could see, also where it is gone now.

Joined or left (up to the leaving), a stranger's first message before joining, also where the
request was turned down or taken back since, and what was redacted within the grace of SEALING §3:
who deletes before being reported is a known pattern.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from halfdoor.clock import Clock
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import ConversationStore, StoredEvent
from halfdoor.messaging.reading import Epoch, Reader, Reading
from halfdoor.messaging.room import Room, clear_content
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import company, may_read, may_see, value_at
from halfdoor.readers.review.errors import UnseenError
from halfdoor.readers.review.filing import Reportable, Reporter
from halfdoor.readers.review.megolm_evidence import ENCRYPTED
from halfdoor.sealing.envelope import is_clear
from halfdoor.sealing.labels import Denied

_TWO: Final = 2
_HERE: Final = frozenset({"join", "invite"})
_STANDARD: Final = "standard"


class HeldBodies(Protocol):
    """Where the bodies of redacted events lie until they are destroyed."""

    async def held(self, conv: str, seq: int, now_ms: int) -> bytes | None:
        """Return the sealed body of a redacted event; None once its `destroy_after` has come."""


class Sights:
    """Implements what the review reader asks of conversations (`reports.Sights`)."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        held: HeldBodies,
        rooms: Rooms,
        reading: Reading,
        clock: Clock,
    ) -> None:
        """Look into *rooms* of *store*, and for redacted bodies into *held*."""
        self._store = store
        self._held = held
        self._rooms = rooms
        self._reading = reading
        self._clock = clock

    async def seen(self, reporter: Reporter, room: str, events: Sequence[str]) -> list[Reportable]:
        """Return these events of *room* in this order, their epochs open in the keyring.

        Raises `UnseenError`, the same for what is not there and what is not for this person.
        """
        found = await self._room(room)
        if found is None:
            raise _unseen()
        stored = [await self._visible(found, reporter.user, one) for one in events]
        numbers = sorted({one.epoch for one in stored})
        records = await self._store.epochs(room, reporter.user, numbers)
        reader = Reader(reporter.user, reporter.device, reporter.session)
        opened = await self._reading.open_records(reader, records)
        if len(opened) < len(numbers):
            # A message that this person has no key for was never read by them either.
            raise _unseen()
        headers = {one.epoch: one for one in records}
        bodies = [await self._body(room, one) for one in stored]
        return [
            Reportable(
                room=room,
                seq=one.seq,
                hh=headers[one.epoch].hh,
                header=headers[one.epoch].header,
                fields=one.fields,
                body=body,
                redacted=one.redacted_by is not None,
                ciphertext=_ciphertext(found, opened[one.epoch], one, body),
            )
            for one, body in zip(stored, bodies, strict=True)
        ]

    async def counterpart(self, user: str, room: str) -> str | None:
        """Return whom a report of the whole *room* is about.

        In a conversation of two the other one; else who asked *user* in, or who made it. None where
        *user* never had to do with it, which is answered as if it did not exist.
        """
        found = await self._room(room)
        if found is None or not any(now in _HERE for _, now in found.memberships(user)):
            return None
        others = _people(found) - {user}
        if len(others) <= 1:
            return next(iter(others), None)
        for one in (_asked_by(found, user), found.creator):
            if one in others:
                return one
        return min(others)

    async def _room(self, room: str) -> Room | None:
        try:
            return await self._rooms.get(room)
        except UnknownRoomError:
            return None

    async def _visible(self, room: Room, user: str, event_id: str) -> StoredEvent:
        found = await self._store.event(room.conv, event_id)
        if found is None or user in found.hidden_from or not was_shown(room, user, found.seq):
            raise _unseen()
        return found

    async def _body(self, conv: str, event: StoredEvent) -> bytes:
        if event.body is not None:
            return event.body
        body = await self._held.held(conv, event.seq, self._clock.now_ms())
        if body is None:
            raise UnseenError("This message was deleted too long ago to be reported.")
        return body


def _ciphertext(room: Room, epoch: Epoch, event: StoredEvent, body: bytes) -> bytes | None:
    """Return the content of an encrypted event; what the server could read is not opened here."""
    if room.posture == _STANDARD or event.fields.type != ENCRYPTED or is_clear(body):
        return None
    try:
        return epoch.opener.open(event.fields, body)
    except Denied:
        raise _unseen() from None


def was_shown(room: Room, user: str, seq: int) -> bool:
    """Tell whether *user* can see event *seq*, or saw it as a request that stands no more."""
    if may_read(room, user) and may_see(room, user, seq):
        return True
    rule = value_at(room.course("m.room.history_visibility", "", "history_visibility"), seq)
    return (
        value_at(room.memberships(user), seq) == "invite"
        and rule != "joined"
        and company(room, seq) <= _TWO
    )


def _people(room: Room) -> set[str]:
    """Return everybody who was ever in *room* or asked into it."""
    return {
        event.fields.state_key
        for event in room.log
        if event.fields.type == "m.room.member"
        and event.fields.state_key is not None
        and clear_content(event).get("membership") in _HERE
    }


def _asked_by(room: Room, user: str) -> str | None:
    """Return who asked *user* into *room* last."""
    for event in reversed(room.log):
        fields = event.fields
        if (fields.type, fields.state_key) == ("m.room.member", user) and clear_content(event).get(
            "membership"
        ) == "invite":
            return fields.sender
    return None


def _unseen() -> UnseenError:
    return UnseenError("There is no such message, or it is not one that you can see.")
