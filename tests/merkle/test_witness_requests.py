"""The body of `add-checkpoint` (C2SP tlog-witness)."""

import pytest

from halfdoor.merkle.add_checkpoint import AddCheckpoint, parse_add_checkpoint
from halfdoor.merkle.checkpoint import Head
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import leaf_hash

LOG = SigningKey.of_log("example.com/access", bytes(32))
REQUEST = AddCheckpoint(
    2, (leaf_hash(b"a"), leaf_hash(b"b")), LOG.sign(Head("example.com/access", 3, leaf_hash(b"c")))
)


def test_a_request_is_read_as_it_was_written() -> None:
    assert parse_add_checkpoint(str(REQUEST).encode()) == REQUEST
    first = REQUEST._replace(old=0, proof=())
    assert parse_add_checkpoint(str(first).encode()) == first


@pytest.mark.parametrize(
    "change",
    [
        ("old 2", "old 02"),
        ("old 2", "new 2"),
        ("old 2", "old 4"),
        ("old 2", "old -1"),
        ("old 2", "old 18446744073709551616"),
        ("old 2\n", "old 2\nAAAA\n"),
        ("old 2\n", "old 2\n" + ("A" * 43 + "=\n") * 64),
        ("\n\n", "\n"),
        ("\n3\n", "\n3\n\n"),
    ],
)
def test_malformed_requests_are_refused(change: tuple[str, str]) -> None:
    with pytest.raises(RefusedError):
        parse_add_checkpoint(str(REQUEST).replace(*change, 1).encode())
