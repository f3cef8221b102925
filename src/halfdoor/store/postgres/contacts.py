"""How far first contact between two people has come (SAFETY §5.13)."""

from typing import Final

from halfdoor.messaging.mailbox import Contact
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.erasures import erased_among
from halfdoor.store.postgres.reading import Stream
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import read_person

_SQL: Final = statements("contacts")


async def reserve(stream: Stream, recipient: str, event_id: str, limit: int) -> bool:
    """Count an event against the pair's limit; an event that was counted stays counted once."""
    if await erased_among(stream.con, stream.keys, [recipient]):
        # Nothing more is written about them.
        return False
    # The sender's lock is held before anything is read, so of two at once one counts first.
    person, con = await stream.lock(), stream.con
    pair = (person.ub, person.u, recipient)
    if await con.fetchval(_SQL["counted"], *pair, event_id) is not None:
        return True
    if await con.fetchval(_SQL["sent"], *pair) >= limit:
        return False
    await con.execute(_SQL["count"], *pair, event_id)
    return True


async def read_contact(con: Connection, sender: str, recipient: str) -> Contact:
    """Return what was sent from one person to the other, and until when the pair is closed."""
    person = await read_person(con, sender)
    if person is None:
        return Contact()
    pair = (person.ub, person.u, recipient)
    sent = await con.fetchval(_SQL["sent"], *pair)
    return Contact(sent, await con.fetchval(_SQL["until"], *pair) or 0)


async def close(stream: Stream, recipient: str, until: int) -> None:
    """Close the pair for new requests."""
    if await erased_among(stream.con, stream.keys, [stream.user]):
        # They ask nobody any more, and nothing more is written about them.
        return
    person = await stream.lock()
    await stream.con.execute(_SQL["close"], person.ub, person.u, recipient, until)
