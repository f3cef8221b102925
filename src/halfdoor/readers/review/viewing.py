"""Whether a person viewed a piece of evidence: only the staff log can say so (SAFETY §5.6)."""

from collections.abc import Collection, Iterable
from typing import Final

from halfdoor.readers.review.records import StaffEntry

# The words of the staff log for one message that is about to be shown, and for one that then did
# not open: of that one nobody saw anything.
REVEAL: Final = "reveal"
DENIED: Final = "denied"


def viewed(cases: Collection[str], log: Iterable[StaffEntry]) -> frozenset[str]:
    """Return the evidence of *cases* that a person revealed, by the staff *log* in its order.

    A line of the server's own (no staff id), of another case, or of another kind proves nothing: in
    the law a file was viewed only if a human really viewed it.
    """
    seen: set[str] = set()
    for line in log:
        if line.case not in cases or not line.staff or line.about is None:
            continue
        if line.what == REVEAL:
            seen.add(line.about)
        elif line.what == DENIED:
            seen.discard(line.about)
    return frozenset(seen)


def all_viewed(
    evidence: Collection[str], cases: Collection[str], log: Iterable[StaffEntry]
) -> bool:
    """Tell whether each piece of *evidence* was viewed; of nothing at all, nothing was."""
    return bool(evidence) and viewed(cases, log).issuperset(evidence)
