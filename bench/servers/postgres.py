"""A PostgreSQL for one measured server: started, stopped, measured; gone at the end."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
from tests.store.postgres_server import PostgresServer

# What Synapse asks of its database; the same for everybody.
_CREATE = "CREATE DATABASE bench ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"


class Postgres:
    """One cluster with one database, durable as it comes (fsync, synchronous commits)."""

    def __init__(self, bin: Path | None) -> None:
        self._server = PostgresServer("max_connections = 100", bin=bin)
        self.folder = self._server.data
        self.port = self._server.port
        self.dsn = self._server.dsn("bench")
        self.start()
        self.version = self._ask(lambda con: con.fetchval("SHOW server_version"), "postgres")
        self._ask(lambda con: con.execute(_CREATE), "postgres")

    def start(self) -> None:
        self._server.start()

    def halt(self) -> None:
        """Stop it; its files stay."""
        self._server.control("-m", "fast", "stop")

    def drop(self) -> None:
        """Stop it and remove its files."""
        self._server.stop()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run it, with what a planner should know, until the block ends."""
        self.start()
        try:
            self._ask(lambda con: con.execute("VACUUM ANALYZE"))
            yield
        finally:
            self.halt()

    @property
    def pid(self) -> int:
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def size(self) -> int:
        return int(self._ask(lambda con: con.fetchval("SELECT pg_database_size('bench')")))

    def _ask(self, ask: Callable[[Any], Awaitable[Any]], database: str = "bench") -> Any:
        async def run() -> Any:
            con = cast(Any, await asyncpg.connect(self._server.dsn(database)))
            try:
                return await ask(con)
            finally:
                await con.close()

        return asyncio.run(run())
