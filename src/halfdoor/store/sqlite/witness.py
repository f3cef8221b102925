"""Reading what a conversation itself holds of an event that was reported."""

import sqlite3
from typing import Final

from halfdoor.ids import bucket
from halfdoor.readers.review.report_sources import Witness
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.chain_walk import BrokenError
from halfdoor.store.retired import checked
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.witness import Conversation, Course, is_ended, place_of

_SQL: Final = statements("witness")


def read_witness(con: sqlite3.Connection, keys: Keys, conv: str, seq: int) -> Witness | None:
    """Return what *conv* holds at *seq*, as `StoredEvents.witness` promises.

    Nobody is told which check failed.
    """
    try:
        return _witness(con, keys, conv, seq)
    except (BrokenError, RowMacError):
        raise Denied from None


def _witness(con: sqlite3.Connection, keys: Keys, conv: str, seq: int) -> Witness | None:
    cb = bucket(conv)
    row = con.execute(_SQL["conversation"], (cb, conv)).fetchone()
    if row is None:
        raise Denied
    at = Conversation(*row)
    place = (cb, at.c)
    retired = checked(keys, conv, con.execute(_SQL["retired"], place).fetchone())
    if is_ended(at, retired, seq):
        return None
    found = con.execute(_SQL["event"], (*place, seq)).fetchone()
    epoch, link = place_of(keys.outer, conv, seq, found)
    epochs = con.execute(_SQL["epochs"], (*place, epoch)).fetchall()
    course = Course(keys.outer, conv, at, retired, epochs)
    hh = course.hh(epoch)
    if course.is_short:
        walk = course.walk()
        for event in con.execute(_SQL["events"], (*place, course.first_seq)):
            walk.take(*event)
        course.end(walk)
    return Witness(hh, link)
