"""The time, asked for at the edge and handed to pure code as a number."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS_OF_DAY: Final = 86_400_000


class Clock(Protocol):
    """Whoever can tell the time; tests bring one that stands still."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970-01-01 UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now_ms(self) -> int:
        """Return the machine's time in milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000


def day_of(ms: int) -> int:
    """Return the UTC day of the time *ms*, counted from 1970-01-01."""
    return ms // _MS_OF_DAY


def month_of(ms: int) -> int:
    """Return the UTC calendar month of the time *ms*, counted from 1970-01."""
    date = _EPOCH + timedelta(milliseconds=ms)
    return (date.year - 1970) * 12 + date.month - 1
