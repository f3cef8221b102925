"""One batch of writes to conversations: what they share, and rows gathered until its end."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.sqlite.heads import Heads, Standing
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.projection import Telling
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("append")


class Written(msgspec.Struct, frozen=True, gc=False):
    """A write to a conversation: what it has to tell, and the answer made of what was told."""

    telling: Telling | None
    answer: Callable[[tuple[Told, ...]], Any]


class Turn:
    """What a batch shares. `careful` asks for every event id whether it is there already."""

    def __init__(self, con: sqlite3.Connection, keys: Keys, heads: Heads, *, careful: bool) -> None:
        self.con = con
        self.keys = keys
        self.heads = heads
        self.careful = careful
        self._events: list[tuple[Any, ...]] = []
        self._relations: list[tuple[Any, ...]] = []
        self._media: list[tuple[Any, ...]] = []
        self._moved: dict[str, Standing] = {}

    def add_event(
        self, at: Standing, seq: int, packed: bytes, sealed: bytes, *, is_state: bool
    ) -> None:
        """Gather the row of an event."""
        self._events.append((at.cb, at.c, seq, packed, is_state, sealed))

    def add_relation(self, at: Standing, seq: int, target: str, rel_type: str) -> None:
        """Gather the row of a relation."""
        self._relations.append((at.cb, at.c, target, seq, rel_type))

    def add_media(self, at: Standing, seq: int, packed: bytes, sealed: bytes) -> None:
        """Gather the row of a file's wrap."""
        self._media.append((at.cb, at.c, at.epoch, seq, packed, sealed))

    def moved(self, at: Standing) -> None:
        """Note that the row of a conversation has to be written."""
        self._moved[at.conv] = at

    def event(self, at: Standing, packed: bytes) -> tuple[int, bytes] | None:
        """Return number and sealed row of an event, also of one of this batch."""
        self.flush_events()
        row = self.con.execute(_SQL["event"], (at.cb, at.c, packed)).fetchone()
        return None if row is None else (row[0], row[1])

    def flush_events(self) -> None:
        """Write the event rows gathered so far."""
        if self._events:
            self.con.executemany(_SQL["insert_event"], self._events)
            self._events.clear()
        if self._relations:
            self.con.executemany(_SQL["insert_relation"], self._relations)
            self._relations.clear()
        if self._media:
            self.con.executemany(_SQL["insert_media_wrap"], self._media)
            self._media.clear()

    def flush(self) -> None:
        """Write everything gathered."""
        self.flush_events()
        if self._moved:
            self.heads.write(self.con, list(self._moved.values()))
            self._moved.clear()
