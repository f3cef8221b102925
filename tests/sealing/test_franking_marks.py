"""Franking: a report holds for exactly what the server saw pass, and for nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from halfdoor.sealing.franking import check_frank, frank_commit, frank_tag

Expect = Callable[[], AbstractContextManager[None]]

K = bytes(range(32))
KF = K[::-1]
SEEN: dict[str, Any] = {
    "sender": "@a:x",
    "device": "D",
    "room": "!r:x",
    "event_id": "$1",
    "ts": 5,
    "ct_hash": bytes(32),
}
SAID: dict[str, Any] = {"kf": KF, "event_type": "m.room.message", "content": {"body": "x"}}


@pytest.fixture
def mark() -> bytes:
    c = frank_commit(KF, "@a:x", "!r:x", "m.room.message", {"body": "x"})
    return frank_tag(K, "2026-11", c=c, **SEEN)


def test_a_report_of_what_was_seen_holds(mark: bytes) -> None:
    c = check_frank(K, "2026-11", mark, **SAID, **SEEN)
    assert c == frank_commit(KF, "@a:x", "!r:x", "m.room.message", {"body": "x"})


@pytest.mark.parametrize(
    "change",
    [
        {"content": {"body": "y"}},
        {"content": {"body": 1.5}},
        {"event_type": "m.sticker"},
        {"sender": "@b:x"},
        {"device": ""},
        {"room": "!s:x"},
        {"event_id": "$2"},
        {"ts": 6},
        {"ct_hash": bytes(31) + b"\x01"},
        {"kf": K},
        {"kf": KF + b"\x00"},
        {"kf": KF[:-1]},
    ],
)
def test_a_report_of_anything_else_is_denied(
    denied: Expect, mark: bytes, change: dict[str, Any]
) -> None:
    """SEALING §8 no. 30."""
    with denied():
        check_frank(K, "2026-11", mark, **SAID | SEEN | change)


def test_a_mark_of_another_key_is_denied(denied: Expect, mark: bytes) -> None:
    """SEALING §8 no. 30."""
    for k, key_id, tag in ((KF, "2026-11", mark), (K, "2026-10", mark), (K, "2026-11", b"")):
        with denied():
            check_frank(k, key_id, tag, **SAID, **SEEN)
