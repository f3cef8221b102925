"""The checkpoints of a log as files beside its tiles, for whoever reads it from the folder."""

from typing import Final, Protocol, final

from halfdoor.clock import Clock, day_of
from halfdoor.transparency.log_store import LogState, LogStore
from halfdoor.transparency.source import CHECKPOINT, day_path

# After a start: as long ago as somebody may have been killed between publishing and showing.
_DAYS_BACK: Final = 31


class ReplacedFiles(Protocol):
    """Where the few files lie that change (`store.log_folder.FolderFiles`)."""

    async def replace(self, path: str, data: bytes) -> None:
        """Write a file in place of the one that is there, whole or not at all."""


@final
class ShownCheckpoints:
    """Writes the newest checkpoint and those of days, each once it is published and no sooner."""

    def __init__(self, store: LogStore, files: ReplacedFiles, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._days: dict[int, bytes] = {}
        self._shown_on = 0

    async def show(self, state: LogState) -> None:
        """Write what changed since it was asked last; the newest checkpoint last."""
        today = day_of(self._clock.now_ms())
        # What was published before midnight may be shown after it.
        first = min(self._shown_on, today) - 1 if self._shown_on else today - _DAYS_BACK
        for day in range(first, today + 1):
            checkpoint = await self._store.day_checkpoint(day)
            if checkpoint is not None and self._days.get(day) != checkpoint:
                await self._files.replace(day_path(day), checkpoint)
                self._days[day] = checkpoint
        self._days = {day: one for day, one in self._days.items() if day >= today - 1}
        self._shown_on = today
        if state.checkpoint:
            await self._files.replace(CHECKPOINT, state.checkpoint)
