"""When a leaf was there, by the word of witnesses (SEALING §4)."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

DAY_S: Final = 86_400


class LeafTimes:
    """The earliest quorum time of a checkpoint that covers a leaf, not what the operator wrote."""

    def __init__(self, seen: Iterable[tuple[int, int]] = ()) -> None:
        """*seen* are size and quorum time (s since 1970) of checkpoints, in any order."""
        self._sizes: list[int] = []
        self._times: list[int] = []
        for size, time in sorted(seen, reverse=True):
            # From the largest down: a smaller head that was seen later proves nothing earlier.
            if self._times and time >= self._times[-1]:
                continue
            if self._sizes and self._sizes[-1] == size:
                self._times[-1] = min(self._times[-1], time)
                continue
            self._sizes.append(size)
            self._times.append(time)
        self._sizes.reverse()
        self._times.reverse()

    @property
    def seen(self) -> list[tuple[int, int]]:
        """The checkpoints that tell something, smallest first."""
        return list(zip(self._sizes, self._times, strict=True))

    def of(self, index: int) -> int | None:
        """Return when the leaf *index* was there at the latest (s since 1970), None if unknown."""
        at = bisect_right(self._sizes, index)
        return self._times[at] if at < len(self._times) else None
