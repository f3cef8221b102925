"""One dishonest witness never helps a fork: two quorums share two witnesses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.transparency.log_fakes import LOG

from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.trust_policy import TrustPolicy, parse_policy
from halfdoor.transparency.quorum_rule import check_quorum


def policy(count: int, *lines: str) -> TrustPolicy:
    keys = [SigningKey.of_witness(f"w.example/{n}", bytes([n]) * 32) for n in range(1, count + 1)]
    written = [f"log {LOG.public}"]
    written += [f"witness w{n} {key.public}" for n, key in enumerate(keys, 1)]
    return parse_policy("\n".join([*written, *lines, ""]).encode())


def flat(count: int, least: int) -> TrustPolicy:
    names = " ".join(f"w{n}" for n in range(1, count + 1))
    return policy(count, f"group all {least} {names}", "quorum all")


def refused(given: TrustPolicy) -> bool:
    try:
        check_quorum(given)
    except RefusedError as error:
        return error.check == "witness-quorum"
    return False


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        (4, ("quorum none",)),
        (1, ("quorum w1",)),
        (2, ("group g any w1 w2", "quorum g")),
        (4, ("group a 2 w1 w2", "group b 2 w3 w4", "group g any a b", "quorum g")),
        (4, ("group a any w1 w2", "group b any w3 w4", "group g all a b", "quorum g")),
        (13, ("group a all w1 w2", "group g all a w3", "quorum g")),
    ],
)
def test_a_quorum_that_one_liar_could_turn_is_refused(count: int, lines: tuple[str, ...]) -> None:
    assert refused(policy(count, *lines))


@pytest.mark.parametrize(("count", "least"), [(4, 3), (3, 3), (5, 4), (2, 2), (7, 5)])
def test_enough_of_them_are_taken(count: int, least: int) -> None:
    assert not refused(flat(count, least))


def test_groups_that_share_two_witnesses_are_taken() -> None:
    lines = ("group a all w1 w2", "group b any w3 w4", "group g all a b", "quorum g")
    assert not refused(policy(4, *lines))


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))))
def test_the_rule_of_flat_groups_is_that_of_trying_every_set(sizes: tuple[int, int]) -> None:
    count, least = sizes
    names = " ".join(f"w{n}" for n in range(1, count + 1))
    # A group of one group is no flat one: it is tried out.
    nested = policy(count, f"group all {least} {names}", "group g any all", "quorum g")
    assert refused(flat(count, least)) == refused(nested) == (2 * least <= count + 1)
