"""How much one address, one session, and everybody together may ask of the server.

Rates are counted by the throttle of `accounts`: 0.5 µs a check, where the kept library (`limits`
5.8, in memory) takes 6 to 7 µs and every message passes three checks.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from halfdoor.accounts.throttle import Throttle
from halfdoor.config.model import Limits as Settings
from halfdoor.config.model import Rate as SettingsRate
from halfdoor.web.errors import ApiError, BusyError, RateLimitedError
from halfdoor.web.router import LimitClass

# Browsers send twenty.
_MOST_HEADERS: Final = 100


class Rate(msgspec.Struct, frozen=True):
    """*per_minute* for ever, after *burst* at once."""

    per_minute: float
    burst: int

    def throttle(self) -> Throttle:
        """A fresh counter of this rate."""
        return Throttle(burst=self.burst, every_ms=max(1, round(60_000 / self.per_minute)))


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit of the front door; None lifts a rate.

    *by_address* counts requests without a session, *by_session* those with one (a school behind
    one address is many sessions). *strays* counts tokens that opened nothing, by address.
    """

    by_address: Mapping[LimitClass, Rate | None]
    by_session: Mapping[LimitClass, Rate | None]
    strays: Rate | None = Rate(60, 60)
    max_requests: int = 1000
    max_writes: int = 500
    max_polls: int = 20_000
    max_polls_per_address: int = 500
    max_polls_per_person: int = 40
    max_url_bytes: int = 8192
    max_header_bytes: int = 16_384


def limits_from(settings: Settings, *, development: bool) -> Limits:
    """The limits that the configuration asks for; *development* lifts the rates, not the sizes."""

    def rate(of: SettingsRate) -> Rate | None:
        return None if development else Rate(per_minute=of.per_minute, burst=of.burst)

    return Limits(
        by_address={
            "login": rate(settings.login),
            "register": rate(settings.register),
            "other": rate(settings.anonymous),
        },
        by_session={
            # Who asks to sign in again, or for a new token, does so with a session.
            "login": rate(settings.login),
            "send": rate(settings.send),
            "sync": rate(settings.sync),
            "other": rate(settings.other),
        },
        strays=rate(settings.wrong_tokens),
        max_requests=settings.requests,
        max_writes=settings.writes,
        max_polls=settings.polls,
        max_polls_per_address=settings.polls_per_address,
        max_polls_per_person=settings.polls_per_person,
        max_url_bytes=settings.url_bytes,
        max_header_bytes=settings.header_bytes,
    )


class Turnstile:
    """How many requests are in hand, how many of them wait in a long poll, how many writes wait."""

    def __init__(self, limits: Limits, writes_waiting: Callable[[], int] = lambda: 0) -> None:
        """*writes_waiting* is how long the queue in front of the store's writer is."""
        self._limits = limits
        self._writes_waiting = writes_waiting
        self.working = 0
        self.polling = 0
        self._polls: Counter[str] = Counter()
        self._persons: Counter[str] = Counter()

    def enter(self, *, poll: bool, household: str, writes: bool = False) -> None:
        """Count a request in; BusyError (503) or RateLimitedError (429) when there is no room.

        One that *writes* needs room in the queue too: a slow disk must not take the places of
        those who only read, and whoever is refused at once can ask again sooner.
        """
        limits = self._limits
        if not poll:
            if self.working >= limits.max_requests:
                raise BusyError
            if writes and self._writes_waiting() >= limits.max_writes:
                raise BusyError
            self.working += 1
            return
        if self.polling >= limits.max_polls:
            raise BusyError
        if self._polls[household] >= limits.max_polls_per_address:
            raise RateLimitedError(1000)
        self.polling += 1
        self._polls[household] += 1

    def leave(self, *, poll: bool, household: str) -> None:
        """Count out a request that had been let in."""
        if not poll:
            self.working -= 1
            return
        self.polling -= 1
        self._polls[household] -= 1
        if not self._polls[household]:
            del self._polls[household]

    def sit(self, person: str) -> None:
        """Count a long poll of *person*; RateLimitedError (429) when they have too many.

        Else one person could take every place that their whole school shares.
        """
        if self._persons[person] >= self._limits.max_polls_per_person:
            raise RateLimitedError(1000)
        self._persons[person] += 1

    def rise(self, person: str) -> None:
        """Count out a long poll that was counted in."""
        self._persons[person] -= 1
        if not self._persons[person]:
            del self._persons[person]


def check_sizes(
    limits: Limits, raw_path: bytes, query: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    """Refuse an address (414) or headers (431) longer than anything honest."""
    if len(raw_path) + len(query) > limits.max_url_bytes:
        raise ApiError(414, "M_UNKNOWN", "The address is too long.")
    total = 0
    for name, value in headers:
        total += len(name) + len(value)
    if total > limits.max_header_bytes or len(headers) > _MOST_HEADERS:
        raise ApiError(431, "M_UNKNOWN", "The headers are too long.")
