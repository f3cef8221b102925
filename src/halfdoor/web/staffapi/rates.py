"""How often one member of staff may ask, and how often an address may try tokens.

Requests are counted by person: a platform's console asks for all its reviewers from one address.
"""

import time
from collections.abc import Callable
from typing import Self, final

from halfdoor.accounts.errors import LimitedError
from halfdoor.accounts.throttle import Throttle
from halfdoor.web.address import household
from halfdoor.web.errors import RateLimitedError
from halfdoor.web.limits import Limits


@final
class StaffRates:
    """Counts, and refuses with `RateLimitedError` (429)."""

    def __init__(
        self,
        staff: Throttle | None,
        strays: Throttle | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """None lifts a rate; *now* is in seconds, from whenever."""
        self._staff = staff
        self._strays = strays
        self._now = now

    @classmethod
    def of(cls, limits: Limits, now: Callable[[], float] = time.monotonic) -> Self:
        """Return the rates of all other requests with a session, and of wrong tokens."""
        own = limits.by_session.get("other")
        return cls(
            own.throttle() if own is not None else None,
            limits.strays.throttle() if limits.strays is not None else None,
            now,
        )

    def count(self, staff: str) -> None:
        """Count a request of the member of staff *staff*."""
        self._check(self._staff, staff)

    def count_stray(self, address: str) -> None:
        """Count a token from *address* that opened nothing."""
        self._check(self._strays, household(address))

    def _check(self, throttle: Throttle | None, key: str) -> None:
        if throttle is None:
            return
        try:
            throttle.check(key, int(self._now() * 1000))
        except LimitedError as error:
            raise RateLimitedError(error.retry_after_ms) from None
