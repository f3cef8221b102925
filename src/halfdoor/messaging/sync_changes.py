"""Inbox rows sorted by what they change. Pure."""

from collections.abc import Iterable

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import (
    ACCOUNT,
    DEVICE_LIST,
    EVENT,
    INVITE,
    OWED,
    PENDING,
    READER,
    RECEIPT,
    ROOM,
    TO_DEVICE,
)


class RoomChanges:
    """What happened in one conversation, as one person's inbox tells it."""

    __slots__ = ("account", "counts", "events", "invite", "newest", "reader", "receipts")

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[int] = []
        self.receipts: set[int] = set()
        self.newest = 0
        self.invite = False
        self.reader = False
        self.counts = False
        self.account = False


class Changes:
    """What happened to one person since a position."""

    def __init__(self, rows: Iterable[Told]) -> None:
        """Sort *rows*, which come in order of position."""
        self.rooms: dict[str, RoomChanges] = {}
        self.owed: list[str] = []
        self.account = False
        self.pending = False
        self.to_device = False
        # Whose devices or keys are others now.
        self.devices: set[str] = set()
        self.take(rows)

    def take(self, rows: Iterable[Told]) -> None:
        """Sort further *rows*."""
        for row in rows:
            self._take(row)

    def room(self, conv: str) -> RoomChanges:
        """Return the changes of *conv*, begun if need be."""
        found = self.rooms.get(conv)
        if found is None:
            found = self.rooms[conv] = RoomChanges()
        return found

    def _take(self, row: Told) -> None:
        kind = row.kind
        if kind in {EVENT, INVITE}:
            changes = self.room(row.conv)
            changes.newest = max(changes.newest, row.seq)
        if kind == EVENT:
            self.room(row.conv).events.append(row.seq)
        elif kind == RECEIPT:
            self.room(row.conv).receipts.add(row.seq)
        elif kind == INVITE:
            self.room(row.conv).invite = True
        elif kind == READER:
            self.room(row.conv).reader = True
        elif kind == ROOM:
            self.room(row.conv).counts = True
        elif kind == OWED:
            self.owed.append(row.conv)
        elif kind == PENDING:
            self.pending = True
        elif kind == TO_DEVICE:
            self.to_device = True
        elif kind == ACCOUNT and row.conv:
            self.room(row.conv).account = True
            self.account = True
        elif kind == ACCOUNT:
            self.account = True
        elif kind == DEVICE_LIST:
            self.devices.add(row.conv)
