"""Bodies that dawdle. One sweep now and then watches them all: a timer each costs 2 to 5 µs."""

import asyncio

_SWEEPS_PER_LIMIT = 20
_MOST_BETWEEN_SWEEPS = 1.0


class SlowBodies:
    """Interrupts every task that has been reading a body for longer than *seconds*."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._between = min(_MOST_BETWEEN_SWEEPS, seconds / _SWEEPS_PER_LIMIT)
        self._since: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> "asyncio.Task[object]":
        """The running task starts to read; it must `end` in any case."""
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a body is read inside a task")
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._between, self._sweep, loop)
        return task

    def was_late(self, task: "asyncio.Task[object]") -> bool:
        """Whether *task* was cancelled by us; if so the cancellation is taken back."""
        if task not in self._late:
            return False
        task.uncancel()
        return True

    def end(self, task: "asyncio.Task[object]") -> None:
        """*task* reads no more."""
        del self._since[task]
        self._late.discard(task)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        # A task in this table is suspended in its read, so the cancellation arrives there.
        before = loop.time() - self._seconds
        for task, since in self._since.items():
            if since < before and task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = loop.call_later(self._between, self._sweep, loop) if self._since else None
