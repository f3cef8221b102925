"""The names of requests that were already done, so that each signature is good for one request."""

from collections import OrderedDict
from typing import Final, final

from halfdoor.web.errors import ApiError, BusyError

_BOUND: Final = 100_000


@final
class Replays:
    """Remembers the `jti` of each request until it expires, at most *bound* at once.

    When it is full of names that still count, new requests are refused (`BusyError`, 503):
    forgetting one early would let it be sent again.
    """

    def __init__(self, bound: int = _BOUND) -> None:
        self._bound = bound
        self._until: OrderedDict[str, int] = OrderedDict()

    def take(self, jti: str, until: int, now: int) -> None:
        """Use *jti* up; 403 M_FORBIDDEN where that happened before. Times in ms."""
        self._drop_expired(now)
        if jti in self._until:
            raise ApiError(403, "M_FORBIDDEN", "This signed request was sent before.")
        if len(self._until) >= self._bound:
            raise BusyError
        self._until[jti] = until

    def _drop_expired(self, now: int) -> None:
        # In order of arrival: one that expires early may stay behind a later one, for at most the
        # five minutes that any of them has.
        while self._until:
            jti, until = next(iter(self._until.items()))
            if until > now:
                return
            del self._until[jti]

    def __len__(self) -> int:
        return len(self._until)

    def __repr__(self) -> str:
        return f"Replays({len(self._until)} remembered)"
