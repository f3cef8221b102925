"""The embedded database: one writer with group commit, a few readers (SCALE §1 and §3)."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from halfdoor.store.sqlite.connect import open_writer
from halfdoor.store.sqlite.lanes import FunctionLane, Lane, Side
from halfdoor.store.sqlite.readers import Readers
from halfdoor.store.sqlite.writer import Writer

T = TypeVar("T")


class Database:
    """One SQLite file for conversations and people, or one file for each of the two sides.

    The files' schema must be up to date (`migrate`), and no other process may write to them
    (`lockfile`). Errors: `StoreUnavailableError`, `DamagedStoreError`, `StoreClosedError`, and
    whatever a function given to it raises.
    """

    def __init__(self, conv_path: Path, user_path: Path | None = None, *, readers: int = 2) -> None:
        people_path = user_path or conv_path
        self._paths = {conv_path, people_path}
        conversations = open_writer(conv_path)
        people = conversations if people_path == conv_path else open_writer(people_path)
        self.shared = people is conversations
        self._readers = Readers(
            {Side.CONVERSATIONS: conv_path, Side.PEOPLE: people_path}, threads=readers
        )
        self._writer = Writer(conversations, people)
        self._functions = {side: FunctionLane(side) for side in Side}

    async def write(
        self, function: Callable[[sqlite3.Connection], T], side: Side = Side.PEOPLE
    ) -> T:
        """Run *function* in a transaction on the writer thread and return after it is durable.

        Other writes share the transaction. What *function* raises undoes its own statements
        only and is raised here. It may be run a second time after a neighbour failed, so it
        must have no effect but on the connection, and must not commit. It must not block.
        """
        result: T = await self._writer.submit(self._functions[side], function)
        return result

    def write_in(self, lane: Lane, item: Any, *, brief: bool = False) -> "asyncio.Future[Any]":
        """Write *item* in *lane*; the answer is its outcome, once that is durable.

        A *brief* one writes a few rows: its statements may run in the event loop.
        """
        return self._writer.submit(lane, item, brief=brief)

    async def read(
        self, function: Callable[[sqlite3.Connection], T], side: Side = Side.PEOPLE
    ) -> T:
        """Run *function* on a read-only connection in a reader thread; it sees one moment."""
        return await self._readers.run(side, function)

    async def checkpoint(self) -> bool:
        """Empty the logs into the files, so that what was overwritten is gone from both.

        Returns False if a reader stood in the way; then it has to be asked again.
        """
        # Most of it beside the traffic, so that the writer stands still for the rest alone.
        await asyncio.get_running_loop().run_in_executor(None, _settle, self._paths)
        return await self._writer.checkpoint()

    @property
    def waiting(self) -> int:
        """How many writes are queued."""
        return self._writer.waiting

    async def close(self) -> None:
        """Make everything queued durable, then close all connections."""
        # The writer last: whoever closes last moves the log into the file, and a reader cannot.
        await self._readers.close()
        await self._writer.close()


def _settle(paths: Iterable[Path]) -> None:
    """Move the logs into the files as far as nobody is in the way; nothing is promised."""
    for path in paths:
        with contextlib.suppress(sqlite3.Error), contextlib.closing(open_writer(path)) as con:
            con.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
