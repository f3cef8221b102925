"""What happened since: GET /sync, from the inbox of one person (CS-API; SCALE §1 and §4)."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from halfdoor.messaging.audience import Audience
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import EVENT, RESTORE_BITS, MailboxStore
from halfdoor.messaging.personal import Personal
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import value_at
from halfdoor.messaging.sync_answer import Answer
from halfdoor.messaging.sync_changes import Changes, RoomChanges
from halfdoor.messaging.sync_e2ee import SyncE2ee
from halfdoor.messaging.sync_rooms import SyncOptions, SyncRooms
from halfdoor.messaging.sync_to_device import DeviceSection, PendingDevices
from halfdoor.messaging.sync_token import SyncToken
from halfdoor.messaging.typing import Typing
from halfdoor.messaging.wake import Line, Tail, Wakeups
from halfdoor.messaging.wraps import Wraps

# So many inbox rows make one answer; the rest comes with the next token.
_ROWS: Final = 2_000
_PRESENT: Final = ("join", "invite")
# The boot named in the tokens of a device that waits for approval: no process is called so.
PENDING: Final = "pending"


class Acquaintances(Protocol):
    """Who knows whom."""

    async def knows(self, one: str, other: str) -> bool:
        """Tell whether two people are connected."""


class Syncer:
    """Answers /sync."""

    def __init__(
        self,
        *,
        entity: str,
        mailbox: MailboxStore,
        rooms: Rooms,
        sections: SyncRooms,
        personal: Personal,
        audience: Audience,
        wakeups: Wakeups,
        wraps: Wraps,
        typing: Typing,
        pending: PendingDevices,
        devices: DeviceSection,
        acquaintances: Acquaintances,
    ) -> None:
        """Take what each part of an answer comes from."""
        self._entity = entity
        self._mailbox = mailbox
        self._rooms = rooms
        self._sections = sections
        self._personal = personal
        self._audience = audience
        self._wakeups = wakeups
        self._wraps = wraps
        self._typing = typing
        self._pending = pending
        self._devices = devices
        self._acquaintances = acquaintances
        # Joined later: without it, nothing is said of keys.
        self.e2ee: SyncE2ee | None = None

    async def wait_for_approval(
        self, reader: Reader, since: SyncToken | None, timeout_ms: int, line: Line | None = None
    ) -> bytes:
        """Return the legal, empty answer of a device that waits (SEALING §2).

        After its timeout, or as soon as somebody approved it: what comes next is an initial sync.
        """
        if since is not None and timeout_ms > 0 and reader.session is not None:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + timeout_ms / 1000
            tail = await self._wakeups.tail(reader.user)
            while (left := deadline - loop.time()) > 0 and not self._wakeups.draining:
                await self._wakeups.wait(tail, left, line)
                if not await self._pending.waits(reader.user, reader.session):
                    break
        return Answer().encode(str(SyncToken(self._entity, 0, PENDING, 0)))

    async def sync(
        self,
        reader: Reader,
        since: SyncToken | None,
        timeout_ms: int,
        options: SyncOptions,
        line: Line | None = None,
    ) -> bytes:
        """Return what happened since *since*, waiting up to *timeout_ms* for something to.

        HungUpError when whoever waits on *line* hangs up.
        """
        tail = await self._wakeups.tail(reader.user)
        self._wakeups.renew(tail)
        # A position that was never given out comes from before a restore: begin anew.
        # So does a device that was approved after its first, empty answers.
        if (
            since is None
            or since.entity != self._entity
            or since.boot == PENDING
            or since.pos > tail.last
            or (
                since.pos >> RESTORE_BITS != tail.last >> RESTORE_BITS
                and await self._is_undone(reader.user, since.pos)
            )
        ):
            return await self._initial(reader, tail, options, first=since is None)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1000
        position, told = since.pos, since.told
        await self._devices.acknowledge(reader, told)
        typing_since = since.typing if since.boot == self._typing.boot else 0
        while True:
            typing_now = self._typing.serial
            if tail.is_behind:
                await self._wakeups.catch_up(reader.user, tail)
            self._wakeups.renew(tail)
            rows = tail.after(position)
            if rows is None:
                rows = await self._mailbox.inbox(reader.user, after=position, limit=_ROWS)
                self._wakeups.read_aside()
                if position < await self._mailbox.horizon(reader.user):
                    # Away for so long that rows are gone: everything is sent as it stands.
                    return await self._initial(reader, tail, options, since.pos)
            rows = rows[:_ROWS]
            end = rows[-1].pos if rows else position
            answer = await self._incremental(
                reader, tail, (since.pos, end), rows, typing_since, options, told
            )
            if answer is not None:
                return await self._finish(reader, answer, self._token(end, typing_now, answer.told))
            # Nothing of it was for this client: go on from there.
            position = told = end
            typing_since = typing_now
            left = deadline - loop.time()
            if left <= 0 or self._wakeups.draining:
                return await self._finish(reader, Answer(), self._token(position, typing_now))
            current = tail.last == position and not tail.is_behind
            if current and self._typing.serial == typing_now:
                await self._wakeups.wait(tail, left, line)

    async def _is_undone(self, user: str, position: int) -> bool:
        """Tell whether *position*, from before a restore, is one that the restore took back.

        Its client may know rooms and events that are no more.
        """
        rows = await self._mailbox.inbox(user, after=position - 1, limit=1)
        return position > 0 and (not rows or rows[0].pos != position)

    # -- since a token -------------------------------------------------------------------------

    async def _incremental(
        self,
        reader: Reader,
        tail: Tail,
        span: tuple[int, int],
        rows: Sequence[Told],
        typing_since: int,
        options: SyncOptions,
        told: int,
    ) -> Answer | None:
        """Return the answer, or None where nothing in *rows* is for this client.

        *span* is the position of the client's token and that of the last of *rows*; *told* the one
        up to which its device has all messages of other devices.
        """
        since, end = span
        typed = self._typing.changed_since(typing_since)
        if not rows and not typed and not options.full_state and told >= end:
            return None
        changes = Changes(rows)
        # Somebody waits for a key that this reader can give (SEALING §3, late wraps).
        for conv in changes.owed:
            await self._wraps.settle(reader, conv)
        for conv in typed:
            room = self._rooms.at_hand(conv)
            if room is not None and room.members.get(reader.user) == "join":
                changes.room(conv)
        answer = Answer()
        room_data: dict[str, list[msgspec.Raw]] = {}
        if changes.account:
            answer.account, room_data = await self._personal.since(reader, since)
        if options.full_state:
            for place in await self._mailbox.places(reader.user):
                if place.membership == "join":
                    changes.room(place.conv)
        for conv, changed in changes.rooms.items():
            if options.filter.admits_room(conv):
                data = room_data.get(conv, [])
                await self._add_room(
                    reader, (tail, end), conv, changed, options, data, typing_since, answer
                )
        if self.e2ee is not None and self.e2ee.concern(changes):
            answer.device_lists = await self.e2ee.lists(reader, changes, answer.invite)
        if changes.pending:
            answer.to_device = await self._devices.pending(reader.user)
        await self._add_messages(reader, answer, told, end, news=changes.to_device or told < since)
        return None if answer.is_empty and answer.told == end else answer

    async def _add_messages(
        self, reader: Reader, answer: Answer, told: int, end: int, *, news: bool
    ) -> None:
        """Add messages of other devices; *news* says that there may be some."""
        answer.told = end
        if news or not self._devices.stays_clear(reader, told, end):
            messages, answer.told = await self._devices.after(reader, told, end)
            answer.to_device += messages

    async def _add_room(
        self,
        reader: Reader,
        place: tuple[Tail, int],
        conv: str,
        changed: RoomChanges | None,
        options: SyncOptions,
        account: Sequence[msgspec.Raw],
        typing_since: int,
        answer: Answer,
    ) -> None:
        try:
            room = await self._rooms.get(conv)
            if changed is None or changed.newest > room.head.last_seq:
                room = await self._rooms.caught_up(conv)
        except UnknownRoomError:
            return
        tail, position = place
        upto = await self._upto(reader, room, position, changed)
        seen = changed.newest if changed is not None and changed.newest else upto - 1
        membership = value_at(room.memberships(reader.user), seen)
        if membership == "join":
            answer.join[conv] = await self._sections.joined(
                reader,
                room,
                changed,
                options,
                counts=await self._wakeups.counts(reader.user, tail, conv),
                account=account,
                typing_since=typing_since,
                upto=upto,
            )
        elif membership != room.members.get(reader.user):
            # It changed again meanwhile: the next answer says what became of it.
            return
        elif membership == "invite":
            if await self._shows_invite(reader, room):
                inviter = room.state[("m.room.member", reader.user)].fields.sender
                known = await self._acquaintances.knows(inviter, reader.user)
                answer.invite[conv] = await self._sections.invited(reader, room, known=known)
        elif membership in {"leave", "ban"} and (changed is None or changed.events):
            answer.leave[conv] = await self._sections.left(reader, room, changed, options)

    async def _upto(
        self, reader: Reader, room: Room, position: int, changed: RoomChanges | None
    ) -> int:
        """Return the seq of the first event that the next answer will tell: this one must not."""
        end = room.head.last_seq + 1
        if changed is not None and not self._sections.is_whole(reader, room, changed):
            return end
        rows = await self._mailbox.inbox(reader.user, after=position, limit=_ROWS)
        return min([row.seq for row in rows if row.conv == room.conv and row.kind == EVENT] + [end])

    async def _shows_invite(self, reader: Reader, room: Room) -> bool:
        # An invite by somebody this person ignores since is not shown (CS-API, "Ignoring users").
        event = room.state[("m.room.member", reader.user)]
        if reader.user in event.hidden_from:
            return False
        return event.fields.sender not in (await self._audience.of(reader.user)).unheard

    # -- from the beginning --------------------------------------------------------------------

    async def _initial(
        self,
        reader: Reader,
        tail: Tail,
        options: SyncOptions,
        since: int | None = None,
        *,
        first: bool = False,
    ) -> bytes:
        """Return everything as it stands; who was here at *since* is told what they left since.

        But for the *first* one, a client knew devices before, which may be others now.
        """
        position, typing_now = tail.last, self._typing.serial
        answer = Answer()
        answer.account, room_data = await self._personal.since(reader, 0)
        wanted = (*_PRESENT, "leave", "ban") if options.filter.include_leave else _PRESENT
        for place in await self._mailbox.places(reader.user):
            left = since is not None and place.last_pos > since
            if not (place.membership in wanted or left) or not options.filter.admits_room(
                place.conv
            ):
                continue
            await self._wraps.settle(reader, place.conv)
            data = room_data.get(place.conv, [])
            await self._add_room(
                reader, (tail, position), place.conv, None, options, data, 0, answer
            )
            # A long list of rooms must not hold up everybody else.
            await asyncio.sleep(0)
        answer.to_device = await self._devices.pending(reader.user)
        await self._add_messages(reader, answer, 0, position, news=True)
        if self.e2ee is not None and not first:
            answer.device_lists = await self.e2ee.everybody(reader, answer.leave)
        return await self._finish(reader, answer, self._token(position, typing_now, answer.told))

    async def _finish(self, reader: Reader, answer: Answer, token: str) -> bytes:
        if self.e2ee is not None:
            answer.keys = await self.e2ee.counts(reader)
        return answer.encode(token)

    # -- tokens --------------------------------------------------------------------------------

    def _token(self, pos: int, typing: int, told: int | None = None) -> str:
        waiting = None if told == pos else told
        return str(SyncToken(self._entity, pos, self._typing.boot, typing, waiting))
