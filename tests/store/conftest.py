"""One store for each configuration: every promise is kept in all of them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.store.houses import House, SqliteHouse
from tests.store.making import Store
from tests.store.postgres_houses import PostgresHouse, Postgresql

from halfdoor.store.sqlite.opening import Store as SqliteStore

EMBEDDED = ("one file", "two files")
SERVED = ("postgres", "postgres, two databases")
CONFIGURATIONS = (*EMBEDDED, *SERVED)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A PostgreSQL server that is started once, and removed afterwards."""
    server = Postgresql.started()
    yield server
    server.stop()


async def build(configuration: str, folder: Path, server: Postgresql | None) -> House:
    """Return a fresh house of *configuration*, whose store is open."""
    if server is None:
        return SqliteHouse(folder, two_files=configuration == "two files")
    return await PostgresHouse.built(server, folder, two_databases=configuration != "postgres")


@pytest.fixture(params=CONFIGURATIONS)
def site(request: pytest.FixtureRequest) -> tuple[str, Postgresql | None]:
    """A configuration, and the server it needs, which is started for the first that does."""
    configuration: str = request.param
    served = configuration in SERVED
    return configuration, request.getfixturevalue("postgresql") if served else None


@pytest.fixture
async def house(site: tuple[str, Postgresql | None], tmp_path: Path) -> AsyncIterator[House]:
    configuration, server = site
    house = await build(configuration, tmp_path, server)
    yield house
    await house.pull_down()


@pytest.fixture(params=("one file", "postgres"))
def kind(request: pytest.FixtureRequest) -> tuple[str, Postgresql | None]:
    """A configuration of each store, for long tests of what does not depend on the two sides."""
    configuration: str = request.param
    served = configuration in SERVED
    return configuration, request.getfixturevalue("postgresql") if served else None


@pytest.fixture
async def either(kind: tuple[str, Postgresql | None], tmp_path: Path) -> AsyncIterator[House]:
    """A house of each store, both sides in one database."""
    configuration, server = kind
    house = await build(configuration, tmp_path, server)
    yield house
    await house.pull_down()


@pytest.fixture
def store(house: House) -> Store:
    return house.store


@pytest.fixture(params=EMBEDDED)
async def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteHouse]:
    """A house whose store is embedded, for what only files can do."""
    house = SqliteHouse(tmp_path, two_files=request.param == "two files")
    yield house
    await house.pull_down()


@pytest.fixture
def embedded_store(embedded: SqliteHouse) -> SqliteStore:
    return embedded.store


@pytest.fixture(params=SERVED)
async def served(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: Postgresql
) -> AsyncIterator[PostgresHouse]:
    """A house whose store is in PostgreSQL, for what only a server can do."""
    house = await PostgresHouse.built(
        postgresql, tmp_path, two_databases=request.param != "postgres"
    )
    yield house
    await house.pull_down()


@pytest.fixture
def postgresql_address(postgresql: Postgresql) -> str:
    """The address of an empty database, for what is refused before anything is read."""
    return postgresql.dsn("empty")
