"""The lane of all writes to conversations: numbers, chains, and what people are told of them."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.sqlite.heads import Heads
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Outcome, Side
from halfdoor.store.sqlite.outbox import Outbox
from halfdoor.store.sqlite.projection import Projector
from halfdoor.store.sqlite.turn import Turn, Written

_Told = tuple[Told, ...] | Exception


class Work(Protocol):
    """One write to one conversation."""

    def write(self, turn: Turn) -> Written | Exception:
        """Write it, or return why not; nothing may be written by then."""


class Sequencer:
    """Writes batches of `Work`; *outbox* is None where both sides share one transaction."""

    side: Final = Side.CONVERSATIONS

    def __init__(self, keys: Keys, projector: Projector, outbox: Outbox | None) -> None:
        self._keys = keys
        self._heads = Heads(keys)
        self._projector = projector
        self._outbox = outbox

    def run(self, con: sqlite3.Connection, items: Sequence[Work]) -> list[Outcome]:
        """Write all *items*; each outcome is a `Written` or a refusal."""
        if self._outbox is not None:
            self._outbox.begin(con)
        # That an event is there already is so rare that nobody asks beforehand: the unique index
        # refuses it, and the batch is written once more, asking.
        con.execute("SAVEPOINT turn")
        try:
            outcomes = self._write(con, items, careful=False)
        except sqlite3.IntegrityError:
            con.execute("ROLLBACK TO turn")
            self._heads.forget()
            outcomes = self._write(con, items, careful=True)
        con.execute("RELEASE turn")
        return outcomes

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Tell people what was written, and return the answers."""
        written = [outcome for outcome in outcomes if isinstance(outcome, Written)]
        tellings = [outcome.telling for outcome in written]
        if self._outbox is None:
            told: Iterator[_Told] = iter(self._projector.project(con, tellings))
        else:
            told = iter(self._outbox.deliver(con, tellings))
        return [
            _answer(outcome, next(told)) if isinstance(outcome, Written) else outcome
            for outcome in outcomes
        ]

    def forget(self) -> None:
        """Drop what is remembered of both sides."""
        self._heads.forget()
        self._projector.streams.forget()
        if self._outbox is not None:
            self._outbox.forget()

    def _write(
        self, con: sqlite3.Connection, items: Sequence[Work], *, careful: bool
    ) -> list[Outcome]:
        """Write *items* one after the other, then the rows gathered on the way."""
        turn = Turn(con, self._keys, self._heads, careful=careful)
        outcomes = [self._keep(turn, item.write(turn)) for item in items]
        turn.flush()
        return outcomes

    def _keep(self, turn: Turn, outcome: Written | Exception) -> Written | Exception:
        """Put into the outbox what *outcome* has to tell, where there is one."""
        if self._outbox is None or isinstance(outcome, Exception) or outcome.telling is None:
            return outcome
        at = self._heads.find(turn.con, outcome.telling.conv)
        if at is None:
            return outcome
        return msgspec.structs.replace(outcome, telling=self._outbox.add(turn, at, outcome.telling))


class Sweep(msgspec.Struct, frozen=True, gc=False):
    """Writes nothing: it only lets the outbox be looked into."""

    def write(self, _turn: Turn) -> Written | Exception:
        """Return an answer to which nothing was told."""
        return Written(None, lambda _told: None)


def _answer(written: Written, told: _Told) -> Outcome:
    """Return the answer to a caller, or why people could not be told."""
    return told if isinstance(told, Exception) else written.answer(told)
