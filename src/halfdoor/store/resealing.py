"""Rows move from one key of the outer layer to another, unread: what they hold stays sealed.

Each row takes the place of itself only if nobody changed it meanwhile, so no lock is held while
anything is computed, and whatever was missed is met again.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from halfdoor.messaging.retention_store import Place
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys

# Tables whose rows are found by event, by epoch, and by neither.
BY_EVENT: Final = ("event", "hold")
BY_EPOCH: Final = ("epoch", "wrap", "share", "reader_added", "media_wrap")
BY_CONVERSATION: Final = ("sealed_state",)
# One write moves so many rows: about a millisecond.
SLICE: Final = 100
_EPOCHS: Final = 32
_ROUNDS: Final = 20
_alarm: Final = logging.getLogger("halfdoor.alarm")

# How many columns are the key within a conversation, for each table.
_KEYS: Final = {
    "event": 1,
    "hold": 1,
    "epoch": 1,
    "wrap": 2,
    "share": 2,
    "reader_added": 2,
    "media_wrap": 3,
    "sealed_state": 2,
}


class Change(NamedTuple):
    """The row *key* of a table: what is sealed there now, and what shall be."""

    key: tuple[Any, ...]
    before: bytes
    after: bytes


class Rows(Protocol):
    """Finds and replaces sealed rows of one conversation; each call is a moment of its own."""

    async def under(
        self, table: str, place: Place, span: tuple[int, int], generations: range, limit: int
    ) -> Sequence[tuple[Any, ...]]:
        """Return rows under *generations* with a number in *span* (both ends), in order.

        Key columns first, the sealed bytes last; between them what the seal binds beside the key.
        At most *limit* where a number names one row; of a table without numbers all of them.
        """

    async def replace(
        self, table: str, place: Place, changes: Sequence[Change], hold: str | None = None
    ) -> int:
        """Replace rows that are still as they were found; return how many, durably.

        With *hold* only while that hold stands and is not ending: nothing comes under its key
        after it began to end. Under the conversation's lock.
        """

    async def epoch_span(self, place: Place) -> tuple[int, int]:
        """Return the numbers of the oldest and the newest epoch that is there."""


def primary_key(table: str, conv: str, row: Sequence[Any]) -> tuple[Any, ...]:
    """Return what the seal of *row* binds it to."""
    if table == "event":
        return (conv, row[0], row[1])
    if table == "wrap":
        # The row is found by the person's number and bound to their id.
        return (conv, row[0], row[2])
    return (conv, *row[: _KEYS[table]])


def change(
    keys: OuterKeys, table: str, conv: str, row: Sequence[Any], target: int
) -> Change | None:
    """Return *row* under the generation *target*; None if it does not open in its place."""
    pk = primary_key(table, conv, row)
    try:
        body = keys.open(table, conv, pk, row[-1])
    except Denied:
        return None
    key = tuple(row[: _KEYS[table]])
    return Change(key, row[-1], keys.seal(target, table, conv, pk, body))


async def reseal(
    rows: Rows,
    keys: OuterKeys,
    place: Place,
    table: str,
    span: tuple[int, int],
    generations: range,
    target: int,
    hold: str | None = None,
) -> int:
    """Move all rows of one table under *generations* in *span* to *target*; return how many.

    A row that does not open stays as it is, with an alarm: no key opens it in any case.
    """
    moved = 0
    for _ in range(_ROUNDS):
        found, missed = await _round(rows, keys, place, table, span, generations, target, hold)
        moved += found
        if not missed:
            break
    return moved


async def _round(
    rows: Rows,
    keys: OuterKeys,
    place: Place,
    table: str,
    span: tuple[int, int],
    generations: range,
    target: int,
    hold: str | None,
) -> tuple[int, int]:
    """Go over the table once; return how many rows moved, and how many had changed meanwhile."""
    moved = missed = 0
    low, high = span
    if table in BY_EPOCH:
        oldest, newest = await rows.epoch_span(place)
        low, high = max(low, oldest), min(high, newest)
    while low <= high:
        end = min(high, low + _EPOCHS - 1) if table in BY_EPOCH else high
        found = await rows.under(table, place, (low, end), generations, SLICE)
        made = [change(keys, table, place.conv, row, target) for row in found]
        changes = [one for one in made if one is not None]
        if len(changes) < len(found):
            _alarm.critical("a row does not open in its place")
        for start in range(0, len(changes), SLICE):
            part = changes[start : start + SLICE]
            done = await rows.replace(table, place, part, hold)
            moved += done
            missed += len(part) - done
        if table in BY_EPOCH:
            low = end + 1
        elif table in BY_CONVERSATION or len(found) < SLICE:
            break
        else:
            low = found[-1][0] + 1
    return moved, missed
