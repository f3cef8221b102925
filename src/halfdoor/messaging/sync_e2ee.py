"""What sync says for encryption: whose devices changed, and how many keys are left (CS-API, /sync).

`changed` and `left` follow from a person's inbox. That keys are others is a row of its own; that
two people begin or cease to share a room is read from the membership events in it, which are
written with their rows or not at all. So no crash can lose one.
"""

from collections.abc import Iterable
from typing import Any, Final, Protocol

from halfdoor.messaging.device_lists import DeviceLists
from halfdoor.messaging.errors import InvalidParameterError, UnknownRoomError
from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room, clear_content
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sync_changes import Changes, RoomChanges
from halfdoor.messaging.sync_token import SyncToken

_HERE: Final = ("join", "invite")
_PAGE: Final = 2_000

Lists = dict[str, list[str]]


class Counts(Protocol):
    """How many keys a device has left (`e2ee.key_counts.KeyCounts`)."""

    async def section(self, user: str, device: str) -> dict[str, Any]:
        """Return the members of a sync answer that say so."""

    def forget(self, user: str, device: str) -> None:
        """Count anew next time."""


class SyncE2ee:
    """Answers for one house."""

    def __init__(
        self, *, lists: DeviceLists, rooms: Rooms, mailbox: MailboxStore, counts: Counts
    ) -> None:
        """Take what each part comes from."""
        self._lists = lists
        self._rooms = rooms
        self._mailbox = mailbox
        self._counts = counts

    async def counts(self, reader: Reader) -> dict[str, Any]:
        """Return what a device has left, for every answer it gets."""
        return await self._counts.section(reader.user, reader.device)

    def concern(self, changes: Changes) -> bool:
        """Tell whether *changes* can be about devices; a few comparisons for a usual message."""
        if changes.devices:
            return True
        for conv, changed in changes.rooms.items():
            if changed.invite:
                return True
            if changed.events:
                room = self._rooms.at_hand(conv)
                # Nothing but messages came since the newest state event.
                if room is None or room.head.revision >= changed.events[0]:
                    return True
        return False

    async def lists(self, reader: Reader, changes: Changes, invited: Iterable[str]) -> Lists:
        """Return `changed` and `left` of *changes*, {} where there is neither.

        *invited* are the rooms whose invitation is shown; of any other, nothing is told.
        """
        user = reader.user
        if user in changes.devices:
            self._counts.forget(user, reader.device)
        changed, gone = set(changes.devices), set[str]()
        shown = set(invited)
        for conv, changed_room in changes.rooms.items():
            if changed_room.events or conv in shown:
                room = await self._room(conv, changed_room)
                if room is not None:
                    _compare(room, user, changed_room, conv in shown, changed, gone)
        sharing = await self._lists.sharing(user, changed | gone)
        return _lists(changed & sharing, gone - sharing)

    async def everybody(self, reader: Reader, left: Iterable[str] = ()) -> Lists:
        """Return as changed whoever a client may have known when it went away for too long.

        *left* are the rooms it is told to have left meanwhile.
        """
        changed = await self._lists.company(reader.user) | {reader.user}
        gone = set[str]()
        for conv in left:
            room = await self._room(conv, RoomChanges())
            gone.update(room.members if room is not None else ())
        return _lists(changed, gone - changed)

    async def between(self, reader: Reader, since: SyncToken, to: SyncToken) -> Lists:
        """Return what sync said, or would have said, between two tokens (GET /keys/changes)."""
        if since.pos > to.pos:
            raise InvalidParameterError("from is behind to")
        changes, place = Changes(()), since.pos
        while place < to.pos:
            rows = await self._mailbox.inbox(reader.user, after=place, limit=_PAGE)
            changes.take([row for row in rows if row.pos <= to.pos])
            if len(rows) < _PAGE:
                break
            place = rows[-1].pos
        if since.pos < await self._mailbox.horizon(reader.user):
            return await self.everybody(reader)
        invited = [conv for conv, one in changes.rooms.items() if one.invite]
        return await self.lists(reader, changes, invited) or {"changed": [], "left": []}

    async def _room(self, conv: str, changed: RoomChanges) -> Room | None:
        try:
            room = await self._rooms.get(conv)
            if changed.newest > room.head.last_seq:
                room = await self._rooms.caught_up(conv)
        except UnknownRoomError:
            return None
        return room


def _compare(
    room: Room,
    user: str,
    told: RoomChanges,
    invited: bool,
    changed: set[str],
    gone: set[str],
) -> None:
    """Add who may have come to share *room* with *user*, and who may have ceased to."""
    if invited:
        changed.update(room.with_membership(*_HERE))
    if not told.events:
        return
    for event in room.state_between(told.events[0] - 1, told.events[-1] + 1):
        other = event.fields.state_key
        if event.fields.type != "m.room.member" or other is None or user in event.hidden_from:
            continue
        now, before = _membership(event), _membership(room.replaced_by(event))
        if now in _HERE and before != "join" and other == user:
            changed.update(room.with_membership(*_HERE))
        elif now in _HERE and before not in _HERE:
            changed.add(other)
        elif now not in _HERE and before in _HERE:
            gone.update(room.members if other == user else (other,))


def _membership(event: StoredEvent | None) -> str:
    return "leave" if event is None else clear_content(event).get("membership", "leave")


def _lists(changed: set[str], left: set[str]) -> Lists:
    if not changed and not left:
        return {}
    return {"changed": sorted(changed), "left": sorted(left)}
