"""A bounded memory of what was read lately, forgotten when it is written."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, final

K = TypeVar("K")
V = TypeVar("V")


@final
class Recent(Generic[K, V]):
    """Keeps the *bound* values used last."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._values: OrderedDict[K, V] = OrderedDict()
        self._forgotten = 0

    def at_hand(self, key: K) -> V | None:
        """Return the value of *key* if it is remembered."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Remember *value*."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._bound:
            self._values.popitem(last=False)

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """Return the remembered value, or that of *load*."""
        found = self.at_hand(key)
        if found is not None:
            return found
        before = self.mark()
        value = await load()
        self.put_since(before, key, value)
        return value

    def mark(self) -> int:
        """Return a mark to take before reading from the store, for `put_since`."""
        return self._forgotten

    def put_since(self, mark: int, key: K, value: V) -> None:
        """Remember *value*, unless a write that came after *mark* may have changed it."""
        if self._forgotten == mark:
            self.put(key, value)

    def forget(self, key: K) -> None:
        """Read *key* anew next time."""
        self._forgotten += 1
        self._values.pop(key, None)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Recent({len(self._values)} of {self._bound})"
