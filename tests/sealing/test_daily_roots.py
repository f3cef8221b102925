"""The leaves of the daily roots: every epoch and every user once, in one order."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from halfdoor.sealing.labels import enc
from halfdoor.sealing.roots import EpochDay, headers_leaves, users_leaves

Expect = Callable[[], AbstractContextManager[None]]


def test_epochs_are_sorted_by_their_hash() -> None:
    a, b = EpochDay(b"a", b"z", b"c", 2), EpochDay(b"b", b"y", b"d", 1)
    leaves = [enc("epoch-day", b"a", b"z", b"c", 2), enc("epoch-day", b"b", b"y", b"d", 1)]
    assert headers_leaves([b, a]) == headers_leaves([a, b]) == leaves


def test_users_are_sorted_by_their_utf_8_bytes() -> None:
    users = [("@\U00010000", b"3"), ("@\ue000", b"2"), ("@bb", b"1"), ("@c", b"0")]
    ordered = sorted(users, key=lambda one: one[0].encode())
    assert users_leaves(users) == [enc("user", *one) for one in ordered]


def test_an_epoch_or_a_user_named_twice_is_refused(denied: Expect) -> None:
    with denied():
        headers_leaves([EpochDay(b"a", b"x", b"c", 2), EpochDay(b"a", b"y", b"c", 3)])
    with denied():
        users_leaves([("@a", b"1"), ("@b", b"1"), ("@a", b"2")])
