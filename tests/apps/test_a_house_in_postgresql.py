"""A house that lives in PostgreSQL: opened as `halfdoor up` does, looked at by the doctor."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.apps.opened_house import SERVER, ask, make
from tests.store.postgres_houses import LEFT, RIGHT, WHOLE, Postgresql

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.checks import Check
from halfdoor.apps.console_house import ConsoleHouse
from halfdoor.apps.doctor import examine
from halfdoor.apps.house import House
from halfdoor.apps.server import setting_of
from halfdoor.apps.stores import DatabasePlace
from halfdoor.apps.verbs import ShowUser
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config, Database
from halfdoor.store.errors import DataInUseError, OuterKeyError, StoreUnavailableError
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.web.console.house_values import HouseState


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


@pytest.fixture(params=["one database", "two databases"])
def config(request: pytest.FixtureRequest, postgresql: Postgresql, tmp_path: Path) -> Config:
    templates = [WHOLE] if request.param == "one database" else [LEFT, RIGHT]
    names = [asyncio.run(postgresql.create(template)) for template in templates]
    first, *others = (_without_password(postgresql.dsn(name)) for name in names)
    (tmp_path / "password").write_text(f"{postgresql.server.password}\n")
    return Config(
        server_name=SERVER,
        data_dir=tmp_path / "data",
        outer_key_file=tmp_path / "outer.key",
        database=Database(
            url=first,
            people_url=others[0] if others else None,
            password_file=tmp_path / "password",
        ),
    )


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    return dsn.replace(f":{parts.password}@", "@")


def found(config: Config, name: str) -> Check:
    return next(check for check in examine(config, chains=True) if check.name == name)


def once(config: Config, *names: str) -> None:
    """Open the house, make these people, and close it."""
    setting = setting_of(config)

    async def run() -> None:
        house = await House.open(setting)
        for name in names:
            await make(house, name, "adult")
        await house.close()

    asyncio.run(run())


def test_a_password_that_cannot_be_read_stops_the_start(config: Config, tmp_path: Path) -> None:
    (tmp_path / "password").unlink()
    with pytest.raises(ConfigError, match="password_file"):
        setting_of(config)
    assert found(config, "database").result == "failed"


def test_an_administrator_asks_the_doctor_while_the_house_is_at_work(config: Config) -> None:
    setting = setting_of(config)
    ann = StaffMember(id="stf_ann", name="Ann", roles=frozenset({"admin"}), place="DE")

    async def run() -> HouseState:
        house = await House.open(setting)
        for name in ("ada", "ben"):
            await make(house, name, "adult")
        pages = ConsoleHouse(house, config)
        await pages.examine(ann)
        state = await pages.state(ann)
        await house.close()
        return state

    state = asyncio.run(run())
    assert state.examined is not None
    assert (state.examined.accounts, state.examined.many) == (2, False)
    results = {one.title: one.result for one in state.examined.findings}
    assert results["store"] == results["staff log"] == results["wrong outer key"] == "ok"
    assert "failed" not in results.values()


def test_a_wrong_password_says_so_and_is_not_repeated(config: Config, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sparrow-in-the-attic")
    with pytest.raises(StoreUnavailableError, match="password") as caught:
        setting_of(config)
    assert "sparrow" not in str(caught.value)
    assert "sparrow" not in repr(DatabasePlace(url="postgresql://x@y/z", password="sparrow"))


def test_without_its_outer_key_the_database_stays_closed(config: Config, tmp_path: Path) -> None:
    once(config)
    (tmp_path / "outer.key").unlink()
    with pytest.raises(OuterKeyError, match="put the key back"):
        setting_of(config)
    assert not (tmp_path / "outer.key").exists()
    assert found(config, "outer key").result == "failed"


def test_two_servers_do_not_share_a_data_directory(config: Config) -> None:
    setting = setting_of(config)

    async def both() -> None:
        house = await House.open(setting)
        try:
            with pytest.raises(DataInUseError):
                await House.open(setting)
        finally:
            await house.close()

    asyncio.run(both())


def test_people_are_there_after_a_restart(config: Config) -> None:
    once(config, "ada")
    setting = setting_of(config)

    async def look() -> object:
        house = await House.open(setting)
        try:
            assert isinstance(house.store, PostgresStore)
            return await ask(house, ShowUser(user="ada"))
        finally:
            await house.close()

    assert f"@ada:{SERVER}" in str(asyncio.run(look()))


def test_the_doctor_finds_a_sound_house(config: Config) -> None:
    once(config, "ada")
    checks = examine(config, chains=True)
    assert [check for check in checks if check.result == "failed"] == []
    assert {"store", "wrong outer key", "chains"} <= {check.name for check in checks}
