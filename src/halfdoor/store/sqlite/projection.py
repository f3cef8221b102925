"""What a write to a conversation tells people: inbox rows, room list, unread counts (SCALE §3)."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Person, PlaceNumber, Streams

_SQL: Final = statements("streams")
NOTIFY, HIGHLIGHT, OWN = 1, 2, 4


class Change(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """*user* is now *membership*, by the event *seq*."""

    user: str
    membership: str
    seq: int


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One inbox row to be: `bits` are NOTIFY, HIGHLIGHT, and OWN for the sender's own event."""

    user: str
    kind: int
    seq: int
    bits: int


class Telling(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one write to *conv* has to tell; changes of membership come first.

    `n` is its number in the conversation's outbox, 0 where both sides share a transaction.
    """

    conv: str
    n: int
    changes: list[Change]
    entries: list[Entry]


class Projector:
    """Writes tellings to the people's side, each at most once and in order for each person."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def project(
        self, con: sqlite3.Connection, tellings: Iterable[Telling | None]
    ) -> list[tuple[Told, ...]]:
        """Write all that *tellings* say and return for each what was told to whom."""
        rows: list[tuple[Any, ...]] = []
        places: list[tuple[Any, ...]] = []
        told = [
            () if telling is None else self._tell(con, telling, rows, places)
            for telling in tellings
        ]
        self._write(con, rows, places)
        self.streams.trim()
        return told

    def _tell(
        self,
        con: sqlite3.Connection,
        telling: Telling,
        rows: list[tuple[Any, ...]],
        places: list[tuple[Any, ...]],
    ) -> tuple[Told, ...]:
        """Add the rows of one telling to those of its batch."""
        conv, n = telling.conv, telling.n
        if n:
            telling = self._unheard(con, telling)
        if telling.changes:
            # They reset counters, so what was counted before must be in the table by now.
            self._write(con, rows, places)
            for change in telling.changes:
                person = self.streams.person(con, change.user)
                self.streams.set_membership(con, person, conv, change.membership, change.seq)
                if n:
                    self._hear(con, person, conv, n)
        told = []
        for entry in telling.entries:
            user, kind, seq, bits = entry.user, entry.kind, entry.seq, entry.bits
            person = self.streams.person(con, user)
            place = self.streams.place(con, person, conv)
            pos = self.streams.next_pos(person)
            rows.append((person.ub, person.u, pos, kind, place.k, seq, bits & 3, None))
            notify, highlight, own = bits & NOTIFY, (bits & HIGHLIGHT) >> 1, bits & OWN
            if n:
                place.cursor = max(place.cursor, n)
            # Whoever writes has read what stands above: their own event empties the counters.
            places.append(
                (pos, 0, 0, 0, 0, seq, pos, place.cursor, person.ub, person.u, place.k)
                if own
                else (
                    pos, 1, notify, 1, highlight, 0, 0, place.cursor,
                    person.ub, person.u, place.k,
                )
            )  # fmt: skip
            told.append(Told(user, pos, kind, conv, seq, notify == 1, highlight == 1))
        return tuple(told)

    def _unheard(self, con: sqlite3.Connection, telling: Telling) -> Telling:
        """Return *telling* for those alone who were not told it before a crash."""
        heard = set()
        users = {change.user for change in telling.changes}
        users |= {entry.user for entry in telling.entries}
        for user in users:
            person = self.streams.person(con, user)
            if self.streams.place(con, person, telling.conv).cursor >= telling.n:
                heard.add(user)
        if not heard:
            return telling
        return Telling(
            telling.conv,
            telling.n,
            [change for change in telling.changes if change.user not in heard],
            [entry for entry in telling.entries if entry.user not in heard],
        )

    def _hear(self, con: sqlite3.Connection, person: Person, conv: str, n: int) -> None:
        """Note that *person* was told entry *n* of the outbox."""
        place: PlaceNumber = self.streams.place(con, person, conv)
        place.cursor = max(place.cursor, n)
        con.execute(_SQL["hear"], (place.cursor, person.ub, person.u, place.k))

    @staticmethod
    def _write(
        con: sqlite3.Connection, rows: list[tuple[Any, ...]], places: list[tuple[Any, ...]]
    ) -> None:
        """Write the rows gathered so far."""
        if rows:
            con.executemany(_SQL["insert_inbox"], rows)
            con.executemany(_SQL["tell_place"], places)
            rows.clear()
            places.clear()
