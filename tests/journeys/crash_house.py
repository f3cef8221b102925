"""The deployments that crash runs are made on: their processes, and how each of them dies."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import asyncpg
from tests.bus.nats_server import NatsServer
from tests.journeys.crash_strikes import Victim
from tests.journeys.dying_node import STEPS, STEPS_EMBEDDED
from tests.journeys.mortal_postgres import MortalPostgres
from tests.journeys.node_process import Node

T = TypeVar("T")

OWNER = "halfdoor"
DATABASE = "town"
_BUS_AWAY_SECONDS = 1.0
# At these the other node knows something that the dead one told nobody, or only half of it.
STEPS_OF_TWO = ["while it commits", "after the commit", "before anybody is woken"]


@dataclass(frozen=True)
class CrashHouse:
    """Its nodes, what of it can be killed, and at which steps of a send its first node can."""

    nodes: list[Node]
    victims: list[Victim]
    steps: list[str]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where clients find it."""
        return [node.address for node in self.nodes]

    def stopped_and_recomputed(self) -> str:
        """Stop all nodes; what the doctor then finds of the chains."""
        for node in self.nodes:
            node.stop()
        return self.nodes[0].recomputed_chains()

    def last_words(self) -> str:
        """What its nodes said last."""
        return "\n".join(node.last_words() for node in self.nodes)


Deployment = Callable[[Path], contextlib.AbstractContextManager[CrashHouse]]


@contextlib.asynccontextmanager
async def in_thread(deployed: contextlib.AbstractContextManager[T]) -> AsyncIterator[T]:
    """Build and pull down in a thread what takes its time, so that clients' loops go on."""
    made = await asyncio.to_thread(deployed.__enter__)
    try:
        yield made
    except BaseException as error:
        await asyncio.to_thread(deployed.__exit__, type(error), error, error.__traceback__)
        raise
    await asyncio.to_thread(deployed.__exit__, None, None, None)


def node_victim(name: str, node: Node) -> Victim:
    """A server process that is killed, and started again on the same data and port."""
    return Victim(name, node.kill, node.start)


@contextlib.contextmanager
def on_sqlite(folder: Path) -> Iterator[CrashHouse]:
    """One server on the embedded store."""
    node = Node(folder)
    node.start()
    try:
        yield CrashHouse([node], [node_victim("server", node)], STEPS_EMBEDDED)
    finally:
        node.end()


@contextlib.contextmanager
def on_postgres(folder: Path) -> Iterator[CrashHouse]:
    """One server on a PostgreSQL of its own; either may die."""
    with postgres_town() as server:
        node = Node(folder, more=database_settings(server, folder))
        node.start()
        try:
            victims = [node_victim("server", node), *postgres_victims(server)]
            yield CrashHouse([node], victims, STEPS)
        finally:
            node.end()


@contextlib.contextmanager
def on_two_nodes(folder: Path) -> Iterator[CrashHouse]:
    """Two servers on one PostgreSQL, which wake each other by NATS; any of the four may die."""
    with postgres_town() as server:
        bus = NatsServer(folder / "nats").start()
        media = {"folder": str(folder / "media")}
        more = {**database_settings(server, folder), "bus": {"nats_url": bus.url}, "media": media}
        nodes = [
            Node(folder / f"node{number}", shared=folder / "shared", more=more)
            for number in range(2)
        ]
        try:
            for node in nodes:
                node.start()
            victims = [
                node_victim("one node", nodes[0]),
                node_victim("the other node", nodes[1]),
                *postgres_victims(server),
                Victim("NATS", bus.kill, lambda: _start_bus(bus), tears=False),
            ]
            yield CrashHouse(nodes, victims, STEPS_OF_TWO)
        finally:
            for node in nodes:
                node.end()
            bus.kill()


def _start_bus(bus: NatsServer) -> None:
    # Long enough for people to write while only the poll brings news.
    time.sleep(_BUS_AWAY_SECONDS)
    bus.start()


@contextlib.contextmanager
def postgres_town() -> Iterator[MortalPostgres]:
    """A PostgreSQL with an empty database, and its owner, who is no superuser."""
    server = MortalPostgres().start()
    try:
        asyncio.run(_prepare(server))
        yield server
    finally:
        server.stop()


async def _prepare(server: MortalPostgres) -> None:
    con = await asyncpg.connect(server.dsn())
    await con.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{server.password}'")
    await con.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
    await con.close()


def database_settings(
    server: MortalPostgres, folder: Path, name: str = DATABASE
) -> Mapping[str, Mapping[str, str]]:
    """The table of a node's configuration that names *server*; the password lies in *folder*."""
    password = folder / "database-password"
    folder.mkdir(parents=True, exist_ok=True)
    password.touch(mode=0o600)
    password.write_text(server.password)
    url = f"postgresql://{OWNER}@127.0.0.1:{server.port}/{name}"
    return {"database": {"url": url, "password_file": str(password)}}


def postgres_victims(server: MortalPostgres) -> list[Victim]:
    """PostgreSQL dies whole and is started again, or loses one process and restarts by itself."""
    return [
        Victim("PostgreSQL", server.kill, lambda: _start_again(server)),
        Victim(
            "one PostgreSQL process",
            server.kill_one_backend,
            lambda: _wait_until_it_answers(server),
            # Only who was served by it, or comes while the others restart, sees anything.
            tears=False,
        ),
    ]


def _start_again(server: MortalPostgres) -> None:
    server.start()


def _wait_until_it_answers(server: MortalPostgres) -> None:
    give_up = time.monotonic() + 60

    async def ask() -> None:
        con = await asyncpg.connect(server.dsn())
        await con.close()

    while True:
        try:
            asyncio.run(ask())
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return
