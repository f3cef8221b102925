"""What a conversation itself holds of one of its events, judged from its rows (SEALING §6)."""

from collections.abc import Sequence
from typing import Final, NamedTuple, final

from halfdoor.sealing.chain import Link
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.chain_walk import EpochRow, Walk
from halfdoor.store.retired import NOTHING, Retired
from halfdoor.store.sqlite.events import link_of, open_row

# So many events from the beginning of its epoch up to the last one are gone over at a reveal.
# Beyond that it is `halfdoor doctor --chains` that recomputes.
FEW: Final = 2000


class Conversation(NamedTuple):
    """The row of a conversation: its number, its last event and epoch, and where it begins."""

    c: int
    last_seq: int
    epoch: int
    hh: bytes
    chain: bytes
    begins: int


def is_ended(at: Conversation, retired: Retired, seq: int) -> bool:
    """Tell whether retention has ended event *seq*; *retired* bears a mac, and was checked.

    `Denied` for an event that never was, and where the conversation claims to begin elsewhere than
    retention ended it: else a row that somebody removed would pass for an old one.
    """
    if at.begins != retired.seq or not 0 < seq <= at.last_seq:
        raise Denied
    return seq < retired.seq


def place_of(
    keys: OuterKeys, conv: str, seq: int, found: Sequence[bytes] | None
) -> tuple[int, Link]:
    """Return the epoch of event *seq*, and what the chain knows of it, from (event id, sealed).

    `Denied` where there is no such row, or it is not the one of this place.
    """
    if found is None:
        raise Denied
    packed, sealed = found
    row = open_row(keys, conv, seq, packed, sealed)
    return row.epoch, link_of(seq, packed, row)


@final
class Course:
    """The conversation from the epoch of one event up to its last event."""

    def __init__(
        self,
        keys: OuterKeys,
        conv: str,
        at: Conversation,
        retired: Retired,
        epochs: Sequence[EpochRow],
    ) -> None:
        """*epochs* are rows in order, the event's first; `Denied` where there is none."""
        if not epochs:
            raise Denied
        self._keys, self._conv, self._at, self._retired = keys, conv, at, retired
        self._epochs = epochs

    def hh(self, number: int) -> bytes:
        """Return the hash of the header of epoch *number*, which is the event's, else `Denied`."""
        first, hh, _, _ = self._epochs[0]
        if first != number:
            raise Denied
        return hh

    @property
    def first_seq(self) -> int:
        """The event that is gone over first."""
        return max(self._epochs[0][2], self._retired.seq)

    @property
    def is_short(self) -> bool:
        """Whether it is short enough to be gone over while somebody waits."""
        return self._at.last_seq - self.first_seq < FEW

    def walk(self) -> Walk:
        """Return what goes over it, from a value of the chain that is stored."""
        number, _, first_seq, chain0 = self._epochs[0]
        start = Retired(number, first_seq, chain0)
        if number < self._retired.epoch:
            # State that was kept after the last epoch had ended: what is before it is gone.
            start = Retired(self._retired.epoch, self._retired.seq, self._retired.chain)
        elif number == 1:
            start = NOTHING
        return Walk(self._keys, self._conv, start, self._epochs)

    def end(self, walk: Walk) -> None:
        """Check that *walk* came to where the conversation stands; else `BrokenError`."""
        at = self._at
        walk.end(at.last_seq, at.epoch, at.hh, at.chain)
