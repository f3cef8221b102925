"""The outbox between two databases: what people have still to be told after a crash (SCALE §3)."""

import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.sqlite.connect import is_unavailable
from halfdoor.store.sqlite.heads import Standing
from halfdoor.store.sqlite.projection import Projector, Telling
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.turn import Turn

_SQL: Final = statements("append")
_ALL: Final = statements("outbox_maintenance")["all"]
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Telling).decode


class Outbox:
    """Keeps each telling with its write until the people's side has it; told once, in order.

    An entry is deleted in a later transaction than the one that told it, so after a crash it is
    met again; each person's cursor then says that it was heard.
    """

    def __init__(self, projector: Projector) -> None:
        self._projector = projector
        # Entries may lie there from before: of another process, or of a transaction that failed.
        self._due = True
        self._backlog: list[Telling] = []
        self._done: list[tuple[int, int, int]] = []
        self._places: dict[str, tuple[int, int]] = {}

    def forget(self) -> None:
        """Look into the table again before anything else is told."""
        self._due = True
        self._backlog.clear()
        self._done.clear()

    def begin(self, con: sqlite3.Connection) -> None:
        """Delete what was told, and load what was not, within the next write."""
        if self._done:
            con.executemany(_SQL["delete_fanout"], self._done)
            self._done.clear()
        if self._due:
            self._backlog.clear()
            for cb, c, _, payload in con.execute(_ALL).fetchall():
                telling = _decode(payload)
                self._places[telling.conv] = (cb, c)
                self._backlog.append(telling)
            self._due = False

    def add(self, turn: Turn, at: Standing, telling: Telling) -> Telling:
        """Keep *telling* under the next number of its conversation."""
        at.outbox += 1
        turn.moved(at)
        numbered = msgspec.structs.replace(telling, n=at.outbox)
        self._places[at.conv] = (at.cb, at.c)
        turn.con.execute(_SQL["insert_fanout"], (at.cb, at.c, at.outbox, _encode(numbered)))
        return numbered

    def deliver(
        self, con: sqlite3.Connection, tellings: Iterable[Telling | None]
    ) -> list[tuple[Told, ...] | Exception]:
        """Tell what lay there from before, then *tellings*; return what was told, or why not."""
        if self._due:
            # The transaction before this one failed, so older entries may be untold.
            return [StoreUnavailableError("people could not be told yet") for _ in tellings]
        blocked: set[str] = set()
        for old in self._backlog:
            self._tell(con, old, blocked)
        self._backlog.clear()
        return [() if new is None else self._tell(con, new, blocked) for new in tellings]

    def _tell(
        self, con: sqlite3.Connection, telling: Telling, blocked: set[str]
    ) -> tuple[Told, ...] | Exception:
        """Tell one entry; if that fails, its conversation waits, so that order is kept."""
        if telling.conv in blocked:
            return StoreUnavailableError("people could not be told yet")
        con.execute("SAVEPOINT telling")
        try:
            (told,) = self._projector.project(con, [telling])
        except Exception as error:
            if is_unavailable(error) or not con.in_transaction:
                raise
            con.execute("ROLLBACK TO telling")
            con.execute("RELEASE telling")
            self._projector.streams.forget()
            blocked.add(telling.conv)
            self._due = True
            return error
        con.execute("RELEASE telling")
        self._done.append((*self._places[telling.conv], telling.n))
        return told
