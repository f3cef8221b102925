"""Rows as the parts of a backup hold them: the same bytes, whichever store they come from."""

import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from halfdoor.store.backup.errors import DamagedBackupError

Row = Sequence[Any]

# A part is cut where its rows say, not where a count says: a row that changed early in a table
# moves one cut or two, and the parts after it stay what they were.
SMALLEST_BYTES: Final = 1 << 20
LARGEST_BYTES: Final = 4 << 20
# Beyond this the largest of the parts that are being filled is cut, so that memory is bounded.
_OPEN_BYTES: Final = 64 << 20
_HASHES: Final = 1 << 32
_ARRAY32: Final = b"\xdd"
_HEAD_BYTES: Final = 5
_DIGESTS: Final = 1 << 256

encode_row: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[list[Any]]).decode


class Tally:
    """Counts rows and sums their hashes, so that two copies compare in whatever order they lie."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, encoded: bytes) -> None:
        """Count one row."""
        self.rows += 1
        self._sum += int.from_bytes(sha256(encoded).digest(), "big")

    @property
    def digest(self) -> bytes:
        """The sum so far, 32 bytes."""
        return (self._sum % _DIGESTS).to_bytes(32, "big")


class _Filling:
    """A part that is being filled."""

    __slots__ = ("rows", "size")

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.size = 0

    def take(self) -> bytes:
        """Return the part and begin the next."""
        part = b"".join((_ARRAY32, len(self.rows).to_bytes(4, "big"), *self.rows))
        self.rows, self.size = [], 0
        return part


class Cutter:
    """Cuts the encoded rows of one table into parts.

    Rows of different groups never share a part. A group is the generation of the key a row is
    sealed under, so that what was written in an earlier month is in parts that stay as they are.
    """

    def __init__(self) -> None:
        self._filling: dict[int, _Filling] = {}
        self._open = 0

    def add(self, group: int, encoded: bytes) -> bytes | None:
        """Take one row; return a part if one is full."""
        filling = self._filling.get(group)
        if filling is None:
            filling = self._filling[group] = _Filling()
        filling.rows.append(encoded)
        filling.size += len(encoded)
        self._open += len(encoded)
        if filling.size >= SMALLEST_BYTES and (filling.size >= LARGEST_BYTES or _cuts(encoded)):
            return self._cut(filling)
        if self._open > _OPEN_BYTES:
            return self._cut(max(self._filling.values(), key=lambda one: one.size))
        return None

    def rest(self) -> Iterator[bytes]:
        """Return what is left in every group."""
        for _, filling in sorted(self._filling.items()):
            if filling.rows:
                yield self._cut(filling)

    def _cut(self, filling: _Filling) -> bytes:
        self._open -= filling.size
        return filling.take()


def _cuts(encoded: bytes) -> bool:
    """Tell whether a part ends after this row: on average once in `SMALLEST_BYTES`."""
    return zlib.crc32(encoded) < len(encoded) * _HASHES // SMALLEST_BYTES


def read_rows(part: bytes) -> list[list[Any]]:
    """Return the rows of *part*; `DamagedBackupError` if it holds none."""
    try:
        return _decode(part)
    except msgspec.MsgspecError as error:
        raise DamagedBackupError(f"a part cannot be read: {error}") from error


def count_rows(part: bytes) -> int:
    """Return how many rows *part* says it has."""
    return int.from_bytes(part[1:_HEAD_BYTES], "big")
