"""A PostgreSQL and a NATS server, and two nodes between them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.bus.nats_server import NatsServer
from tests.bus.two_nodes import Entity, Two, entity
from tests.store.postgres_houses import Postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL server that is started once, and removed afterwards."""
    server = Postgresql.started()
    yield server
    server.stop()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS server that runs."""
    server = NatsServer(tmp_path / "nats").start()
    yield server
    server.kill()


@pytest.fixture
async def house_site(postgresql: Postgresql, tmp_path: Path) -> AsyncIterator[Entity]:
    """An entity without nodes."""
    async with entity(postgresql, tmp_path) as found:
        yield found


@pytest.fixture(params=["bus", "no bus", "no bus, two databases"])
async def two(
    request: pytest.FixtureRequest, postgresql: Postgresql, tmp_path: Path
) -> AsyncIterator[Two]:
    """Two nodes; nothing here may depend on whether hints travel between them."""
    how: str = request.param
    server = NatsServer(tmp_path / "nats")
    if how.startswith("bus"):
        server.start()
    try:
        async with entity(postgresql, tmp_path, two_databases="two" in how) as found:
            nodes = Two(await found.node(server.url), await found.node(server.url), server)
            if how.startswith("bus"):
                await nodes.a.connected()
                await nodes.b.connected()
            yield nodes
    finally:
        server.kill()
