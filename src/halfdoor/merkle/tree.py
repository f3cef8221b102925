"""The Merkle tree of RFC 6962 §2.1 over byte strings."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_BYTES: Final = 32
# The head of a tree without leaves.
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf, SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the tree head over *leaves* in their order; of none, SHA-256 of nothing."""
    return root_of_hashes(leaf_hash(data) for data in leaves)


def root_of_hashes(hashes: Iterable[bytes]) -> bytes:
    """Return the tree head over leaves (or perfect subtrees of one height) by their *hashes*."""
    # A stack of perfect subtrees, one for each bit of the count: no recursion, one pass.
    subtrees: list[tuple[int, bytes]] = []
    for one in hashes:
        height, head = 0, one
        while subtrees and subtrees[-1][0] == height:
            head = node_hash(subtrees.pop()[1], head)
            height += 1
        subtrees.append((height, head))
    return joined(head for _, head in subtrees)


def joined(heads: Iterable[bytes]) -> bytes:
    """Return the tree head over perfect subtrees of falling height, left to right."""
    stack = list(heads)
    if not stack:
        return EMPTY_ROOT
    head = stack.pop()
    while stack:
        head = node_hash(stack.pop(), head)
    return head
