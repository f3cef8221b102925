"""The room sections of a sync answer: joined, invited, left (CS-API, GET /sync)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from halfdoor.messaging.filters import Filter
from halfdoor.messaging.ledger import ConversationStore, Receipt, StoredEvent
from halfdoor.messaging.presenting import Presenting, raw
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.sight import (
    asked_at,
    may_read,
    may_see,
    newest_unopened,
    reads_request,
)
from halfdoor.messaging.sync_changes import RoomChanges
from halfdoor.messaging.sync_token import timeline_token
from halfdoor.messaging.typing import Typing

_HEROES: Final = 5
# A timeline is filled from so many stored events at most; what is older is paged for.
_LOOKED_AT: Final = 1_000
Section = dict[str, Any]


class SyncOptions(msgspec.Struct, frozen=True):
    """What the client asked for. `state_after` is the key it wants the state under, if it does."""

    filter: Filter
    full_state: bool = False
    state_after: str | None = None


class Timeline(msgspec.Struct):
    """Events to show, oldest first; `first` is the seq the timeline begins at."""

    events: list[tuple[StoredEvent, bytes]]
    limited: bool
    first: int


class SyncRooms:
    """Builds the sections."""

    def __init__(self, store: ConversationStore, presenting: Presenting, typing: Typing) -> None:
        """Take events from *store*, as *presenting* shows them."""
        self._store = store
        self._presenting = presenting
        self._typing = typing

    # -- sections ------------------------------------------------------------------------------

    async def joined(
        self,
        reader: Reader,
        room: Room,
        changes: RoomChanges | None,
        options: SyncOptions,
        *,
        counts: tuple[int, int],
        account: Sequence[msgspec.Raw],
        typing_since: int,
        upto: int,
    ) -> Section:
        """Return a joined room: what changed, or all of it where *changes* is None.

        Events from the seq *upto* on belong to the answer after this one.
        """
        whole = changes is None or self.is_whole(reader, room, changes)
        if whole:
            timeline = await self._newest(reader, room, options.filter, upto)
            last_seen = 0
        else:
            assert changes is not None  # noqa: S101  # whole is true otherwise
            timeline = await self._told(reader, room, changes.events, options.filter)
            last_seen = changes.events[0] - 1 if changes.events else room.head.last_seq
        told = None if whole else changes
        section: Section = {
            "timeline": _timeline(timeline),
            "ephemeral": {"events": await self._ephemeral(reader, room, told, typing_since)},
            "account_data": {"events": account},
            "unread_notifications": {
                "notification_count": counts[0],
                "highlight_count": counts[1],
            },
        }
        state = await self._state(reader, room, timeline, last_seen, whole, options, upto)
        if options.state_after is not None:
            section[options.state_after] = {"events": state}
        else:
            section["state"] = {"events": state}
        if whole or _members_changed(room, last_seen):
            section["summary"] = summary(room, reader.user)
        return section

    async def invited(self, reader: Reader, room: Room, *, known: bool) -> Section:
        """Return an invitation: stripped state, and the request's message where it may be read."""
        event = room.state[("m.room.member", reader.user)]
        section: Section = {
            "invite_state": {
                "events": raw(
                    await self._presenting.stripped(reader, room, event.fields.sender, known=known)
                )
            }
        }
        if reads_request(room, reader.user):
            newest = await self._store.events(
                room.conv,
                after=asked_at(room, reader.user),
                before=room.head.last_seq + 1,
                limit=_LOOKED_AT,
                newest_first=True,
            )
            messages = [
                one
                for one in reversed(newest)
                if one.fields.state_key is None and may_see(room, reader.user, one.seq)
            ]
            shown = await self._presenting.present(reader, room, messages)
            section["org.halfdoor.timeline"] = {"events": raw([one for _, one in shown])}
        return section

    async def left(
        self, reader: Reader, room: Room, changes: RoomChanges | None, options: SyncOptions
    ) -> Section:
        """Return a room the reader is no longer in, up to and with the event that says so."""
        gone = room.memberships(reader.user)[-1][0]
        if not may_read(room, reader.user):
            # A rejected invite: there is nothing else here for them, and no way back to page.
            timeline, last_seen = Timeline([], limited=False, first=gone), gone
        elif changes is not None and changes.events:
            seqs = [seq for seq in changes.events if seq <= gone]
            timeline = await self._told(reader, room, seqs, options.filter)
            last_seen = seqs[0] - 1 if seqs else gone
        else:
            timeline = await self._newest(reader, room, options.filter, gone + 1)
            last_seen = 0
        if not timeline.events:
            # A gap, or a filter: the membership event stands there all the same.
            event = room.state[("m.room.member", reader.user)]
            timeline.events = await self._presenting.present(reader, room, [event])
        end = gone + 1 if options.state_after is not None else timeline.first
        state = await self._delta(reader, room, last_seen, end, options.filter)
        return {
            "timeline": _timeline(timeline),
            options.state_after or "state": {"events": state},
            "account_data": {"events": []},
        }

    # -- timeline ------------------------------------------------------------------------------

    async def _told(
        self, reader: Reader, room: Room, seqs: Sequence[int], wanted: Filter
    ) -> Timeline:
        """Return the newest of the events *seqs*; limited where there are more than asked for."""
        if not seqs:
            return Timeline([], limited=False, first=room.head.last_seq + 1)
        limit = wanted.timeline.count
        gone = seqs[0] < room.begins
        if gone:
            # Their day has ended since they were told. What is left is the whole of the history.
            seqs = [seq for seq in seqs if seq >= room.begins]
            if not seqs:
                return Timeline([], limited=True, first=room.begins)
        chosen = seqs
        if not wanted.timeline.admits_all:
            stored = await self._between(room, seqs[0] - 1, seqs[-1] + 1)
            asked = {e.seq for e in stored if _admits(wanted, room.conv, e)}
            chosen = [seq for seq in seqs if seq in asked]
        limited = gone or len(chosen) > limit
        chosen = chosen[-limit:]
        if not chosen:
            return Timeline([], limited=gone, first=seqs[-1] + 1)
        first = chosen[0] if limited else seqs[0]
        within = set(chosen)
        events = await self._between(room, chosen[0] - 1, chosen[-1] + 1)
        shown = await self._presenting.present(
            reader, room, [event for event in events if event.seq in within], bundled=limited
        )
        return Timeline(shown, limited, first)

    async def _between(self, room: Room, after: int, before: int) -> Sequence[StoredEvent]:
        at_hand = room.recent_between(after, before)
        if at_hand is not None:
            return at_hand
        return await self._store.events(
            room.conv, after=after, before=before, limit=before - after, newest_first=False
        )

    async def _newest(self, reader: Reader, room: Room, wanted: Filter, before: int) -> Timeline:
        """Return the newest events the reader may see, as many as asked for."""
        limit = wanted.timeline.count
        found: list[tuple[StoredEvent, bytes]] = []
        lowest = before - _LOOKED_AT
        while before > max(1, lowest) and len(found) < limit:
            stored = await self._store.events(
                room.conv, after=0, before=before, limit=limit, newest_first=True
            )
            if not stored:
                break
            before = stored[-1].seq
            visible = [
                event
                for event in reversed(stored)
                if may_see(room, reader.user, event.seq) and _admits(wanted, room.conv, event)
            ]
            shown = await self._presenting.present(reader, room, visible, bundled=True)
            closed = newest_unopened(reader.user, visible, shown)
            found = [pair for pair in shown if pair[0].seq > closed] + found
            if closed:
                break
        found = found[-limit:]
        first = found[0][0].seq if found else before
        return Timeline(found, limited=True, first=first)

    # -- state ---------------------------------------------------------------------------------

    async def _state(
        self,
        reader: Reader,
        room: Room,
        timeline: Timeline,
        last_seen: int,
        whole: bool,
        options: SyncOptions,
        upto: int,
    ) -> list[msgspec.Raw]:
        end = upto if options.state_after is not None else timeline.first
        if whole or options.full_state:
            held = room.state_at(end)
            return await self._shown_state(reader, room, held.values(), options.filter)
        return await self._delta(reader, room, last_seen, end, options.filter)

    async def _delta(
        self, reader: Reader, room: Room, after: int, before: int, wanted: Filter
    ) -> list[msgspec.Raw]:
        latest = {
            (event.fields.type, event.fields.state_key): event
            for event in room.state_between(after, before)
        }
        return await self._shown_state(reader, room, latest.values(), wanted)

    async def _shown_state(
        self, reader: Reader, room: Room, stored: Iterable[StoredEvent], wanted: Filter
    ) -> list[msgspec.Raw]:
        chosen = [
            event
            for event in stored
            if wanted.state.admits_all
            or wanted.state.matches(
                event_type=event.fields.type, sender=event.fields.sender, room_id=room.conv
            )
        ]
        return raw(await self._presenting.state(reader, room, chosen)) if chosen else []

    def is_whole(self, reader: Reader, room: Room, changes: RoomChanges) -> bool:
        """Tell whether all of a room is to be sent: joined just now, or readable just now."""
        if changes.reader or not changes.events:
            return changes.reader
        memberships = room.memberships(reader.user)
        joins = [
            seq
            for at, (seq, membership) in enumerate(memberships)
            # A join that follows a join is a change of name or picture.
            if membership == "join" and (at == 0 or memberships[at - 1][1] != "join")
        ]
        return bool(joins) and joins[-1] >= changes.events[0]

    async def _ephemeral(
        self, reader: Reader, room: Room, changes: RoomChanges | None, typing_since: int
    ) -> list[Mapping[str, Any]]:
        """Return receipts and typing notices of those who are not silent to the reader.

        All receipts where *changes* is None.
        """
        receipts = [
            receipt
            for receipt in room.receipts.values()
            if (receipt.kind == "m.read" or receipt.user == reader.user)
            and (changes is None or receipt.seq in changes.receipts)
        ]
        types = self._typing.changed(room.conv, typing_since)
        if not receipts and not types:
            # As with most messages: then it need not be known who is silent.
            return []
        silent = (await self._presenting.hearing.of(room, reader.user)).silent
        shown = [receipt for receipt in receipts if receipt.user not in silent]
        events: list[Mapping[str, Any]] = []
        if shown:
            events.append({"type": "m.receipt", "content": _receipts(shown)})
        if types:
            typing = [user for user in self._typing.users(room.conv) if user not in silent]
            events.append({"type": "m.typing", "content": {"user_ids": typing}})
        return events


def summary(room: Room, user: str) -> Section:
    """Return heroes and counts (CS-API, RoomSummary)."""
    heroes = sorted(other for other in room.with_membership("join", "invite") if other != user)
    if not heroes:
        heroes = sorted(other for other in room.members if other != user)
    return {
        "m.heroes": heroes[:_HEROES],
        "m.joined_member_count": len(room.joined),
        "m.invited_member_count": len(room.with_membership("invite")),
    }


def _members_changed(room: Room, last_seen: int) -> bool:
    later = room.state_between(last_seen, room.head.last_seq + 1)
    return any(event.fields.type == "m.room.member" for event in later)


def _timeline(timeline: Timeline) -> Section:
    return {
        "events": raw([one for _, one in timeline.events]),
        "limited": timeline.limited,
        "prev_batch": timeline_token(timeline.first),
    }


def _receipts(receipts: Iterable[Receipt]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for receipt in receipts:
        data: dict[str, Any] = {"ts": receipt.ts}
        if receipt.thread is not None:
            data["thread_id"] = receipt.thread
        by_kind = content.setdefault(receipt.event_id, {})
        by_kind.setdefault(receipt.kind, {})[receipt.user] = data
    return content


def _admits(wanted: Filter, conv: str, event: StoredEvent) -> bool:
    # What a sealed content holds under `url` is not asked: media arrive with their own work.
    return wanted.timeline.admits_all or wanted.timeline.matches(
        event_type=event.fields.type, sender=event.fields.sender, room_id=conv
    )
