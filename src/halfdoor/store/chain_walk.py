"""Recomputes the chain of one conversation from rows, wherever they come from (SEALING §3)."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, final

from halfdoor.sealing.chain import Link, extended
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.retired import NOTHING, Retired
from halfdoor.store.sqlite.events import link_of, open_row

EpochRow = tuple[int, bytes, int, bytes]


class ChainReport(NamedTuple):
    """Whether the events of *conv* make its chain; *detail* says how many, or what is wrong."""

    conv: str
    ok: bool
    detail: str
    events: int = 0
    deleted: int = 0


def sound(conv: str, events: int, deleted: int) -> ChainReport:
    """Return the report on a chain that holds."""
    gone = f", {deleted} deleted by retention" if deleted else ""
    return ChainReport(conv, True, f"{events} events{gone}", events, deleted)


class BrokenError(Exception):
    """The chain does not hold; the message says where."""


@final
class Walk:
    """Goes over the events of *conv*, from where retention ended to the last one.

    *epochs* are rows (number, hh, first_seq, chain0) in order; a body that was destroyed is stood
    for by the hash it left. Needs the outer key, no user's.
    """

    def __init__(
        self, keys: OuterKeys, conv: str, retired: Retired, epochs: Iterable[EpochRow]
    ) -> None:
        """Begin where *retired* says that the conversation begins."""
        self._keys = keys
        self._conv = conv
        self._retired = retired
        rows = list(epochs)
        self._newest = rows[-1][:2] if rows else (0, b"")
        self._waiting = deque(row for row in rows if row[0] >= retired.epoch)
        self._next_epoch = retired.epoch
        # What was kept without a new epoch after the last one had ended belongs to that.
        self._epoch = retired.epoch - 1
        self.seq = retired.seq - 1
        self.chain = retired.chain
        if retired == NOTHING and self._waiting:
            # A chain begins in the header of its first epoch.
            self.chain = self._waiting[0][1]
        self.kept, self._links = 0, NOTHING.links

    def keep(self, seq: int, packed: bytes, sealed: bytes) -> None:
        """Take a state event from before what is kept."""
        self.kept += 1
        link, _ = self._open(seq, packed, sealed)
        self._links = extended(self._links, link)

    def take(self, seq: int, packed: bytes, sealed: bytes) -> None:
        """Take the next event, or raise `BrokenError`."""
        self.seq += 1
        if seq != self.seq:
            raise BrokenError(f"event {self.seq} is missing")
        while self._waiting and self._waiting[0][2] == seq:
            self._enter()
        link, epoch = self._open(seq, packed, sealed)
        if epoch != self._epoch:
            raise BrokenError(f"event {seq} belongs to another epoch")
        self.chain = extended(self.chain, link)

    def end(self, last_seq: int, newest: int, newest_hh: bytes, chain: bytes) -> None:
        """Check that all was met up to the head of the conversation, else raise `BrokenError`."""
        if self.seq != last_seq or any(row[2] != last_seq + 1 for row in self._waiting):
            raise BrokenError("events are missing at the end")
        while self._waiting:
            self._enter()
        if self._next_epoch != newest + 1 or self._newest[0] != newest:
            raise BrokenError("an epoch is missing")
        if self._newest[1] != newest_hh:
            raise BrokenError("the newest epoch is another than the conversation's")
        if chain != self.chain:
            raise BrokenError("the events do not make the chain that is stored")
        if (self.kept, self._links) != (self._retired.kept, self._retired.links):
            raise BrokenError("state from before what is kept is missing or another")

    @property
    def counts(self) -> tuple[int, int]:
        """How many events there are, and how many retention has deleted."""
        return self.seq - self._retired.seq + 1 + self.kept, self._retired.deleted

    def _enter(self) -> None:
        number, _, _, chain0 = self._waiting.popleft()
        if number != self._next_epoch:
            raise BrokenError("an epoch is missing")
        if chain0 != self.chain:
            raise BrokenError(f"the events before epoch {number} do not make the chain it began at")
        self._epoch = number
        self._next_epoch = number + 1

    def _open(self, seq: int, packed: bytes, sealed: bytes) -> tuple[Link, int]:
        try:
            row = open_row(self._keys, self._conv, seq, packed, sealed)
        except Denied:
            raise BrokenError(f"event {seq} does not open in its place") from None
        return link_of(seq, packed, row), row.epoch
