"""A few threads that read, each with connections that cannot write."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from halfdoor.store.sqlite.connect import named, open_reader
from halfdoor.store.sqlite.lanes import Side

T = TypeVar("T")


class Readers:
    """Runs functions of a read-only connection, each seeing one moment of the database."""

    def __init__(self, paths: dict[Side, Path], threads: int) -> None:
        self._paths = paths
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(threads, "halfdoor-reader")

    async def run(self, side: Side, function: Callable[[sqlite3.Connection], T]) -> T:
        """Return what *function* returns; errors of the database get their own names."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, side, function)

    async def close(self) -> None:
        """Let running reads finish and close the connections."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._pool.shutdown)
        for con in self._opened:
            con.close()

    def _connection(self, side: Side) -> sqlite3.Connection:
        """Return this thread's connection to *side*, opened at its first use."""
        opened: dict[Path, sqlite3.Connection] = self._local.__dict__.setdefault("opened", {})
        path = self._paths[side]
        if path not in opened:
            opened[path] = open_reader(path)
            self._opened.append(opened[path])
        return opened[path]

    def _call(self, side: Side, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run *function* in one transaction, so that its statements see the same moment."""
        try:
            con = self._connection(side)
            con.execute("BEGIN")
            try:
                return function(con)
            finally:
                # An error of the disk ends the transaction by itself.
                if con.in_transaction:
                    con.execute("COMMIT")
        except sqlite3.Error as error:
            raise named(error) from error
