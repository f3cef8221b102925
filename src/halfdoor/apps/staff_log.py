"""The staff log of the desk, as the accounts of staff write to it."""

from typing import final

from halfdoor.readers.review.records import StaffEntry
from halfdoor.readers.review.store import DeskChange, DeskStore


@final
class DeskLog:
    """A `StaffLog` whose lines stand in the desk's chain."""

    def __init__(self, desk: DeskStore) -> None:
        self._desk = desk

    async def note(
        self, staff: str, what: str, *, about: str | None = None, reason: str = "", now: int
    ) -> None:
        """Write a line, durably, before what it says is done."""
        line = StaffEntry(at=now, staff=staff, what=what, about=about, reason=reason)
        await self._desk.commit(DeskChange(log=(line,)))
