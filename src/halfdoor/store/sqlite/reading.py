"""A person's inbox and room list: reading them, and marking as read."""

import sqlite3
from typing import Any, Final

from halfdoor.ids import bucket
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import ROOM, Place
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.projection import HIGHLIGHT, NOTIFY
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Person, Streams, check_place, read_person

_SQL: Final = statements("mailbox")
_STREAMS: Final = statements("streams")


def number(con: sqlite3.Connection, user: str) -> tuple[int, int]:
    """Return bucket and number of *user*; 0, which nobody has, where nothing was ever written."""
    ub = bucket(user)
    row = con.execute(_SQL["number"], (ub, user)).fetchone()
    return ub, 0 if row is None else row[0]


def read_position(con: sqlite3.Connection, user: str) -> int:
    """Return the newest position of *user*."""
    person = read_person(con, user)
    return 0 if person is None else person.pos


def read_inbox(con: sqlite3.Connection, user: str, after: int, limit: int) -> list[Told]:
    """Return inbox rows with pos > *after*, oldest first."""
    rows = con.execute(_SQL["inbox"], (*number(con, user), after, limit))
    return [
        Told(user, pos, kind, subject, seq, bool(bits & NOTIFY), bool(bits & HIGHLIGHT))
        for pos, kind, subject, seq, bits in rows
    ]


def read_horizon(con: sqlite3.Connection, user: str) -> int:
    """Return the position up to which rows of *user* may be gone because they are old."""
    row = con.execute(_SQL["horizon"], number(con, user)).fetchone()
    return 0 if row is None else int(row[0])


def read_places(con: sqlite3.Connection, keys: Keys, user: str) -> list[Place]:
    """Return the room list of *user*, each row checked against its mac (`RowMacError`)."""
    rows = con.execute(_SQL["places"], number(con, user))
    return [_place(keys, user, row) for row in rows]


def read_place(con: sqlite3.Connection, keys: Keys, user: str, conv: str) -> Place | None:
    """Return one row of the room list, forgotten or not."""
    row = con.execute(_SQL["place"], (*number(con, user), conv)).fetchone()
    return None if row is None else _place(keys, user, row)


def forget_place(con: sqlite3.Connection, streams: Streams, user: str, conv: str) -> None:
    """Take a conversation that *user* has left out of their room list."""
    person = streams.person(con, user)
    place = streams.place(con, person, conv)
    con.execute(_SQL["forget"], (person.ub, person.u, place.k))


def write_row(
    con: sqlite3.Connection, streams: Streams, user: str, kind: int, subject: str
) -> Told:
    """Write one inbox row about *subject*; if it is a conversation, its place moves along."""
    person = streams.person(con, user)
    pos, k = streams.next_pos(person), 0
    if subject.startswith("!"):
        k = streams.place(con, person, subject).k
        con.execute(_SQL["touch"], (pos, person.ub, person.u, k))
    _insert(con, person, pos, kind, k, 0, None if k else subject)
    return Told(user, pos, kind, subject, 0, notify=False, highlight=False)


def set_read(con: sqlite3.Connection, streams: Streams, user: str, conv: str, seq: int) -> Told:
    """Move the read marker to *seq* and count what is unread behind it.

    A marker never goes back: then nothing is written, and the answer names the row that was last.
    """
    person = streams.person(con, user)
    k = streams.place(con, person, conv).k
    key = (person.ub, person.u, k)
    last_pos, read_seq, read_pos = con.execute(_SQL["reading"], key).fetchone()
    if seq <= read_seq:
        return Told(user, last_pos, ROOM, conv, read_seq, notify=False, highlight=False)
    span = (person.ub, person.u, read_pos, k, seq)
    read_pos = max(read_pos, con.execute(_SQL["last_read"], span).fetchone()[0])
    span = (person.ub, person.u, read_pos, k, seq)
    unread = con.execute(_SQL["unread"], span).fetchone()
    pos = streams.next_pos(person)
    _insert(con, person, pos, ROOM, k, seq, None)
    con.execute(_SQL["set_read"], (pos, seq, read_pos, *unread, *key))
    return Told(user, pos, ROOM, conv, seq, notify=False, highlight=False)


def _insert(
    con: sqlite3.Connection,
    person: Person,
    pos: int,
    kind: int,
    k: int,
    seq: int,
    subject: str | None,
) -> None:
    row = (person.ub, person.u, pos, kind, k, seq, 0, subject)
    con.execute(_STREAMS["insert_inbox"], row)


def _place(keys: Keys, user: str, row: tuple[Any, ...]) -> Place:
    conv, membership, since, last_pos, read_seq, notify, highlight, forgotten, found = row
    check_place(keys, user, conv, membership, since, found)
    return Place(conv, membership, since, last_pos, read_seq, notify, highlight, bool(forgotten))
