"""How far first contact between two people has come (SAFETY §5.13)."""

import sqlite3
from typing import Final

from halfdoor.messaging.mailbox import Contact
from halfdoor.store.sqlite.erasures import erased
from halfdoor.store.sqlite.reading import number
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Streams

_SQL: Final = statements("contacts")


def reserve(
    con: sqlite3.Connection,
    streams: Streams,
    sender: str,
    recipient: str,
    event_id: str,
    limit: int,
) -> bool:
    """Count an event against the pair's limit; an event that was counted stays counted once."""
    if erased(con, streams.keys, recipient) is not None:
        # Nothing more is written about them.
        return False
    person = streams.person(con, sender)
    pair = (person.ub, person.u, recipient)
    if con.execute(_SQL["counted"], (*pair, event_id)).fetchone() is not None:
        return True
    if con.execute(_SQL["sent"], pair).fetchone()[0] >= limit:
        return False
    con.execute(_SQL["count"], (*pair, event_id))
    return True


def read_contact(con: sqlite3.Connection, sender: str, recipient: str) -> Contact:
    """Return what was sent from one person to the other, and until when the pair is closed."""
    pair = (*number(con, sender), recipient)
    (sent,) = con.execute(_SQL["sent"], pair).fetchone()
    closed = con.execute(_SQL["until"], pair).fetchone()
    return Contact(sent, 0 if closed is None else closed[0])


def close(
    con: sqlite3.Connection, streams: Streams, sender: str, recipient: str, until: int
) -> None:
    """Close the pair for new requests."""
    if erased(con, streams.keys, sender) is not None:
        # They ask nobody any more, and nothing more is written about them.
        return
    person = streams.person(con, sender)
    con.execute(_SQL["close"], (person.ub, person.u, recipient, until))
