"""Kinds of writes, and the two sides of the store that they write to."""

import enum
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from halfdoor.store.sqlite.connect import is_unavailable

Outcome = Any  # A lane's own result, or an exception that its caller will see raised.


class Side(enum.Enum):
    """The two sides of the store; rows of one never meet rows of the other in a statement."""

    CONVERSATIONS = "conversations"
    PEOPLE = "people"


class Lane(Protocol):
    """A kind of write that is done many at a time.

    A lane of the conversation side may `follow` its writes on the people's side: in the same
    transaction where both share a file, else in the next one. An exception out of `run` or
    `follow` undoes the batch, and each of its items is tried again alone, so an item that
    cannot be written fails alone. What an item's caller did wrong is returned as its outcome.
    """

    @property
    def side(self) -> Side:
        """The side that `run` writes to."""

    def run(self, con: sqlite3.Connection, items: Sequence[Any]) -> list[Outcome]:
        """Write *items* on the lane's side and return one outcome for each."""

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Write on the people's side what follows, and return the outcomes to answer with."""

    def forget(self) -> None:
        """Drop what was remembered from writes: the transaction did not happen."""


class FunctionLane:
    """Runs functions of a connection, each in a savepoint, so that one can refuse by raising."""

    def __init__(self, side: Side) -> None:
        self.side = side

    def run(
        self, con: sqlite3.Connection, items: Sequence[Callable[[sqlite3.Connection], Any]]
    ) -> list[Outcome]:
        """Call each function; what it raises is undone and becomes its outcome."""
        return [self._call(con, function) for function in items]

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Nothing follows from a function."""
        return outcomes

    def forget(self) -> None:
        """Functions remember nothing."""

    def _call(
        self, con: sqlite3.Connection, function: Callable[[sqlite3.Connection], Any]
    ) -> Outcome:
        con.execute("SAVEPOINT item")
        try:
            result = function(con)
        except Exception as error:
            if is_unavailable(error) or not con.in_transaction:
                raise
            con.execute("ROLLBACK TO item")
            result = error
        con.execute("RELEASE item")
        return result
