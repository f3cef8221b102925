"""A tree that only grows, by its right edge alone: the compact range from leaf 0 (RFC 6962 §2.1).

Its few hashes are all that is needed to append, and to know the head.
"""

from collections.abc import Iterable
from typing import Self

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tree import HASH_BYTES, joined, node_hash


class Frontier:
    """The perfect subtrees of a tree of `size` leaves, one for each bit of the size."""

    __slots__ = ("_heads", "_size")

    def __init__(self, size: int = 0, heads: Iterable[bytes] = ()) -> None:
        """Stand at *size* with the *heads* of its perfect subtrees, largest first.

        Raises `RefusedError` where their number or length does not fit the size.
        """
        self._heads = list(heads)
        self._size = size
        if size < 0 or len(self._heads) != size.bit_count():
            raise RefusedError("frontier-shape", "its hashes do not fit its size")
        if any(len(head) != HASH_BYTES for head in self._heads):
            raise RefusedError("frontier-shape", "a hash is not 32 bytes long")

    @property
    def size(self) -> int:
        """Leaves in the tree."""
        return self._size

    @property
    def heads(self) -> tuple[bytes, ...]:
        """The heads of the perfect subtrees, largest first; 32 bytes each."""
        return tuple(self._heads)

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        head, bits = leaf, self._size
        while bits & 1:
            head = node_hash(self._heads.pop(), head)
            bits >>= 1
        self._heads.append(head)
        self._size += 1

    def root(self) -> bytes:
        """Return the tree head."""
        return joined(self._heads)

    def copy(self) -> Self:
        """Return a second one that grows on its own."""
        return type(self)(self._size, self._heads)

    def __repr__(self) -> str:
        return f"Frontier({self._size})"
