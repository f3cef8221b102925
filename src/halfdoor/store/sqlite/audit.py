"""Recomputes the chain of every conversation from the file alone (SEALING §3, order)."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from halfdoor.sealing.outer import RowMacError
from halfdoor.store.chain_walk import BrokenError, ChainReport, Walk, sound
from halfdoor.store.retired import checked
from halfdoor.store.sqlite.connect import named, open_reader
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.opening import Store
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("maintenance")


def chains(store: Store) -> Iterator[ChainReport]:
    """Check every conversation: numbers without gaps, bodies or their hashes, each epoch's start.

    A body that was destroyed is stood for by the hash it left. Needs the outer key, no user's.
    `DamagedStoreError` where the file cannot be read.
    """
    con = open_reader(store.paths[0])
    try:
        for cb, c, conv, *head in con.execute(_SQL["conversations"]):
            try:
                counts = _check(con, store.keys, (cb, c), conv, head)
            except (BrokenError, RowMacError) as broken:
                yield ChainReport(conv, ok=False, detail=str(broken))
            else:
                yield sound(conv, *counts)
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()


def _check(
    con: sqlite3.Connection, keys: Keys, place: tuple[int, int], conv: str, head: list[Any]
) -> tuple[int, int]:
    """Return how many events make the chain of *conv* and how many are gone, or `BrokenError`."""
    last_seq, newest, newest_hh, end, begins = head
    retired = checked(keys, conv, con.execute(_SQL["retired_of"], place).fetchone())
    if retired.seq != begins:
        raise BrokenError("it begins elsewhere than retention ended")
    walk = Walk(keys.outer, conv, retired, con.execute(_SQL["epochs_of"], place))
    for row in con.execute(_SQL["state_before"], (*place, begins)):
        walk.keep(*row)
    for row in con.execute(_SQL["events_from"], (*place, begins)):
        walk.take(*row)
    walk.end(last_seq, newest, newest_hh, end)
    return walk.counts
