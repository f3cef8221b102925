"""The documents that policies name: fetched, compared with their digests, and read."""

from halfdoor.sealing.labels import b64
from halfdoor.transparency.custodians import Circle, circle_of
from halfdoor.transparency.entries import PolicyEntry
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.source import Source, document


async def circles_of(source: Source, entry: PolicyEntry) -> dict[str, Circle]:
    """Return the custodians of a policy's sets by the names of their documents.

    `RefusedError` or `EntryError` where any document is missing, changed or not what it should be.
    """
    named = {"escrow-set.json": entry.escrow_set, "emergency-set.json": entry.emergency_set}
    found = {name: await document(source, digest) for name, digest in entry.documents.items()}
    return {
        name: _circle(found.get(name), expected, entry.entity)
        for name, expected in named.items()
        if expected is not None
    }


def _circle(data: bytes | None, expected: str, operator: str) -> Circle:
    if data is None:
        raise EntryError("the escrow set it names is not among its documents")
    circle = circle_of(data, operator)
    if b64(circle.set) != expected:
        raise EntryError("the document is another escrow set")
    return circle
