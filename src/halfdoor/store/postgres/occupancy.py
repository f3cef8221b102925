"""Who serves from a database: one process that has it for itself, or several with a bus (0013)."""

import asyncio
import contextlib
import logging
from typing import Any, Final, final

from halfdoor.store.errors import DataInUseError, StoreError
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.connect import Connection, named, open_one
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("server_maintenance")
_log: Final = logging.getLogger("halfdoor.store")

# A process that was killed a moment ago may still be on the server's list.
WAIT_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.2
_ALONE: Final = (
    "another Halfdoor process serves from this database: stop it, or give all of them the same"
    " message bus ([bus] nats_url)"
)
_TOGETHER: Final = (
    "another Halfdoor process has this database for itself, because it has no message bus: stop"
    " it, or give it the same [bus] nats_url"
)
_LOST: Final = "the hold on the database was lost and is being taken again"
_TAKEN: Final = (
    "another process served from this database meanwhile, so that what this one remembers is old:"
    " restart this one"
)


@final
class Occupancy:
    """Holds the people's database, *alone* or together with others, by a session lock.

    The lock lives as long as a connection of its own. While that is lost, nothing is served: the
    next holder may write what this process does not see. It is taken again in the background.
    """

    def __init__(self, address: Address, database: Database, *, alone: bool) -> None:
        self._address = address
        self._database = database
        self._alone = alone
        self._con: Connection | None = None
        self._tenure = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        # How often the hold was lost, for metrics.
        self.losses = 0

    async def take(self, wait_seconds: float = WAIT_SECONDS) -> None:
        """Take the database; `DataInUseError` where somebody else does not let us.

        `StoreUnavailableError` where the server cannot be reached.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_seconds
        while not await self._try():
            if loop.time() >= deadline:
                raise DataInUseError(_ALONE if self._alone else _TOGETHER)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def close(self) -> None:
        """Let go."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._con is not None:
            con, self._con = self._con, None
            await con.close()

    async def _try(self) -> bool:
        """Tell whether the lock could be taken now."""
        con = await open_one(self._address)
        try:
            await con.fetchrow(_SQL["notice_dead_peers"])
            taken = await con.fetchval(_SQL["occupy_alone" if self._alone else "occupy_together"])
            if taken:
                await self._settle(con)
        except BaseException as error:
            con.terminate()
            if isinstance(error, Exception):
                raise named(error) from error
            raise
        if not taken:
            await con.close()
        return bool(taken)

    async def _settle(self, con: Connection) -> None:
        """Begin to serve, or go on, if nobody served from here meanwhile."""
        if self._tenure == 0 or not self._alone:
            self._tenure = await con.fetchval(_SQL["begin_tenure"])
        elif await con.fetchval(_SQL["tenure"]) != self._tenure:
            # Nothing that is remembered can be believed: the lock is held, and nothing served.
            self._refuse(_TAKEN)
            self._con = con
            return
        self._con = con
        con.add_termination_listener(self._lost)
        self._database.refusal = None

    def _lost(self, con: Any) -> None:
        if self._closing or con is not self._con:
            return
        self.losses += 1
        self._con = None
        self._refuse(_LOST)
        self._task = asyncio.get_running_loop().create_task(self._regain(), name="halfdoor-hold")

    async def _regain(self) -> None:
        while True:
            try:
                if await self._try():
                    return
                self._refuse(_ALONE if self._alone else _TOGETHER)
            except (StoreError, OSError):
                # The server is away; every request says so.
                pass
            await asyncio.sleep(_PAUSE_SECONDS)

    def _refuse(self, why: str) -> None:
        if self._database.refusal != why:
            _log.critical("nothing is served: %s", why)
        self._database.refusal = why

    def __repr__(self) -> str:
        return f"Occupancy(alone={self._alone})"
