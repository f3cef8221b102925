"""Our own proofs, against the definition of RFC 6962 §2.1, and what is not one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.proofs import (
    MOST_HASHES,
    MOST_LEAVES,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from halfdoor.merkle.tree import EMPTY_ROOT, leaf_hash, node_hash, root, root_of_hashes

LEAVES = [leaf_hash(bytes([n])) for n in range(70)]


def literal_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962 §2.1.1 writes it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*literal_path(m, leaves[:k]), root_of_hashes(leaves[k:])]
    return [*literal_path(m - k, leaves[k:]), root_of_hashes(leaves[:k])]


def literal_proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 6962 §2.1.2 writes it."""
    if m == len(leaves):
        return [] if whole else [root_of_hashes(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*literal_proof(m, leaves[:k], whole), root_of_hashes(leaves[k:])]
    return [*literal_proof(m - k, leaves[k:], False), root_of_hashes(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def head_of(begin: int, end: int) -> bytes:
    return root_of_hashes(LEAVES[begin:end])


sizes = st.integers(1, len(LEAVES))


@settings(max_examples=150, deadline=None)
@given(sizes, st.data())
def test_every_leaf_has_the_path_of_the_definition_and_no_other_leaf_passes(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, head_of)
    assert proof == literal_path(index, LEAVES[:size])
    check_inclusion(LEAVES[index], index, size, proof, head_of(0, size))
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if size > 1 else -1
    if other >= 0:
        for leaf, place in ((LEAVES[other], index), (LEAVES[index], other)):
            with pytest.raises(RefusedError):
                check_inclusion(leaf, place, size, proof, head_of(0, size))


@settings(max_examples=150, deadline=None)
@given(sizes, st.data())
def test_every_growth_has_the_proof_of_the_definition_and_no_other_history_passes(
    new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, head_of)
    assert proof == literal_proof(old, LEAVES[:new])
    check_consistency(old, new, proof, head_of(0, old), head_of(0, new))
    forged = list(LEAVES[:old])
    forged[data.draw(st.integers(0, old - 1))] = leaf_hash(b"forged")
    with pytest.raises(RefusedError):
        check_consistency(old, new, proof, root_of_hashes(forged), head_of(0, new))


@settings(max_examples=100, deadline=None)
@given(sizes, st.data())
def test_a_proof_with_a_hash_added_taken_or_changed_is_refused(
    new: int, data: st.DataObject
) -> None:
    old = data.draw(st.integers(1, new))
    proof = consistency_proof(old, new, head_of)
    at = data.draw(st.integers(0, len(proof)))
    wrong = [[*proof[:at], leaf_hash(b"more"), *proof[at:]]]
    if at < len(proof):
        wrong.append([*proof[:at], *proof[at + 1 :]])
        wrong.append([*proof[:at], leaf_hash(b"other"), *proof[at + 1 :]])
    for one in wrong:
        with pytest.raises(RefusedError):
            check_consistency(old, new, one, head_of(0, old), head_of(0, new))


def test_sizes_and_places_that_cannot_be_are_refused() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3), (0, MOST_LEAVES + 1)):
        with pytest.raises(RefusedError) as error:
            check_inclusion(LEAVES[0], index, size, [], LEAVES[0])
        assert error.value.check == "inclusion-index"
    with pytest.raises(RefusedError):
        inclusion_proof(3, 3, head_of)
    for old, new in ((4, 3), (-1, 3), (1, MOST_LEAVES + 1)):
        with pytest.raises(RefusedError) as error:
            check_consistency(old, new, [], LEAVES[0], LEAVES[0])
        assert error.value.check == "consistency-sizes"
    with pytest.raises(RefusedError):
        consistency_proof(4, 3, head_of)


def test_more_hashes_than_any_tree_has_levels_are_refused_unread() -> None:
    many = [LEAVES[0]] * (MOST_HASHES + 1)
    with pytest.raises(RefusedError, match="more than 63 hashes"):
        check_inclusion(LEAVES[0], 0, MOST_LEAVES, many, LEAVES[0])
    with pytest.raises(RefusedError, match="not 32 bytes long"):
        check_inclusion(LEAVES[0], 0, 2, [b"short"], LEAVES[0])


def test_an_empty_tree_is_where_every_log_begins() -> None:
    assert consistency_proof(0, 7, head_of) == []
    check_consistency(0, 7, [], EMPTY_ROOT, head_of(0, 7))
    with pytest.raises(RefusedError):
        check_consistency(0, 7, [], head_of(0, 7), head_of(0, 7))
    with pytest.raises(RefusedError):
        check_consistency(3, 3, [], head_of(0, 3), head_of(0, 4))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=3), max_size=70), st.integers(0, 70))
def test_a_frontier_knows_the_head_after_every_leaf_and_can_be_put_down(
    leaves: list[bytes], pause: int
) -> None:
    frontier = Frontier()
    for number, data in enumerate(leaves, 1):
        frontier.append(leaf_hash(data))
        assert frontier.root() == root(leaves[:number])
        if number == pause:
            frontier = Frontier(frontier.size, frontier.heads)
    assert frontier.size == len(leaves)


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    for size, heads in ((1, []), (2, LEAVES[:2]), (-1, []), (1, [b"short"])):
        with pytest.raises(RefusedError, match="frontier-shape"):
            Frontier(size, heads)
    one = Frontier(1, LEAVES[:1])
    two = one.copy()
    two.append(LEAVES[1])
    assert (one.size, two.root()) == (1, node_hash(LEAVES[0], LEAVES[1]))
