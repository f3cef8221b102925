"""Work that is killed at a step of its own, as by `kill -9`."""

import asyncio
import os
import shutil
import signal
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from halfdoor.store.backup.source import Progress

# What changes names on the disk; each call is a step, and so is each new kind of work.
_CHANGES = ((Path, "replace"), (Path, "rename"), (Path, "unlink"), (shutil, "rmtree"))
# Kinds of work that last: these are also ended in the middle.
_MIDDLES = {"conversations.event", "people.inbox"}


class _Steps:
    """Counts steps, and ends this process at the one it was told."""

    def __init__(self, last: int) -> None:
        self._left = last
        self._kind = ""

    def step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def progress(self, what: str, _done: int, _of: int | None) -> None:
        kind, _, about = what.partition(" ")
        if kind != self._kind or about in _MIDDLES:
            self._kind = kind
            self.step()

    def watch(self) -> None:
        for owner, name in _CHANGES:
            setattr(owner, name, self._watched(getattr(owner, name)))

    def _watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step()
            return function(*arguments, **named)

        return call


def is_killed(step: int, work: Callable[[Progress], Coroutine[Any, Any, Any]]) -> bool:
    """Do *work* in a process that ends before its *step*; False if it has no such step."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            steps = _Steps(step)
            steps.watch()
            asyncio.run(work(steps.progress))
            status = 0
        except BaseException:  # noqa: BLE001 - nothing of the test may go on in this process
            traceback.print_exc()
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(ended) == 0
    return False
