"""The Merkle tree of RFC 6962 §2.1 over byte strings."""

from collections.abc import Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf, SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the tree head over *leaves* in their order; of none, SHA-256 of nothing."""
    # A stack of perfect subtrees, one for each bit of the count: no recursion, one pass.
    subtrees: list[tuple[int, bytes]] = []
    for data in leaves:
        height, head = 0, leaf_hash(data)
        while subtrees and subtrees[-1][0] == height:
            head = node_hash(subtrees.pop()[1], head)
            height += 1
        subtrees.append((height, head))
    if not subtrees:
        return sha256(b"").digest()
    _, head = subtrees.pop()
    while subtrees:
        head = node_hash(subtrees.pop()[1], head)
    return head
