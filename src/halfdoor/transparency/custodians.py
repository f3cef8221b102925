"""Who the custodians are and for whom they work, in words that do not flatter."""

from collections import Counter

import msgspec

from halfdoor.sealing.labels import CheckError, Denied
from halfdoor.sealing.shares import EscrowSet
from halfdoor.transparency.errors import EntryError


class CustodianSeat(msgspec.Struct, frozen=True):
    """One custodian as the public document names them."""

    name: str
    organisation: str
    employer: str


class Circle(msgspec.Struct, frozen=True):
    """The custodians of one escrow set, and what follows from who employs them."""

    set: bytes
    thresholds: tuple[int, ...]
    seats: tuple[CustodianSeat, ...]
    employed_by_operator: int
    alone: bool

    @property
    def words(self) -> str:
        """One sentence about them."""
        own = f"{self.employed_by_operator} of {len(self.seats)} work for the operator"
        return f"{own}: the company alone can decide" if self.alone else own


def circle_of(document: bytes, operator: str) -> Circle:
    """Return the custodians of an escrow set document; `EntryError` where it is none.

    *operator* is the entity as the document's employers name it. The company alone can decide where
    its own people are enough of every group.
    """
    try:
        found = EscrowSet.from_document(msgspec.json.decode(document))
    except (msgspec.DecodeError, CheckError, Denied) as error:
        raise EntryError(f"it is no escrow set document: {error}") from None
    if found.document != document:
        raise EntryError("the escrow set document is not canonical JSON")
    seats = tuple(
        CustodianSeat(one.name, one.organisation, one.employer) for one in found.custodians
    )
    own = Counter(
        one.group for one in found.custodians if one.employer.casefold() == operator.casefold()
    )
    return Circle(
        set=found.hash,
        thresholds=found.thresholds,
        seats=seats,
        employed_by_operator=own.total(),
        alone=all(own[number] >= k for number, k in enumerate(found.thresholds)),
    )
