"""Ways to let requests take turns: somebody else acts between two steps of a request."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Call = Callable[..., Awaitable[Any]]
Act = Callable[[], Awaitable[Any]]


def before_first(target: Any, name: str, act: Act) -> None:
    """Do *act* once, right before the first call of *name* on *target* goes through."""
    call: Call = getattr(target, name)

    async def slow(*args: Any, **options: Any) -> Any:
        setattr(target, name, call)
        await act()
        return await call(*args, **options)

    setattr(target, name, slow)


def after_first(target: Any, name: str, act: Act) -> None:
    """Do *act* once, right after the first call of *name* on *target*, before its answer."""
    call: Call = getattr(target, name)

    async def slow(*args: Any, **options: Any) -> Any:
        setattr(target, name, call)
        found = await call(*args, **options)
        await act()
        return found

    setattr(target, name, slow)


class Slow:
    """Makes the calls *names* of a store take as many turns of the loop as *pauses* say."""

    def __init__(self, store: Any, names: Iterable[str], pauses: Iterable[int]) -> None:
        self.store = store
        self.names = tuple(names)
        self.left = list(pauses)
        for name in self.names:
            setattr(store, name, self._slow(getattr(store, name)))

    def _slow(self, call: Call) -> Call:
        async def slow(*args: Any, **options: Any) -> Any:
            await self._pause()
            try:
                return await call(*args, **options)
            finally:
                # What was kept is told a little later: other requests may read it before.
                await self._pause()

        return slow

    async def _pause(self) -> None:
        for _ in range(self.left.pop() if self.left else 0):
            await asyncio.sleep(0)

    def undo(self) -> None:
        """Let the store answer at once again."""
        for name in self.names:
            delattr(self.store, name)
