"""Inclusion and consistency proofs: made as in RFC 6962 §2.1, verified as in RFC 9162 §2.1."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tree import EMPTY_ROOT, HASH_BYTES, node_hash

# What a proof may hold: one hash for each level of a tree with 2^63 leaves (tlog-witness).
MOST_HASHES: Final = 63
# The largest tree that is believed in; sizes come from strangers.
MOST_LEAVES: Final = 2**63 - 1

# The head of the leaves [begin, end) of a tree.
HeadOf = Callable[[int, int], bytes]


def inclusion_proof(index: int, size: int, head_of: HeadOf) -> list[bytes]:
    """Return the audit path of leaf *index* in a tree of *size*, from the leaf's sibling up.

    RFC 6962 §2.1.1. `RefusedError` where there is no such leaf.
    """
    if not 0 <= index < size:
        raise RefusedError("inclusion-index", f"there is no leaf {index} in a tree of {size}")
    path = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return [head_of(*one) for one in reversed(path)]


def consistency_proof(old: int, new: int, head_of: HeadOf) -> list[bytes]:
    """Return the proof that the tree of *new* leaves begins with the tree of *old* leaves.

    RFC 6962 §2.1.2; empty for an empty old tree and for equal sizes. `RefusedError` where the old
    tree is the larger one.
    """
    if not 0 <= old <= new:
        raise RefusedError("consistency-sizes", f"{new} leaves cannot begin with {old}")
    if old in (0, new):
        return []
    path = []
    begin, end, whole = 0, new, True
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        path.append((begin, end))
    return [head_of(*one) for one in reversed(path)]


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Refuse unless *leaf* (its hash) stands at *index* in the tree of *size* with head *root*.

    RFC 9162 §2.1.3.2; raises `RefusedError`.
    """
    if not 0 <= index < size <= MOST_LEAVES:
        raise RefusedError("inclusion-index", f"there is no leaf {index} in a tree of {size}")
    _check_hashes("inclusion-proof", proof)
    _check_hashes("inclusion-proof", [leaf])
    head = leaf
    turns = _turns("inclusion-proof", index, size - 1, len(proof))
    for sibling, left in zip(proof, turns, strict=True):
        head = node_hash(sibling, head) if left else node_hash(head, sibling)
    if head != root:
        raise RefusedError("inclusion-proof", "it leads to another tree head")


def check_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Refuse unless the tree of *new* leaves begins with the tree of *old* leaves.

    RFC 9162 §2.1.4.2; and as C2SP tlog-witness has it, an empty tree with an empty proof is
    consistent with any tree. Raises `RefusedError`.
    """
    if not 0 <= old <= new <= MOST_LEAVES:
        raise RefusedError("consistency-sizes", f"{new} leaves cannot begin with {old}")
    _check_hashes("consistency-proof", proof)
    if old in (0, new):
        _check_trivial(old, new, proof, old_root, new_root)
        return
    path = list(proof)
    # A perfect old tree is itself the first node.
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise RefusedError("consistency-proof", "it is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    turns = _turns("consistency-proof", place, last, len(path) - 1)
    for sibling, left in zip(path[1:], turns, strict=True):
        if left:
            before = node_hash(sibling, before)
        after = node_hash(sibling, after) if left else node_hash(after, sibling)
    if before != old_root:
        raise RefusedError("consistency-proof", "it leads to another old tree head")
    if after != new_root:
        raise RefusedError("consistency-proof", "it leads to another new tree head")


def _check_trivial(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Refuse where an empty tree, or one that did not grow, is not what it is said to be."""
    if proof:
        raise RefusedError("consistency-proof", "nothing is to be proved, yet it holds hashes")
    if old == 0 and old_root != EMPTY_ROOT:
        raise RefusedError("consistency-proof", "the old head is not that of an empty tree")
    if old == new and old_root != new_root:
        raise RefusedError("consistency-proof", "two heads of one size differ")


def _turns(check: str, place: int, last: int, hashes: int) -> Iterator[bool]:
    """Yield for each hash of a proof, from the leaves up, whether it stands to the left.

    *place* and *last* are this node's and the last one's positions in their level (RFC 9162).
    """
    for _ in range(hashes):
        if last == 0:
            raise RefusedError(check, "it holds more hashes than the tree has levels")
        left = place & 1 == 1 or place == last
        yield left
        if left:
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last != 0:
        raise RefusedError(check, "it holds fewer hashes than the tree has levels")


def _split(leaves: int) -> int:
    """Return the largest power of two smaller than *leaves*, which are two or more."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _check_hashes(check: str, hashes: Sequence[bytes]) -> None:
    if len(hashes) > MOST_HASHES:
        raise RefusedError(check, f"it holds more than {MOST_HASHES} hashes")
    if any(len(one) != HASH_BYTES for one in hashes):
        raise RefusedError(check, "a hash is not 32 bytes long")
