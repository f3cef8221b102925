"""Houses in PostgreSQL: each has databases of its own on one server."""

import asyncio
import re
import uuid
from pathlib import Path
from typing import Any, Self

import asyncpg
from tests.store.making import StoppedClock
from tests.store.postgres_server import PostgresServer

from halfdoor.store.outerkey import OuterKeyFile, outer_key_file
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.lineage import count_restore
from halfdoor.store.postgres.migrate import migrate
from halfdoor.store.postgres.opening import PostgresStore, open_store

OWNER = "halfdoor"
_TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relname != 'schema_version'
    AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
TEMPLATES = WHOLE, LEFT, RIGHT = ("empty", "empty_conversations", "empty_people")


class Postgresql:
    """The server of a test session, with empty databases ready to be copied."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._emptied: dict[str, list[str]] = {template: [] for template in TEMPLATES}

    @classmethod
    def started(cls) -> Self:
        found = cls(PostgresServer().start())
        try:
            with asyncio.Runner() as runner:
                runner.run(found._prepare())
        except BaseException:
            found.stop()
            raise
        return found

    async def _prepare(self) -> None:
        await self.command(
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{self.server.password}'",
            *(f"CREATE DATABASE {name} OWNER {OWNER}" for name in TEMPLATES),
        )
        await migrate(Address(self.dsn(WHOLE)))
        await migrate(Address(self.dsn(LEFT)), ("conversations",))
        await migrate(Address(self.dsn(RIGHT)), ("people",))

    def dsn(self, database: str) -> str:
        """Return the address of *database* for the store: as its owner, who is no superuser."""
        return self.server.dsn(database, OWNER)

    async def create(self, template: str) -> str:
        """Return the name of an empty database: one that was emptied, or a fresh copy."""
        if self._emptied[template]:
            return self._emptied[template].pop()
        name = f"test_{uuid.uuid4().hex}"
        await self.command(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template}")
        return name

    async def give_back(self, template: str, name: str) -> None:
        """Empty a database, which is ten times faster than to make another."""
        con = await asyncpg.connect(self.dsn(name))
        tables = await con.fetch(_TABLES)
        for (table,) in tables:
            await con.execute(f"DELETE FROM {table}")  # noqa: S608
        if ("lineage",) in [tuple(row) for row in tables]:
            await con.execute("INSERT INTO lineage (one, restores, mark) VALUES (1, 0, '')")
        await con.close()
        self._emptied[template].append(name)

    async def command(self, *statements: str) -> None:
        """Run statements as the superuser."""
        con = await asyncpg.connect(self.server.dsn())
        try:
            for statement in statements:
                await con.execute(statement)
        finally:
            await con.close()

    async def files(self, name: str) -> bytes:
        """Return every byte of the tables and indexes of a database."""
        await self.command("CHECKPOINT")
        con = await asyncpg.connect(self.server.dsn())
        oid = await con.fetchval("SELECT oid FROM pg_database WHERE datname = $1", name)
        await con.close()
        folder = self.server.data / "base" / str(oid)
        return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())

    def stop(self) -> None:
        self.server.stop()


class PostgresHouse:
    """A database, or one for each side, and the key that lies elsewhere."""

    store: PostgresStore

    def __init__(self, postgresql: Postgresql, folder: Path, made: dict[str, str]) -> None:
        self.postgresql = postgresql
        self.folder = folder
        self.data = folder / "data"
        self.made = made
        self.names = names = list(made.values())
        self.apart = len(names) > 1
        self.clock = StoppedClock()

    @classmethod
    async def built(cls, postgresql: Postgresql, folder: Path, *, two_databases: bool) -> Self:
        templates = (LEFT, RIGHT) if two_databases else (WHOLE,)
        made = {template: await postgresql.create(template) for template in templates}
        house = cls(postgresql, folder, made)
        await house.open()
        return house

    @property
    def addresses(self) -> tuple[str, str | None]:
        """The addresses of the conversations' side, and of the people's if it is another."""
        first, *others = (self.postgresql.dsn(name) for name in self.names)
        return first, others[0] if others else None

    @property
    def key(self) -> OuterKeyFile:
        return outer_key_file(self.folder / "keys" / "outer.key", self.data, make=True)

    async def open(self) -> PostgresStore:
        self.store = await self.open_with(self.key)
        return self.store

    async def open_with(self, key: OuterKeyFile) -> PostgresStore:
        first, people = self.addresses
        return await open_store(first, key, people=people, clock=self.clock)

    async def reopen(self) -> PostgresStore:
        await self.store.close()
        return await self.open()

    async def raw(self) -> bytes:
        return b"".join([await self.postgresql.files(name) for name in self.names])

    async def contents(self) -> object:
        found = {}
        for name in self.names:
            con = await asyncpg.connect(self.postgresql.dsn(name))
            for (table,) in await con.fetch(_TABLES):
                rows = await con.fetch(f"SELECT * FROM {table}")  # noqa: S608
                found[name, table] = [tuple(row) for row in rows]
            await con.close()
        return found

    async def change(self, statement: str, *values: object, people: bool = False) -> int:
        # The store stays open: nothing that it believes may come from its memory.
        con = await asyncpg.connect(self._dsn(people))
        done = await con.execute(_translated(statement), *values)
        await con.close()
        return int(done.split()[-1])

    async def ask(self, question: str, *values: object, people: bool = False) -> list[Any]:
        con = await asyncpg.connect(self._dsn(people))
        found = [tuple(row) for row in await con.fetch(_translated(question), *values)]
        await con.close()
        return found

    async def count_restore(self) -> int:
        return await count_restore(Address(self._dsn(people=True)))

    async def pull_down(self) -> None:
        await self.store.close()
        for template, name in self.made.items():
            await self.postgresql.give_back(template, name)

    def _dsn(self, people: bool) -> str:
        return self.postgresql.dsn(self.names[-1 if people else 0])


def _translated(statement: str) -> str:
    """Return what a test says, in the server's words."""
    numbers = iter(range(1, 99))
    statement = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
    return re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", statement)
