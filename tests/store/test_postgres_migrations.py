"""A schema comes forward whole, whoever starts first; a newer one is refused and left alone."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.store.making import ALICE, BOB, found
from tests.store.postgres_houses import OWNER, PostgresHouse, Postgresql

from halfdoor.store.errors import NewerSchemaError, StoreUnavailableError
from halfdoor.store.postgres import migrate as migrating
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.migrate import SIDES, migrate, migration_files

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"


@pytest.fixture
async def fresh(postgresql: Postgresql) -> AsyncIterator[str]:
    """The address of a database without any table."""
    await postgresql.command("CREATE DATABASE bare", f"ALTER DATABASE bare OWNER TO {OWNER}")
    yield postgresql.dsn("bare")
    await postgresql.command("DROP DATABASE bare WITH (FORCE)")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations, to which a test may add."""
    copy = tmp_path / "migrations"
    shutil.copytree(Path(str(migrating._FOLDERS)), copy)
    monkeypatch.setattr(migrating, "_FOLDERS", copy)
    return copy


async def ask(address: str, question: str) -> set[str]:
    con = await asyncpg.connect(address)
    found = {str(row[0]) for row in await con.fetch(question)}
    await con.close()
    return found


@pytest.mark.parametrize("side", SIDES)
async def test_a_newer_schema_is_refused_and_left_alone(fresh: str, side: str) -> None:
    await migrate(Address(fresh))
    con = await asyncpg.connect(fresh)
    await con.execute("UPDATE schema_version SET version = 900 WHERE side = $1", side)
    await con.close()
    before = await ask(fresh, TABLES)
    with pytest.raises(NewerSchemaError, match="start that version, or restore a backup"):
        await migrate(Address(fresh))
    assert await ask(fresh, TABLES) == before
    # Whoever needs the other side alone is not concerned.
    await migrate(Address(fresh), tuple(one for one in SIDES if one != side))


async def test_a_migration_that_fails_leaves_nothing_of_any(fresh: str, folders: Path) -> None:
    await migrate(Address(fresh))
    before = await ask(fresh, TABLES)
    good, bad = folders / "people" / "0998_good.sql", folders / "people" / "0999_bad.sql"
    good.write_text("CREATE TABLE good (ub smallint PRIMARY KEY);\n")
    bad.write_text("CREATE TABLE half (ub smallint);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(asyncpg.UndefinedTableError, match="nowhere"):
        await migrate(Address(fresh))
    assert await ask(fresh, TABLES) == before
    assert "999" not in await ask(fresh, "SELECT version FROM schema_version")
    bad.write_text("CREATE TABLE whole (ub smallint);\n")
    await migrate(Address(fresh))
    assert {"good", "whole"} <= await ask(fresh, TABLES)
    assert "999" in await ask(fresh, "SELECT version FROM schema_version")


async def test_of_many_that_start_at_once_one_makes_the_tables(fresh: str) -> None:
    await asyncio.gather(*(migrate(Address(fresh)) for _ in range(6)))
    assert {"conv", "event", "inbox", "account"} <= await ask(fresh, TABLES)


async def test_each_side_has_its_own_tables(fresh: str) -> None:
    await migrate(Address(fresh), ("people",))
    made = await ask(fresh, TABLES)
    assert "inbox" in made
    assert "event" not in made


async def test_a_database_that_is_not_there_says_what_to_do(postgresql: Postgresql) -> None:
    with pytest.raises(StoreUnavailableError, match="create it"):
        await migrate(Address(postgresql.dsn("nowhere")))


async def test_a_wrong_password_says_what_to_check(postgresql: Postgresql) -> None:
    wrong = postgresql.server.dsn("empty", OWNER, "wrong")
    with pytest.raises(StoreUnavailableError, match="name or password"):
        await migrate(Address(wrong))


def test_migrations_are_numbered_once_over_both_sides() -> None:
    numbers = [file.name.split("_")[0] for side in SIDES for file in migration_files(side)]
    assert sorted(numbers) == sorted(set(numbers))


async def test_a_copy_put_in_its_place_goes_on_where_no_client_has_been(
    served: PostgresHouse,
) -> None:
    at = await found(served.store, ALICE, BOB)
    before = await served.store.mailbox.position(BOB)
    await served.store.close()
    # What a restored dump brings: the rows of another database, and so its name for itself.
    await served.change("UPDATE lineage SET mark = '1:1:00000001'", people=True)
    store = await served.open()
    told = await store.mailbox.tell(BOB, 7, at.conv)
    assert before < (1 << 40) < told.pos
    # Seen once: the next start changes nothing.
    store = await served.reopen()
    assert (await store.mailbox.tell(BOB, 7, at.conv)).pos == told.pos + 1
