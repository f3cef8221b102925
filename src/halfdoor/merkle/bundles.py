"""Entry bundles: up to 256 entries in one file, each after its length (C2SP tlog-tiles)."""

from collections.abc import Iterable
from typing import Final

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tiles import WIDTH

MOST_ENTRY_BYTES: Final = 65_535
_LENGTH_BYTES: Final = 2
MOST_BUNDLE_BYTES: Final = WIDTH * (_LENGTH_BYTES + MOST_ENTRY_BYTES)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return *entries* as one bundle; `RefusedError` for one that is longer than 65,535 bytes."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MOST_ENTRY_BYTES:
            raise RefusedError("entry-length", f"{len(entry)} bytes do not fit into a bundle")
        parts += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    return b"".join(parts)


def check_bundle(data: bytes, width: int = WIDTH) -> list[bytes]:
    """Return the entries of a bundle; `RefusedError` unless it holds exactly *width*."""
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end and len(entries) < width:
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(data[at:begin], "big")
        if begin > end or at > end:
            raise RefusedError("bundle-length", "it ends within an entry")
        entries.append(data[begin:at])
    if at != end or len(entries) != width:
        raise RefusedError("bundle-length", f"it does not hold exactly {width} entries")
    return entries
