"""The staff log: a chain of lines of which none can be changed, dropped or put elsewhere. Pure."""

from collections.abc import Sequence
from typing import Final

from halfdoor.clock import day_of
from halfdoor.merkle.tree import root
from halfdoor.readers.review.records import StaffEntry
from halfdoor.sealing.labels import CheckError, H, canonical, enc

# What stands before the first line.
START: Final = H(enc("staff-log/start"))
REVEALS: Final = frozenset({"reveal", "unmask"})


class StaffLogError(CheckError):
    """The lines do not hang together; `n` is the number at which they first break."""

    def __init__(self, check: str, n: int) -> None:
        super().__init__(f"line {n} of the staff log: {check}")
        self.n = n


def link(before: bytes, line: StaffEntry) -> bytes:
    """Return the chain of *line*, which has its number, behind the chain *before*; 32 bytes."""
    said = [line.n, line.at, line.staff, line.what, line.case, line.about, line.reason]
    return H(enc("staff-log", before, canonical(said)))


def check_lines(lines: Sequence[StaffEntry], before: bytes = START, first: int = 1) -> None:
    """Refuse *lines* that do not follow each other behind the chain *before*.

    *first* is the number that the first of them must have. Raises `StaffLogError`.
    """
    chain = before
    for number, line in enumerate(lines, first):
        if line.n != number:
            raise StaffLogError("another number was expected here", number)
        chain = link(chain, line)
        if line.chain != chain:
            raise StaffLogError("its chain is another", number)


def batch_root(lines: Sequence[StaffEntry], day: int) -> bytes:
    """Return the Merkle root (RFC 6962) over all that was revealed on *day*, in order; 32 bytes.

    *day* counts from 1970-01-01 UTC. A leaf is the chain of its line, which binds all that the line
    says and every line before it, and tells nobody who, what or whose. Of a day on which nothing
    was revealed it is the root of an empty tree.
    """
    return root([line.chain for line in lines if line.what in REVEALS and day_of(line.at) == day])
