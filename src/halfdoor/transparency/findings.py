"""What somebody who checks a log finds out, as values."""

from enum import StrEnum

import msgspec


class Gravity(StrEnum):
    """How much a finding weighs."""

    FAILED = "failed"
    WARNING = "warning"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was found: which check, at which leaf (None: the whole log), in words."""

    check: str
    words: str
    gravity: Gravity = Gravity.FAILED
    index: int | None = None

    def __str__(self) -> str:
        where = "" if self.index is None else f" at entry {self.index}"
        return f"{self.gravity}: {self.check}{where}: {self.words}"
