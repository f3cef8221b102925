"""A conversation's past, page by page: /messages, /context, /event, /relations."""

from typing import Any, Final, Literal

import msgspec

from halfdoor.messaging.errors import (
    ForbiddenError,
    InvalidParameterError,
    UnknownEventError,
)
from halfdoor.messaging.filters import EventFilter
from halfdoor.messaging.ledger import ConversationStore, StoredEvent
from halfdoor.messaging.mailbox import EVENT, MailboxStore
from halfdoor.messaging.presenting import Presenting, raw
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import may_read, may_see, newest_unopened, state_bound
from halfdoor.messaging.sync_token import parse_timeline_token, parse_token, timeline_token

MAX_PAGE: Final = 100
# A page is filled from so many stored events at most; an emptier one carries a token to go on.
_LOOKED_AT: Final = 1_000
_INBOX_ROWS: Final = 2_000

Direction = Literal["b", "f"]
Pairs = list[tuple[StoredEvent, bytes]]


class Page(msgspec.Struct):
    """What was found, and the seq to go on from; None where there is nothing beyond."""

    events: Pairs
    next: int | None


class History:
    """Reads back what a person may see."""

    def __init__(
        self,
        store: ConversationStore,
        mailbox: MailboxStore,
        rooms: Rooms,
        presenting: Presenting,
    ) -> None:
        """Read from *store*; *mailbox* tells what a sync token stood for."""
        self._store = store
        self._mailbox = mailbox
        self._rooms = rooms
        self._presenting = presenting

    async def messages(
        self,
        reader: Reader,
        conv: str,
        *,
        start: str | None,
        end: str | None,
        direction: Direction,
        limit: int,
        wanted: EventFilter,
    ) -> dict[str, Any]:
        """Answer GET /messages: contiguous, `end` absent at the end of history."""
        room = await self._room(reader, conv)
        newest, oldest = room.head.last_seq + 1, 1
        default, beyond = (newest, oldest) if direction == "b" else (oldest, newest)
        origin = default if start is None else await self.seq_of(reader, room, start, default)
        stop = None if end is None else await self.seq_of(reader, room, end, beyond)
        page = await self._page(
            reader, room, origin, stop, direction, min(max(limit, 1), MAX_PAGE), wanted
        )
        answer: dict[str, Any] = {
            "start": start if start is not None else timeline_token(origin),
            "chunk": raw([one for _, one in page.events]),
        }
        if page.next is not None:
            answer["end"] = timeline_token(page.next)
        members = await self._senders_state(reader, room, page.events)
        if members:
            answer["state"] = members
        return answer

    async def event(self, reader: Reader, conv: str, event_id: str) -> bytes:
        """Return one event; `UnknownEventError` where it is not there, or not for this person."""
        room = await self._room(reader, conv)
        found = await self._visible(reader, room, event_id)
        shown = await self._presenting.present(reader, room, [found], with_room=True, bundled=True)
        if not shown:
            raise UnknownEventError("there is no such event")
        return shown[0][1]

    async def context(
        self, reader: Reader, conv: str, event_id: str, limit: int, wanted: EventFilter
    ) -> dict[str, Any]:
        """Answer GET /context: the event, what came before and after, and the state there."""
        room = await self._room(reader, conv)
        found = await self._visible(reader, room, event_id)
        _check_kept(room, found)
        shown = await self._presenting.present(reader, room, [found], with_room=True, bundled=True)
        if not shown:
            raise UnknownEventError("there is no such event")
        each = min(max(limit, 0), MAX_PAGE)
        before = await self._page(reader, room, found.seq, None, "b", each // 2, wanted)
        rest = each - each // 2
        after = await self._page(reader, room, found.seq + 1, None, "f", rest, wanted)
        edge = after.next if after.next is not None else room.head.last_seq + 1
        state = room.state_at(min(edge, state_bound(room, reader.user)))
        first = before.events[-1][0].seq if before.events else found.seq
        return {
            "event": msgspec.Raw(shown[0][1]),
            "events_before": raw([one for _, one in before.events]),
            "events_after": raw([one for _, one in after.events]),
            "start": timeline_token(before.next if before.next is not None else first),
            "end": timeline_token(edge),
            "state": raw(
                await self._presenting.state(reader, room, list(state.values()), with_room=True)
            ),
        }

    async def relations(
        self,
        reader: Reader,
        conv: str,
        target: str,
        *,
        rel_type: str | None,
        event_type: str | None,
        start: str | None,
        direction: Direction,
        limit: int,
    ) -> dict[str, Any]:
        """Answer GET /relations: what relates to an event, newest first unless asked otherwise."""
        room = await self._room(reader, conv)
        await self._visible(reader, room, target)
        edge = 1 if direction == "f" else room.head.last_seq + 1
        origin = await self.seq_of(reader, room, start, edge) if start is not None else None
        limit = min(max(limit, 1), MAX_PAGE)
        found = await self._store.relations(
            conv, target, before=room.head.last_seq + 1, limit=_LOOKED_AT
        )
        chosen = [
            event
            for event in found
            if (rel_type is None or event.fields.rel_type == rel_type)
            and (event_type is None or event.fields.type == event_type)
            and event.redacted_by is None
            and may_see(room, reader.user, event.seq)
        ]
        if direction == "f":
            chosen.reverse()
            chosen = [event for event in chosen if origin is None or event.seq >= origin]
        else:
            chosen = [event for event in chosen if origin is None or event.seq < origin]
        page, rest = chosen[:limit], chosen[limit:]
        shown = await self._presenting.present(reader, room, page, with_room=True)
        answer: dict[str, Any] = {"chunk": raw([one for _, one in shown])}
        if rest:
            edge = rest[0].seq if direction == "f" else page[-1].seq
            answer["next_batch"] = timeline_token(edge)
        if start is not None:
            answer["prev_batch"] = start
        return answer

    # -- pages ---------------------------------------------------------------------------------

    async def _page(
        self,
        reader: Reader,
        room: Room,
        origin: int,
        stop: int | None,
        direction: Direction,
        limit: int,
        wanted: EventFilter,
    ) -> Page:
        """Walk from *origin* until *limit* events are found, or the end of what may be seen."""
        backwards = direction == "b"
        if not backwards:
            origin = max(origin, await self._presenting.unbroken_from(reader, room))
        low = (stop - 1 if stop is not None else 0) if backwards else origin - 1
        high = origin if backwards else (stop if stop is not None else room.head.last_seq + 1)
        found: Pairs = []
        looked = 0
        while len(found) < limit:
            if looked >= _LOOKED_AT:
                return Page(found, high if backwards else low + 1)
            stored = await self._store.events(
                room.conv, after=low, before=high, limit=limit, newest_first=backwards
            )
            if not stored:
                return Page(found, None)
            looked += len(stored)
            visible = [
                event
                for event in stored
                if may_see(room, reader.user, event.seq) and _admits(wanted, room.conv, event)
            ]
            shown = await self._presenting.present(
                reader, room, visible, with_room=True, bundled=True
            )
            closed = newest_unopened(reader.user, visible, shown)
            if closed:
                shown = [pair for pair in shown if pair[0].seq > closed]
                if backwards and len(found) + len(shown) <= limit:
                    return Page(found + shown, None)
                found = found if backwards else []
            found.extend(shown[: limit - len(found)])
            edge = found[-1][0].seq if len(found) == limit else stored[-1].seq
            if backwards:
                high = edge
            else:
                low = edge
        return Page(found, self._beyond(room, high if backwards else low + 1, backwards))

    def _beyond(self, room: Room, seq: int, backwards: bool) -> int | None:
        if backwards:
            return seq if seq > 1 else None
        return seq if seq <= room.head.last_seq else None

    async def _senders_state(self, reader: Reader, room: Room, events: Pairs) -> list[msgspec.Raw]:
        senders = {event.fields.sender for event, _ in events}
        state = room.state_at(state_bound(room, reader.user))
        members = [
            event
            for (event_type, key), event in state.items()
            if event_type == "m.room.member" and key in senders
        ]
        return raw(await self._presenting.state(reader, room, members, with_room=True))

    # -- what may be seen ----------------------------------------------------------------------

    async def _room(self, reader: Reader, conv: str) -> Room:
        room = await self._rooms.get(conv)
        if not may_read(room, reader.user):
            raise ForbiddenError("you are not in this conversation")
        return room

    async def _visible(self, reader: Reader, room: Room, event_id: str) -> StoredEvent:
        found = await self._store.event(room.conv, event_id)
        if (
            found is None
            or reader.user in found.hidden_from
            or not may_see(room, reader.user, found.seq)
        ):
            raise UnknownEventError("there is no such event")
        return found

    async def seq_of(
        self, reader: Reader, room: Room, token: str, unknown: int | None = None
    ) -> int:
        """Return the seq a timeline token, or a sync token, stands just before.

        *unknown* is where a sync token stands that is too old to be known; at the end by default.
        """
        seq = parse_timeline_token(token)
        if seq is not None:
            if not 1 <= seq <= room.head.last_seq + 1:
                raise InvalidParameterError("the token is not one of this conversation")
            return seq
        position = parse_token(token).pos
        # What the client had not seen at that position begins with the first row after it.
        asked, found = position, room.head.last_seq + 1
        while rows := await self._mailbox.inbox(reader.user, after=position, limit=_INBOX_ROWS):
            later = [row.seq for row in rows if row.conv == room.conv and row.kind == EVENT]
            if later:
                found = min(later)
                break
            position = rows[-1].pos
        if asked < await self._mailbox.horizon(reader.user):
            return room.head.last_seq + 1 if unknown is None else unknown
        return found


def _check_kept(room: Room, event: StoredEvent) -> None:
    """Refuse state that outlived its day: there is nothing before or behind it any more."""
    if event.seq < room.begins:
        raise UnknownEventError("there is no such event")


def _admits(wanted: EventFilter, conv: str, event: StoredEvent) -> bool:
    return wanted.admits_all or wanted.matches(
        event_type=event.fields.type, sender=event.fields.sender, room_id=conv
    )
