"""Leaves of the two daily roots: every epoch touched, and every user's key (SEALING §3)."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from halfdoor.sealing.labels import Denied, enc


class EpochDay(NamedTuple):
    """An epoch as its day left it: newest reader record (else hh), chain value and count."""

    hh: bytes
    rh: bytes
    chain: bytes
    seq: int


def headers_leaves(epochs: Iterable[EpochDay]) -> list[bytes]:
    """Return the leaves of `headers_root`, sorted by hh; an epoch named twice is `Denied`."""
    ordered = sorted(epochs)
    if any(a.hh == b.hh for a, b in pairwise(ordered)):
        raise Denied
    return [enc("epoch-day", *one) for one in ordered]


def users_leaves(users: Iterable[tuple[str, bytes]]) -> list[bytes]:
    """Return the leaves of `users_root` over (user, kid), sorted; one named twice is `Denied`."""
    # Code points sort as their UTF-8 bytes do.
    ordered = sorted(users)
    if any(a == b for (a, _), (b, _) in pairwise(ordered)):
        raise Denied
    return [enc("user", user, kid) for user, kid in ordered]
