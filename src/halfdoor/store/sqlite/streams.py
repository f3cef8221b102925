"""Where each person's stream stands, as the writer thread remembers it (SCALE §1)."""

import sqlite3
from typing import Final

import msgspec

from halfdoor.ids import bucket
from halfdoor.messaging.mailbox import RESTORE_BITS
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("streams")
_REMEMBERED: Final = 50_000
PLACE_TABLE: Final = "umember"


class PlaceNumber(msgspec.Struct):
    """The number of a conversation in a person's room list; `cursor` is the outbox entry told."""

    k: int
    cursor: int


class Person(msgspec.Struct, kw_only=True):
    """One person's stream: `pos` is the position of the newest inbox row."""

    user: str
    ub: int
    u: int
    pos: int
    places: dict[str, PlaceNumber]


class Streams:
    """Remembers persons between writes, until a transaction fails."""

    def __init__(self, keys: Keys, restores: int) -> None:
        self.keys = keys
        self._least = restores << RESTORE_BITS
        self._known: dict[str, Person] = {}

    def forget(self) -> None:
        """Drop everything remembered."""
        self._known.clear()

    def trim(self) -> None:
        """Drop the oldest of what is remembered, where nothing is ahead of the database."""
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def person(self, con: sqlite3.Connection, user: str) -> Person:
        """Return the stream of *user*, begun if there is none."""
        known = self._known.get(user)
        if known is None:
            known = read_person(con, user) or _begin(con, user)
            self._known[user] = known
        return known

    def next_pos(self, person: Person) -> int:
        """Return the next position, and let the stream stand there."""
        person.pos = max(person.pos, self._least) + 1
        return person.pos

    def place(self, con: sqlite3.Connection, person: Person, conv: str) -> PlaceNumber:
        """Return the number of *conv* for *person*, given if there is none."""
        known = person.places.get(conv)
        if known is None:
            key = (person.ub, person.u)
            row = con.execute(_SQL["place"], (*key, conv)).fetchone()
            if row is None:
                row = (con.execute(_SQL["newest_place"], key).fetchone()[0] + 1, 0)
                found = self._mac(person.user, conv, "", 0)
                con.execute(_SQL["insert_place"], (*key, row[0], conv, "", found))
            known = person.places[conv] = PlaceNumber(*row)
        return known

    def set_membership(
        self, con: sqlite3.Connection, person: Person, conv: str, membership: str, seq: int
    ) -> None:
        """Write what *person* is in *conv*; `since_seq` moves only where that changed."""
        key = (person.ub, person.u, self.place(con, person, conv).k)
        before, since, found = con.execute(_SQL["membership"], key).fetchone()
        check_place(self.keys, person.user, conv, before, since, found)
        since = since if before == membership else seq
        found = self._mac(person.user, conv, membership, since)
        con.execute(_SQL["set_membership"], (membership, since, found, *key))
        if membership in {"leave", "ban"}:
            con.execute(_SQL["clear_unread"], key)

    def _mac(self, user: str, conv: str, membership: str, since: int) -> bytes:
        return self.keys.row_mac(PLACE_TABLE, user, [user, conv], [membership, since])


def check_place(
    keys: Keys, user: str, conv: str, membership: str, since: int, found: bytes
) -> None:
    """Refuse a room list row that was changed without the outer key, with `RowMacError`."""
    keys.check_row_mac(PLACE_TABLE, user, [user, conv], [membership, since], found)


def read_person(con: sqlite3.Connection, user: str) -> Person | None:
    """Return the stream of *user*, or None if nothing was ever written to it."""
    ub = bucket(user)
    row = con.execute(_SQL["person"], (ub, user)).fetchone()
    if row is None:
        return None
    u, floor = row
    (newest,) = con.execute(_SQL["newest_row"], (ub, u)).fetchone()
    return Person(user=user, ub=ub, u=u, pos=max(floor, newest), places={})


def _begin(con: sqlite3.Connection, user: str) -> Person:
    """Give *user* a number in their bucket."""
    ub = bucket(user)
    u = con.execute(_SQL["newest_number"], (ub,)).fetchone()[0] + 1
    con.execute(_SQL["insert_person"], (ub, u, user))
    return Person(user=user, ub=ub, u=u, pos=0, places={})
