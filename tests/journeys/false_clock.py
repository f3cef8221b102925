"""A time of day that tests set, for processes that read it by libfaketime."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.journeys.node_process import module_environment

# `halfdoor` with this time of day.
PROGRAM = [sys.executable, "-m", "tests.journeys.faketime_node"]


class FalseClock:
    """A clock that processes read anew at every look; only time waited for stays the machine's."""

    def __init__(self, folder: Path, begins: datetime | None = None) -> None:
        """Without *begins* it shows the machine's own time until it is set."""
        self._file = folder / "clock"
        now = datetime.now(UTC)
        self._ahead = int(((begins or now) - now).total_seconds())
        self.set_forward(0)

    def set_forward(self, seconds: int) -> None:
        """Set it forward so many seconds."""
        self._ahead += seconds
        # In one step: a process may look at any moment.
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{self._ahead:+}\n")
        fresh.replace(self._file)

    def set_back(self, seconds: int) -> None:
        """Set it back so many seconds."""
        self.set_forward(-seconds)

    def environment(self, *, live: bool = True) -> dict[str, str]:
        """What lets a process see this clock; not *live* only as it stands when it starts.

        A live clock costs a look into a file each time that anything asks what time it is.
        """
        if shutil.which("faketime") is None:
            pytest.fail("faketime is missing: install Debian's package faketime")
        [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            **({"FAKETIME_NO_CACHE": "1"} if live else {"FAKETIME_CACHE_DURATION": "86400"}),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            **module_environment(),
        }
