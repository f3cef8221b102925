"""How many files one person sends and fetches at once: each holds a place, and a key."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from halfdoor.messaging.media_errors import TooManyTransfersError

_MOST: Final = 16


class Transfers:
    """Counts what each person has under way in this process."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one(self, user: str) -> Iterator[None]:
        """Hold a place for *user* until the block is left; `TooManyTransfersError` without one."""
        if self._under_way[user] >= self._most:
            raise TooManyTransfersError("as many files are on their way as may be")
        self._under_way[user] += 1
        try:
            yield
        finally:
            self._under_way[user] -= 1
            if not self._under_way[user]:
                del self._under_way[user]
