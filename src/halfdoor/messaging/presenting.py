"""Events as one reader sees them: opened, cut where redacted, with what stands beside them."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.clock import Clock
from halfdoor.e2ee.franking_marks import FrankingMarks
from halfdoor.messaging import events
from halfdoor.messaging.content import encode
from halfdoor.messaging.hearing import Heard, Hearing, bare_state
from halfdoor.messaging.ledger import ConversationStore, StoredEvent
from halfdoor.messaging.reading import DAMAGED, Reader, Reading
from halfdoor.messaging.redaction import redact_content
from halfdoor.messaging.room import Room
from halfdoor.messaging.sight import may_see, membership_at
from halfdoor.safety.postures import E2EE
from halfdoor.sealing.labels import Denied

_NOTHING: Final = b"{}"
_MANY: Final = 25
# The id of the event that a state event took the place of, and its content if it can be read.
Replaced = tuple[str, bytes | None]


class Presenting:
    """Makes client events of stored ones."""

    def __init__(
        self,
        store: ConversationStore,
        reading: Reading,
        hearing: Hearing,
        clock: Clock,
        marks: FrankingMarks | None = None,
    ) -> None:
        """Open with *reading*, find redactions and edits in *store*.

        *hearing* tells whose words are not shown; *marks* are the server's on what senders of
        encrypted messages committed to.
        """
        self._marks = marks
        self._store = store
        self._reading = reading
        self.hearing = hearing
        self._clock = clock

    async def present(
        self,
        reader: Reader,
        room: Room,
        stored: Sequence[StoredEvent],
        *,
        with_room: bool = False,
        bundled: bool = False,
    ) -> list[tuple[StoredEvent, bytes]]:
        """Return what *reader* may see of *stored*, each with its JSON, in the same order.

        Events hidden from the reader, and events whose epoch they have no wrap for, are left out.
        With *bundled* an event carries its newest edit (CS-API, "Server-side aggregation").
        """
        shown = [event for event in stored if reader.user not in event.hidden_from]
        contents = await self._reading.contents(reader, room, shown)
        edits = await self._edits(reader, room, shown) if bundled else {}
        heard = await self.hearing.of(room, reader.user)
        replaced = await self._replaced(reader, room, shown, heard)
        now = self._clock.now_ms()
        presented = []
        marks = self._marks if room.posture == E2EE else None
        for number, (event, opened) in enumerate(zip(shown, contents, strict=True)):
            if number % _MANY == _MANY - 1:
                # A long page is work for many turns: let others have theirs.
                await asyncio.sleep(0)
            because, content = None, opened
            if event.redacted_by is not None:
                because = await self._redaction(reader, room, event.redacted_by)
                content = _cut(event, content)
            elif content is None:
                continue
            content = heard.content(event, content)
            edit = edits.get(event.fields.event_id)
            older = replaced.get(event.seq)
            beside = self._unsigned(reader, room, event, now, older, because, edit)
            if content is DAMAGED:
                beside["org.halfdoor.damaged"] = True
            if heard.strangers and heard.blurs(event, content or _NOTHING):
                beside["org.halfdoor.blur"] = True
            if marks is not None and event.redacted_by is None:
                mark = await marks.mark(room.conv, event.fields, content or _NOTHING)
                if mark is not None:
                    beside["org.halfdoor.franking"] = mark
            presented.append((event, _client_event(room, event, content, beside, with_room)))
        return presented

    async def unbroken_from(self, reader: Reader, room: Room) -> int:
        """Return the seq behind the newest event that *reader* may see and has no wrap for."""
        epochs = await self._store.newest_epochs(room.conv, reader.user, room.head.epoch)
        before = room.head.last_seq + 1
        for epoch in reversed(epochs):
            if epoch.wrap is None and epoch.late is None:
                events = await self._store.events(
                    room.conv,
                    after=epoch.first_seq - 1,
                    before=before,
                    limit=before - epoch.first_seq,
                    newest_first=True,
                )
                for event in events:
                    sealed = event.body is not None and event.body[0] != 0
                    if sealed and may_see(room, reader.user, event.seq):
                        return event.seq + 1
            before = epoch.first_seq
        return 1

    def _unsigned(
        self,
        reader: Reader,
        room: Room,
        event: StoredEvent,
        now: int,
        older: Replaced | None,
        because: bytes | None = None,
        edit: bytes | None = None,
    ) -> events.Unsigned:
        fields = event.fields
        own = fields.sender == reader.user and fields.device == reader.device
        replaces, prev_content = older or (None, None)
        return events.unsigned_of(
            age=max(0, now - fields.ts),
            transaction_id=event.txn if own else None,
            membership=membership_at(room, reader.user, event.seq),
            prev_content=prev_content,
            replaces_state=replaces,
            redacted_because=because,
            relations={"m.replace": edit} if edit is not None else None,
        )

    async def _replaced(
        self, reader: Reader, room: Room, shown: Sequence[StoredEvent], heard: Heard
    ) -> dict[int, Replaced]:
        """Return what each state event took the place of, its content as far as it can be read."""
        pairs = [
            (event.seq, older)
            for event in shown
            if event.fields.state_key is not None
            and (older := room.replaced_by(event)) is not None
            and reader.user not in older.hidden_from
        ]
        if not pairs:
            return {}
        contents = await self._reading.contents(reader, room, [older for _, older in pairs])
        found: dict[int, Replaced] = {}
        for (seq, older), opened in zip(pairs, contents, strict=True):
            content = opened if older.redacted_by is None else _cut(older, opened)
            if content is not None:
                content = heard.content(older, content)
            found[seq] = (older.fields.event_id, content)
        return found

    async def _redaction(self, reader: Reader, room: Room, event_id: str) -> bytes | None:
        found = await self._store.event(room.conv, event_id)
        if found is None:
            return None
        contents = await self._reading.contents(reader, room, [found])
        content = contents[0] if contents[0] is not None else _NOTHING
        if reader.user in found.hidden_from:
            # What it did is for everybody, its reason not for who blocks the sender.
            content = _cut(found, content)
        beside = events.unsigned_of(age=max(0, self._clock.now_ms() - found.fields.ts))
        return _client_event(room, found, content, beside, with_room=False)

    async def _edits(
        self, reader: Reader, room: Room, shown: Sequence[StoredEvent]
    ) -> dict[str, bytes]:
        """Return the newest edit of each message by its own sender."""
        senders = {
            event.fields.event_id: event.fields.sender
            for event in shown
            if event.fields.state_key is None and event.redacted_by is None
        }
        if not senders:
            return {}
        related = await self._store.related(room.conv, list(senders), "m.replace")
        newest: dict[str, StoredEvent] = {}
        for edit in related:
            target = edit.fields.target
            valid = (
                target is not None
                and edit.fields.sender == senders.get(target)
                and edit.redacted_by is None
                and reader.user not in edit.hidden_from
            )
            if valid and target is not None:
                newest[target] = edit
        contents = await self._reading.contents(reader, room, list(newest.values()))
        now = self._clock.now_ms()
        return {
            target: _client_event(
                room, edit, content, events.unsigned_of(age=max(0, now - edit.fields.ts)), True
            )
            for (target, edit), content in zip(newest.items(), contents, strict=True)
            if content is not None
        }

    async def state(
        self, reader: Reader, room: Room, stored: Sequence[StoredEvent], *, with_room: bool = False
    ) -> list[bytes]:
        """Return state events; sealed ones in force are read from their current sealing."""
        current = await self._reading.open_state(reader, room)
        heard = await self.hearing.of(room, reader.user)
        replaced = await self._replaced(reader, room, stored, heard)
        now = self._clock.now_ms()
        shown = []
        for number, event in enumerate(stored):
            if number % _MANY == _MANY - 1:
                await asyncio.sleep(0)
            fields = event.fields
            if reader.user in event.hidden_from:
                continue
            key = (fields.type, fields.state_key or "")
            held = current.get(key)
            if held is not None and held[0].fields.event_id == fields.event_id:
                content: bytes | None = held[1]
            else:
                content = await self._opened(reader, room, event)
            if content is not None:
                content = heard.content(event, content)
                beside = self._unsigned(reader, room, event, now, replaced.get(event.seq))
                shown.append(_client_event(room, event, content, beside, with_room))
        return shown

    async def stripped(
        self, reader: Reader, room: Room, inviter: str, *, known: bool
    ) -> list[bytes]:
        """Return the stripped state that an invited person is shown.

        Unless the inviter is *known* to them, no name, topic or picture speaks to them before
        they accept (SAFETY §5.13).
        """
        current = await self._reading.open_state(reader, room)
        shown = []
        for key, event in room.state.items():
            if not events.in_invite(key[0], key[1], (reader.user, inviter)):
                continue
            if not known and key in room.sealed_state:
                continue
            held = current.get(key)
            content = held[1] if held is not None else None
            if content is None:
                content = _clear(event)
            if content is not None:
                content = content if known else bare_state(key[0], content)
                shown.append(
                    events.stripped(
                        event_type=key[0],
                        sender=event.fields.sender,
                        state_key=key[1],
                        content=content,
                    )
                )
        return shown

    async def _opened(self, reader: Reader, room: Room, event: StoredEvent) -> bytes | None:
        try:
            content = (await self._reading.contents(reader, room, [event]))[0]
        except Denied:
            return None
        return _cut(event, content) if event.redacted_by is not None else content


def _clear(event: StoredEvent) -> bytes | None:
    """Return the content of an event that is kept in clear, as far as it was not redacted."""
    if event.body is None or event.body[0] != 0:
        return None
    content = event.body[1:]
    return _cut(event, content) if event.redacted_by is not None else content


def _cut(event: StoredEvent, content: bytes | None) -> bytes:
    """Return what the keep-list of room version 11 leaves of a redacted event."""
    if content is None:
        redacts = event.fields.redacts
        return encode({"redacts": redacts}) if redacts is not None else _NOTHING
    return encode(redact_content(event.fields.type, msgspec.json.decode(content)))


def _client_event(
    room: Room, event: StoredEvent, content: bytes, beside: events.Unsigned, with_room: bool
) -> bytes:
    fields = event.fields
    return events.client_event(
        event_type=fields.type,
        event_id=fields.event_id,
        sender=fields.sender,
        ts=fields.ts,
        content=content,
        state_key=fields.state_key,
        unsigned=beside,
        room_id=room.conv if with_room else None,
    )


def raw(events_json: Sequence[bytes]) -> list[msgspec.Raw]:
    """Return encoded events for an answer that embeds them as they are."""
    return [msgspec.Raw(one) for one in events_json]
