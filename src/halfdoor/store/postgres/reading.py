"""A person's inbox and room list: reading them, and marking as read."""

from typing import Any, Final

from halfdoor.ids import bucket
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import ROOM, Place
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.lookups import copy_rows
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import Person, check_place, find_places, lock_people
from halfdoor.store.postgres.turn import HIGHLIGHT, NOTIFY

_SQL: Final = statements("mailbox")


class Stream:
    """One person's stream while it is written to, in a transaction of its own."""

    def __init__(self, con: Connection, keys: Keys, restores: int, user: str) -> None:
        self.con = con
        self.keys = keys
        self.user = user
        self._restores = restores

    async def lock(self, count: int = 0) -> Person:
        """Return the person, locked, at the last of *count* new positions."""
        return (await lock_people(self.con, {self.user: count}, self._restores))[self.user]

    async def place(self, person: Person, conv: str) -> int:
        """Return the number of *conv* in the room list, given if there is none."""
        places = await find_places(self.con, self.keys, [(person, conv)])
        return places[person.ub, person.u, conv].k

    async def add(self, person: Person, kind: int, k: int, seq: int, subject: str | None) -> None:
        """Write the inbox row at the person's newest position."""
        row = (person.ub, person.u, person.pos, kind, k, seq, 0, subject)
        await copy_rows(self.con, "inbox", [row])


async def read_inbox(con: Connection, user: str, after: int, limit: int) -> list[Told]:
    """Return inbox rows with pos > *after*, oldest first."""
    rows = await con.fetch(_SQL["inbox"], bucket(user), user, after, limit)
    return [
        Told(user, pos, kind, subject, seq, bool(bits & NOTIFY), bool(bits & HIGHLIGHT))
        for pos, kind, subject, seq, bits in rows
    ]


async def read_horizon(con: Connection, user: str) -> int:
    """Return the position up to which rows of *user* may be gone because they are old."""
    return await con.fetchval(_SQL["horizon"], bucket(user), user) or 0


async def read_places(con: Connection, keys: Keys, user: str) -> list[Place]:
    """Return the room list of *user*, each row checked against its mac (`RowMacError`)."""
    rows = await con.fetch(_SQL["places"], bucket(user), user)
    return [_place(keys, user, row) for row in rows]


async def read_place(con: Connection, keys: Keys, user: str, conv: str) -> Place | None:
    """Return one row of the room list, forgotten or not."""
    row = await con.fetchrow(_SQL["place"], bucket(user), user, conv)
    return None if row is None else _place(keys, user, row)


async def forget_place(stream: Stream, conv: str) -> None:
    """Take a conversation that the person has left out of their room list."""
    person = await stream.lock()
    await stream.con.execute(_SQL["forget"], person.ub, person.u, conv)


async def write_row(stream: Stream, kind: int, subject: str) -> tuple[Person, Told]:
    """Write one inbox row about *subject*; if it is a conversation, its place moves along."""
    person, k = await stream.lock(1), 0
    if subject.startswith("!"):
        k = await stream.place(person, subject)
        await stream.con.execute(_SQL["touch"], person.ub, person.u, subject, person.pos)
    await stream.add(person, kind, k, 0, None if k else subject)
    return person, Told(stream.user, person.pos, kind, subject, 0, notify=False, highlight=False)


async def set_read(stream: Stream, conv: str, seq: int) -> Told:
    """Move the read marker to *seq* and count what is unread behind it.

    A marker never goes back: then nothing is written, and the answer names the row that was last.
    """
    con, user = stream.con, stream.user
    person = await stream.lock()
    await stream.place(person, conv)
    key = (person.ub, person.u)
    k, last_pos, read_seq, read_pos = await con.fetchrow(_SQL["reading"], *key, conv)
    if seq <= read_seq:
        return Told(user, last_pos, ROOM, conv, read_seq, notify=False, highlight=False)
    last = await con.fetchval(_SQL["last_read"], *key, read_pos, k, seq)
    read_pos = max(read_pos, last)
    unread = await con.fetchrow(_SQL["unread"], *key, read_pos, k, seq)
    person = await stream.lock(1)
    await stream.add(person, ROOM, k, seq, None)
    await con.execute(_SQL["set_read"], *key, conv, person.pos, seq, read_pos, *unread)
    return Told(user, person.pos, ROOM, conv, seq, notify=False, highlight=False)


def _place(keys: Keys, user: str, row: Any) -> Place:
    conv, membership, since, last_pos, read_seq, notify, highlight, forgotten, found = row
    check_place(keys, user, conv, membership, since, found)
    return Place(conv, membership, since, last_pos, read_seq, notify, highlight, forgotten)
