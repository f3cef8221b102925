"""How many attempts somebody has: a token bucket for each key, in bounded memory."""

from collections import OrderedDict
from typing import Final, final

from halfdoor.accounts.errors import LimitedError

_BOUND: Final = 100_000


@final
class Throttle:
    """Allows *burst* attempts at once and one more every *every_ms* after that.

    Keeps one number for each key: the time at which its bucket will be full again (GCRA). At most
    100,000 keys; the ones unused longest are forgotten first.
    """

    def __init__(self, *, burst: int, every_ms: int, bound: int = _BOUND) -> None:
        self._burst = burst
        self._every = every_ms
        self._bound = bound
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def check(self, key: str, now: int) -> None:
        """Count an attempt; `LimitedError` if there is none left, and then nothing is counted."""
        full_at = max(self._full_at.get(key, now), now) + self._every
        too_early = full_at - now - self._burst * self._every
        if too_early > 0:
            raise LimitedError(too_early)
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        while len(self._full_at) > self._bound:
            self._full_at.popitem(last=False)

    def forgive(self, key: str) -> None:
        """Give *key* all its attempts back: it was the right person."""
        self._full_at.pop(key, None)

    def __repr__(self) -> str:
        return f"Throttle({len(self._full_at)} keys)"


@final
class Attempts:
    """The throttles of everything that can be guessed: per account, per address, per pair.

    An account as a whole has many attempts, one address at one account few: so a stranger cannot
    easily lock a person out, nor try one account from everywhere at once.
    """

    def __init__(self, *, off: bool = False) -> None:
        """*off* is the development switch."""
        self._off = off
        self._pairs = Throttle(burst=6, every_ms=20_000)
        self._accounts = Throttle(burst=40, every_ms=30_000)
        self._addresses = Throttle(burst=60, every_ms=2_000)

    def check(self, account: str, address: str | None, now: int) -> None:
        """Count an attempt to act as *account* from *address*; `LimitedError` if it is too many."""
        if self._off:
            return
        if address is not None:
            self._addresses.check(address, now)
        self._pairs.check(f"{address}\n{account}", now)
        self._accounts.check(account, now)

    def check_address(self, address: str, now: int) -> None:
        """Count an attempt of *address* that is about no account yet."""
        if not self._off:
            self._addresses.check(address, now)

    def forgive(self, account: str, address: str | None) -> None:
        """Forget the attempts of somebody who turned out to be *account*."""
        self._pairs.forgive(f"{address}\n{account}")
