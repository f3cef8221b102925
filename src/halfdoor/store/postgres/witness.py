"""Reading what a conversation itself holds of an event that was reported."""

from typing import Final

from halfdoor.ids import bucket
from halfdoor.readers.review.report_sources import Witness
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.chain_walk import BrokenError
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements
from halfdoor.store.retired import checked
from halfdoor.store.witness import Conversation, Course, is_ended, place_of

_SQL: Final = statements("witness")
# Between two such helpings others have their turn: opening a row keeps the process busy.
_HELPING: Final = 100


async def read_witness(con: Connection, keys: Keys, conv: str, seq: int) -> Witness | None:
    """Return what *conv* holds at *seq*, as `StoredEvents.witness` promises.

    Nobody is told which check failed. All statements must see one moment.
    """
    try:
        return await _witness(con, keys, conv, seq)
    except (BrokenError, RowMacError):
        raise Denied from None


async def _witness(con: Connection, keys: Keys, conv: str, seq: int) -> Witness | None:
    cb = bucket(conv)
    row = await con.fetchrow(_SQL["conversation"], cb, conv)
    if row is None:
        raise Denied
    at = Conversation(*row)
    place = (cb, at.c)
    retired = checked(keys, conv, await con.fetchrow(_SQL["retired"], *place))
    if is_ended(at, retired, seq):
        return None
    found = await con.fetchrow(_SQL["event"], *place, seq)
    epoch, link = place_of(keys.outer, conv, seq, found)
    epochs = [tuple(one) for one in await con.fetch(_SQL["epochs"], *place, epoch)]
    course = Course(keys.outer, conv, at, retired, epochs)
    hh = course.hh(epoch)
    if course.is_short:
        walk = course.walk()
        async for event in con.cursor(_SQL["events"], *place, course.first_seq, prefetch=_HELPING):
            walk.take(*event)
        course.end(walk)
    return Witness(hh, link)
