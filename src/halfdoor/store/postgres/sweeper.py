"""Looks into the outbox about once a second: another process may have died over it (SCALE §3)."""

import asyncio
import contextlib
import logging
from typing import Final, final

from halfdoor.store.errors import StoreError
from halfdoor.store.postgres.outbox import Outbox

SECONDS: Final = 1.0
_log: Final = logging.getLogger("halfdoor.store")


@final
class Sweeper:
    """Tells people what was left to be told, until it is closed (SCALE §3)."""

    def __init__(self, outbox: Outbox, seconds: float = SECONDS) -> None:
        self._outbox = outbox
        self._seconds = seconds
        self._task = asyncio.create_task(self._run(), name="halfdoor-sweeper")

    async def close(self) -> None:
        """Stop; what lies there is met by whoever opens the store next."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self._outbox.sweep_left()
            except StoreError:
                # While the database is gone every request says so; the next turn tries again.
                continue
            except Exception:  # noqa: BLE001 - one sick entry must not end the sweep
                _log.exception("people could not be told what lies in the outbox")
