"""What each member of staff did within the last 24 hours, read from the staff log as it grows."""

import asyncio
from collections import defaultdict, deque
from typing import Final, final

import msgspec

from halfdoor.readers.review.priorities import group_of, is_severe
from halfdoor.readers.review.records import StaffEntry
from halfdoor.readers.review.store import DeskStore
from halfdoor.readers.review.wellness import DAY_MS, Day, Touched

_PAGE: Final = 500
_KINDS: Final = 20_000
# Clocks of several servers are not the same: the log is read from a little before the day.
_SLACK_MS: Final = 3_600_000

CLAIM: Final = "claim"
REVEAL: Final = "reveal"


class _Line(msgspec.Struct, frozen=True, gc=False):
    """What is kept of a line of the log."""

    at: int
    what: str
    case: str


@final
class StaffDays:
    """Follows the staff log; what it answers holds all that is durable when it is asked."""

    def __init__(self, store: DeskStore) -> None:
        self._store = store
        self._read: int | None = None
        self._lines: defaultdict[str, deque[_Line]] = defaultdict(deque)
        self._kinds: dict[str, tuple[bool, str]] = {}
        self._reading = asyncio.Lock()

    async def of(self, staff: str, now: int) -> Day:
        """Return what *staff* claimed and was shown since 24 hours before *now* (ms)."""
        await self._catch_up(now)
        lines = self._lines[staff]
        while lines and lines[0].at <= now - DAY_MS:
            lines.popleft()
        kept = [(one, await self._kind(one.case)) for one in tuple(lines)]
        touched = [(one.what, Touched(one.at, *kind)) for one, kind in kept]
        return Day(
            claims=tuple(one for what, one in touched if what == CLAIM),
            reveals=tuple(one for what, one in touched if what == REVEAL),
        )

    async def everyone(self, now: int) -> list[Day]:
        """Return the days of all of the staff who did anything, for sums over many people."""
        await self._catch_up(now)
        return [await self.of(staff, now) for staff in sorted(self._lines)]

    async def _catch_up(self, now: int) -> None:
        """Read what was written to the log since the last time."""
        async with self._reading:
            if self._read is None:
                self._read = await self._first_since(now - DAY_MS - _SLACK_MS)
            while True:
                lines = await self._store.staff_log(self._read, _PAGE)
                for line in lines:
                    self._take(line)
                    self._read = line.n
                if len(lines) < _PAGE:
                    return

    def _take(self, line: StaffEntry) -> None:
        if line.case is not None and line.what in (CLAIM, REVEAL):
            lines = self._lines[line.staff]
            lines.append(_Line(line.at, line.what, line.case))
            while lines[0].at <= line.at - DAY_MS - _SLACK_MS:
                lines.popleft()

    async def _first_since(self, since: int) -> int:
        """Return a number of the log behind which all lines since a time stand, by halving."""
        low, high = 0, 1
        while await self._is_before(high, since):
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            if await self._is_before(middle, since):
                low = middle
            else:
                high = middle
        return low

    async def _is_before(self, number: int, since: int) -> bool:
        """Tell whether there is a line *number*, and it is older than *since*."""
        lines = await self._store.staff_log(number - 1, 1)
        return bool(lines) and lines[0].at < since

    async def _kind(self, id: str) -> tuple[bool, str]:
        """Return whether a case is severe, and the group of its reason; remembered."""
        known = self._kinds.get(id)
        if known is None:
            case = await self._store.case(id)
            known = (False, "") if case is None else (is_severe(case), group_of(case.reason))
            if len(self._kinds) >= _KINDS:
                self._kinds.clear()
            self._kinds[id] = known
        return known
