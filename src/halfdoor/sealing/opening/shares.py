"""Opening a custodian's share, and combining enough of them (SEALING §3, §5)."""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from Crypto.Protocol.SecretSharing import Shamir

from halfdoor.sealing.epochs import cek_commit
from halfdoor.sealing.shares import EscrowSet, ShareError, check_share, share_info, xor_bytes
from halfdoor.sealing.suites import PrivateKey

_BLOCK_BYTES: Final = 16


def open_share(escrow_set: EscrowSet, i: int, hh: bytes, private: PrivateKey, blob: bytes) -> bytes:
    """Return the share of position *i* in the epoch *hh*, with that custodian's key."""
    return private.open(share_info(escrow_set, i, hh), blob)


def combine(
    escrow_set: EscrowSet,
    commits: Sequence[bytes],
    commitment: bytes,
    shares: Sequence[tuple[int, bytes]],
) -> bytes:
    """Return the epoch key from (position, share) pairs; `ShareError` names what fails.

    *commits* and *commitment* are the header's: its share commitments for this set, and its
    `cek_commit`. Every share given is checked; of each group exactly k are used.
    """
    given: dict[int, bytes] = {}
    for i, share in shares:
        if i in given:
            raise ShareError("this position was given twice", i)
        check_share(escrow_set, commits, i, share)
        given[i] = share
    parts: list[bytes] = []
    for number, k in enumerate(escrow_set.thresholds):
        mine = [given[one.position] for one in escrow_set.group(number) if one.position in given]
        if len(mine) < k:
            raise ShareError(f"group {number} has {len(mine)} of the {k} shares it needs")
        parts.append(_part(mine[:k]))
    cek = reduce(xor_bytes, parts)
    # The last word: a writer may have committed to shares of some other key.
    if cek_commit(cek) != commitment:
        raise ShareError("the shares make another key than the header's")
    return cek


def _part(shares: Sequence[bytes]) -> bytes:
    """Return one group's 32-byte part from exactly its k checked shares."""
    return Shamir.combine(
        [(share[0], share[1 : 1 + _BLOCK_BYTES]) for share in shares]
    ) + Shamir.combine([(share[0], share[1 + _BLOCK_BYTES :]) for share in shares])
