"""A conversation begins later: written in the writer's lane, which remembers where it stands."""

import sqlite3
from typing import Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.retention_store import Place
from halfdoor.store.errors import UnknownConversationError
from halfdoor.store.freezes import Freeze, check_freeze
from halfdoor.store.retention_rows import Look
from halfdoor.store.retired import Retired, checked, retired_mac
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.turn import Turn, Written

_SQL: Final = statements("retention")


def read_retired(con: sqlite3.Connection, keys: Keys, place: Place) -> Retired:
    """Return what retention has ended of a conversation, else `RowMacError`."""
    row = con.execute(_SQL["retired"], (place.cb, place.c)).fetchone()
    return checked(keys, place.conv, row)


def read_freezes(con: sqlite3.Connection, keys: Keys, place: Place) -> list[Freeze]:
    """Return the holds on a conversation, each checked against its mac."""
    rows = con.execute(_SQL["freezes"], (place.cb, place.c)).fetchall()
    return [check_freeze(keys, place.conv, Freeze(*facts), mac) for *facts, mac in rows]


class Retire(msgspec.Struct, frozen=True, gc=False):
    """Lets *retired* take the place of what *look* saw; where it *closes* no epoch is current."""

    place: Place
    look: Look
    retired: Retired
    closes: bool

    def write(self, turn: Turn) -> Written | Exception:
        """Write it, unless something of what was decided on has moved; the answer says whether."""
        place, retired = self.place, self.retired
        at = turn.heads.find(turn.con, place.conv)
        if at is None:
            return UnknownConversationError(place.conv)
        if self._moved(turn) or (self.closes and at.last_seq != self.look.last_seq):
            return Written(None, _no)
        key = (place.cb, place.c)
        facts = (retired.epoch, retired.seq, retired.chain, retired.deleted, retired.kept)
        mac = retired_mac(turn.keys, place.conv, retired)
        turn.con.execute(_SQL["put_retired"], (*key, *facts, retired.links, mac))
        turn.con.execute(_SQL["begin_at"], (retired.seq, *key))
        turn.con.execute(_SQL["delete_receipts"], (*key, retired.seq))
        if self.closes:
            # Nothing more comes under a key whose messages have ended.
            at.is_current = False
            turn.moved(at)
        return Written(None, _yes)

    def _moved(self, turn: Turn) -> bool:
        place, look = self.place, self.look
        holds = {row[0] for row in turn.con.execute(_SQL["freezes"], (place.cb, place.c))}
        return read_retired(turn.con, turn.keys, place) != look.retired or holds != look.holds


def _yes(_told: tuple[Told, ...]) -> bool:
    return True


def _no(_told: tuple[Told, ...]) -> bool:
    return False
