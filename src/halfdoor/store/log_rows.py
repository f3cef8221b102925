"""Rows of the public log, whichever store they lie in. All stand in one bucket."""

from collections.abc import Sequence
from typing import Final

from halfdoor.ids import bucket
from halfdoor.merkle.tree import HASH_BYTES
from halfdoor.transparency.log_store import LogState, Waiting

LOG_BUCKET: Final = bucket("log")


def state_of(row: Sequence[object]) -> LogState:
    """Return the state of a row: origin, size, heads, published, checkpoint."""
    origin, size, heads, published, checkpoint = row
    hashes = bytes(heads)  # type: ignore[call-overload]
    return LogState(
        origin=str(origin),
        size=int(size),  # type: ignore[call-overload]
        heads=tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)),
        published=int(published),  # type: ignore[call-overload]
        checkpoint=bytes(checkpoint),  # type: ignore[call-overload]
    )


def heads_of(state: LogState) -> bytes:
    """Return the frontier's hashes as one column."""
    return b"".join(state.heads)


def places(first: int, placed: Sequence[Waiting]) -> list[tuple[int, int, bytes]]:
    """Return (place, bucket, id) of leaves that stand at *first* and after."""
    return [(place, LOG_BUCKET, one.id) for place, one in enumerate(placed, first)]
