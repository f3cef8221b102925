"""What a request may believe of the store while other processes write to it (decision 0013).

Only what was read after the request began. Reads of many requests are made together: whatever is
asked while one is under way makes the next.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Generic, TypeVar, final

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# Every request is a task of its own, and so is what it believes. Where none began, nothing that
# was read before is believed.
_began: ContextVar[float] = ContextVar("halfdoor_began", default=math.inf)


def begin(at: float | None = None) -> None:
    """Believe nothing that was read before now: a request begins, or goes on after a wait.

    *at* (s, `time.monotonic`) is an earlier moment that is enough. Of no effect beyond the task
    that calls it.
    """
    _began.set(time.monotonic() if at is None else at)


def is_fresh(read_at: float) -> bool:
    """Tell whether what was read at *read_at* (s, `time.monotonic`) may be believed."""
    return read_at >= _began.get()


class _Batch(Generic[K, V]):
    """Questions that are asked together, and their one answer."""

    __slots__ = ("answer", "keys")

    def __init__(self) -> None:
        self.keys: dict[K, None] = {}
        self.answer: asyncio.Future[tuple[float, Mapping[K, V]]] = (
            asyncio.get_running_loop().create_future()
        )


@final
class Together(Generic[K, V]):
    """Asks the same question for many: one look-up at a time, for all who came before it."""

    def __init__(self, look: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        """*look* answers for many keys at once, and leaves out what is not there."""
        self._look = look
        self._next: _Batch[K, V] | None = None
        self._task: asyncio.Task[None] | None = None

    async def ask(self, keys: Iterable[K]) -> tuple[float, Mapping[K, V]]:
        """Return when the look-up began, which is after this call, and what it found.

        There may be answers for others among it. Raises what the look-up raises.
        """
        batch = self._next
        if batch is None:
            batch = self._next = _Batch()
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(), name="halfdoor-together")
        batch.keys.update(dict.fromkeys(keys))
        # Whoever leaves must not take the answer from the others.
        return await asyncio.shield(batch.answer)

    async def _run(self) -> None:
        while (batch := self._next) is not None:
            self._next = None
            at = time.monotonic()
            try:
                found = await self._look(list(batch.keys))
            except Exception as error:  # noqa: BLE001 - the askers are told, whatever it is
                batch.answer.set_exception(error)
                # All of them may have left.
                batch.answer.exception()
            else:
                batch.answer.set_result((at, found))
