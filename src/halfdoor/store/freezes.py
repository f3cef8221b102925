"""Holds on conversations: which epochs each keeps out of reach, and under which key. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from halfdoor.store.retired import Macs

FREEZE: Final = "freeze"
# Stands for the end of a scope that has none: what is still to be said lies in it too.
OPEN_END: Final = 2**31 - 1

Span = tuple[int, int]


class Freeze(msgspec.Struct, frozen=True, gc=False):
    """The hold *hold* on the epochs *first* to *last*, which lie under the key *generation*.

    *until* is the time (ms) at which it ends by itself, None for no end; 0 is one that ends now: it
    still keeps all from retention, but takes no more rows under its key.
    """

    hold: str
    first: int
    last: int
    until: int | None
    generation: int

    @property
    def ending(self) -> bool:
        """Whether it keeps its rows only until they have moved."""
        return self.until == 0

    def covers(self, epoch: int) -> bool:
        """Tell whether *epoch* lies in its scope."""
        return self.first <= epoch <= self.last

    def facts(self) -> list[str | int]:
        """Return what the row's mac covers; -1 stands for no end."""
        until = -1 if self.until is None else self.until
        return [self.first, self.last, until, self.generation]


def freeze_mac(macs: Macs, conv: str, freeze: Freeze) -> bytes:
    """Return the mac of a hold on *conv*."""
    return macs.row_mac(FREEZE, conv, [conv, freeze.hold], freeze.facts())


def check_freeze(macs: Macs, conv: str, freeze: Freeze, found: bytes) -> Freeze:
    """Return *freeze* if its row bears its mac, else `RowMacError`: nobody shortens a hold."""
    macs.check_row_mac(FREEZE, conv, [conv, freeze.hold], freeze.facts(), found)
    return freeze


def overlap(one: Span, other: Span) -> Span | None:
    """Return the epochs that lie in both, None where there are none."""
    low, high = max(one[0], other[0]), min(one[1], other[1])
    return (low, high) if low <= high else None


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """Return the parts of *span* that lie in none of *taken*, in order."""
    parts, low = [], span[0]
    for first, last in sorted(taken):
        if first > low:
            parts.append((low, min(first - 1, span[1])))
        low = max(low, last + 1)
    parts.append((low, span[1]))
    return [(low, high) for low, high in parts if low <= high]


def moves(ending: Freeze, others: Sequence[Freeze]) -> list[tuple[Span, int | None]]:
    """Return where the rows of *ending* go: spans of epochs, each with its next generation.

    Rows that another hold under the same key covers stay. Where no other hold covers them, they
    go back under the key of a month, which None stands for.
    """
    span = (ending.first, ending.last)
    same = [(one.first, one.last) for one in others if one.generation == ending.generation]
    found: list[tuple[Span, int | None]] = []
    taken = list(same)
    for other in others:
        if other.generation == ending.generation:
            continue
        common = overlap(span, (other.first, other.last))
        if common is not None:
            found += [(part, other.generation) for part in without(common, taken)]
            taken.append(common)
    return found + [(part, None) for part in without(span, taken)]
