"""How far the count of restores must go, so that no position is ever given out twice."""

from typing import Final

# The count stands above bit 40 of a position (SCALE §3) and so has 23 bits: these units of ten
# minutes fill them in the year 2185.
_UNIT_MS: Final = 600_000
_ORIGIN_MS: Final = 1_767_225_600_000  # 2026-01-01 UTC


def least_count(now_ms: int) -> int:
    """Return what the count of restores is to be at least, for a restore at this time.

    One more than the backup's own count is not enough: who restores the same backup again would
    give out once more the positions that clients hold since the first time, and what comes at
    them then would be skipped.
    """
    return max(1, (now_ms - _ORIGIN_MS) // _UNIT_MS)
