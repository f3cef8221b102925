"""Runs `halfdoor` as it would on another day: python -m bench.servers.another_day DAYS up …

Only the day is another. What waits, waits by the machine's own clock, which programs that move the
whole clock of a process get wrong now and then.
"""

import sys
import time

import halfdoor.apps.house as building
from halfdoor.cli.main import main
from halfdoor.clock import SystemClock

_DAY_MS = 86_400_000


class _AnotherDay(SystemClock):
    """The machine's time, so many days off."""

    off_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.off_ms


if __name__ == "__main__":
    _AnotherDay.off_ms = int(sys.argv.pop(1)) * _DAY_MS
    # Whoever builds a house asks for the machine's clock, and gets this one.
    vars(building)["SystemClock"] = _AnotherDay
    main()
