"""Tree heads against the recursive definition of RFC 6962 §2.1."""

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.merkle.tree import leaf_hash, node_hash, root


def literal_root(leaves: list[bytes]) -> bytes:
    """MTH as the RFC writes it: k is the largest power of two smaller than n."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + literal_root(leaves[:k]) + literal_root(leaves[k:])).digest()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=4), max_size=40))
def test_the_head_is_the_one_of_the_definition(leaves: list[bytes]) -> None:
    assert root(leaves) == literal_root(leaves)


def test_a_leaf_never_passes_for_a_node() -> None:
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(a + b) != node_hash(a, b) == root([b"a", b"b"])


def test_order_and_count_show_in_the_head() -> None:
    assert root([b"a", b"b"]) != root([b"b", b"a"])
    assert len({root([b"a"] * n) for n in range(20)}) == 20
