"""How far a long command is: a line that moves on a terminal, plain lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from halfdoor.cli.speech import tell

_SECONDS: Final = 10.0

Told = Callable[[str, int, int | None], None]


@contextlib.contextmanager
def shown_progress() -> Iterator[Told]:
    """Yield what takes what is being done, how much of it is done, and of how much; to stderr."""
    if not sys.stderr.isatty():
        yield _Lines().tell
        return
    from rich.console import Console  # noqa: PLC0415  (only who has a terminal pays for it)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        yield _Bars(bars).tell


class _Bars:
    """One line that moves."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._task = bars.add_task("beginning", total=None)
        self._what = ""

    def tell(self, what: str, done: int, of: int | None) -> None:
        """Show how far it is."""
        if what != self._what:
            self._what = what
            self._bars.reset(self._task)
        self._bars.update(self._task, description=what, completed=done, total=of)


class _Lines:
    """A line for each thing that is done, and one now and then for what takes long."""

    def __init__(self) -> None:
        self._what = ""
        self._last = 0.0

    def tell(self, what: str, done: int, of: int | None) -> None:
        """Say so where it is news."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._last = what, now
            tell(what)
        elif now - self._last >= _SECONDS:
            self._last = now
            tell(f"{what}: {done}" if of is None else f"{what}: {done} of {of}")
