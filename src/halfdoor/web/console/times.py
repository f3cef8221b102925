"""Times and spans as people read them; UTC throughout, for staff sit in many places."""

from datetime import UTC, datetime
from typing import Final

import msgspec

_MINUTE: Final = 60_000
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


class Clock(msgspec.Struct, frozen=True):
    """What a chip says of a deadline: words, and a kind for its colour (late, soon or calm)."""

    words: str
    kind: str


def moment(at: int) -> str:
    """*at* (ms) as a day and a minute."""
    return f"{_utc(at):%-d %b %Y, %H:%M} UTC"


def stamp(at: int) -> str:
    """*at* (ms) for the `datetime` attribute (HTML §2.3.5)."""
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def clock(due: int, now: int) -> Clock:
    """How long until *due*, or since."""
    left = due - now
    if left < 0:
        return Clock(f"{span(-left)} late", "late")
    return Clock(f"{span(left)} left", "soon" if left < 30 * _MINUTE else "calm")


def span(ms: int) -> str:
    """*ms* in its largest sensible unit, rounded down: 45 s, 12 min, 3 h, 2 days."""
    if ms < _MINUTE:
        return f"{ms // 1000} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} min"
    if ms < 2 * _DAY:
        return f"{ms // _HOUR} h"
    return f"{ms // _DAY} days"


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
