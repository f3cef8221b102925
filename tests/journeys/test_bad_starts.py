"""What cannot be opened is refused in one clear sentence, with exit code 1, and left as it is."""

import asyncio
import json
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from tests.journeys.crash_house import DATABASE, OWNER, database_settings, in_thread, postgres_town
from tests.journeys.crash_load import Sender
from tests.journeys.crash_town import in_turns, settle
from tests.journeys.mortal_postgres import MortalPostgres
from tests.journeys.node_process import Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 4
TEXTS = 10
PAGE = 4096
RESTORE = "restore the last good backup"
NOTHING = f"nothing was changed: {RESTORE}"


def said(node: Node, *words: str) -> str:
    """What a command says that must fail with one sentence and nothing else."""
    form = ["--json"] if words[0] == "doctor" else []
    told = node.command(*words, *form)
    everything = told.stdout + told.stderr
    assert told.returncode == 1, everything
    assert "Traceback" not in everything
    assert "uncaught" not in everything
    if words[0] == "doctor":
        return " ".join(one["found"] for one in json.loads(told.stdout)["checks"])
    return told.stderr


async def fill(node: Node) -> None:
    """Start *node*, let a few people write, and stop it."""
    await asyncio.to_thread(node.start)

    async def write(sender: Sender) -> None:
        for room in sender.rooms * TEXTS:
            await sender.write(room)

    try:
        async with await settle([node.address], PEOPLE) as town:
            await in_turns(write(sender) for sender in town.senders)
        await asyncio.to_thread(node.stop)
    finally:
        node.end()


# -- The embedded store ---------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A house with messages in it, which is never harmed."""
    node = Node(tmp_path_factory.mktemp("whole"))
    await fill(node)
    return node


@pytest.fixture
def node(whole: Node, tmp_path: Path) -> Iterator[Node]:
    """A copy of it."""
    shutil.copytree(whole.shared, tmp_path / "shared")
    (tmp_path / "shared" / "outer.key").chmod(0o600)
    made = Node(tmp_path, shared=tmp_path / "shared")
    shutil.copytree(whole.data, made.data)
    yield made
    made.end()


def database(node: Node) -> Path:
    return node.data / "halfdoor.db"


def files(node: Node) -> dict[str, bytes]:
    """Every file of the data; the lock names the process that looked last."""
    found = {path.name: path.read_bytes() for path in node.data.iterdir() if path.is_file()}
    found.pop("in-use.lock", None)
    return found


def give_another_key(node: Node) -> None:
    node.outer_key.write_bytes(os.urandom(32))


def take_the_key(node: Node) -> None:
    node.outer_key.unlink()


def let_a_newer_version_have_written(node: Node) -> None:
    change(node, "PRAGMA user_version = 900")


def leave_a_migration_half_done(node: Node) -> None:
    # All its tables are there, and nothing that says so.
    change(node, "DELETE FROM _yoyo_migration", "PRAGMA user_version = 2")


def change(node: Node, *statements: str) -> None:
    con = sqlite3.connect(database(node))
    with con:
        for statement in statements:
            con.execute(statement)
    con.close()


def overwrite(node: Node, page: int) -> None:
    with database(node).open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * 2000)


def overwrite_the_header(node: Node) -> None:
    overwrite(node, 1)


def cut(node: Node, length: int) -> None:
    os.truncate(database(node), length)


def cut_the_last_page(node: Node) -> None:
    cut(node, database(node).stat().st_size - 1000)


def empty(node: Node) -> None:
    cut(node, 0)


def lose_all_but_the_log(node: Node) -> None:
    database(node).rename(node.data / "halfdoor.db-wal")


@pytest.mark.parametrize(
    ("harm", "sentence"),
    [
        (give_another_key, "this is not the outer key of this data: name the file"),
        (take_the_key, "there is data, but no outer key at"),
        (let_a_newer_version_have_written, "(schema 900, this one knows"),
        (overwrite_the_header, RESTORE),
        (cut_the_last_page, "was cut off, its end is missing"),
        (empty, "halfdoor.db is empty"),
        (lose_all_but_the_log, "halfdoor.db is missing, though its log is there"),
    ],
)
async def test_the_embedded_store_is_refused_and_left_as_it_is(
    node: Node, harm: Callable[[Node], None], sentence: str
) -> None:
    harm(node)
    before = files(node)
    assert sentence in said(node, "up")
    assert sentence in said(node, "doctor")
    assert files(node) == before


async def test_a_half_finished_migration_is_named_and_left_as_it_is(node: Node) -> None:
    leave_a_migration_half_done(node)
    before = files(node)
    assert f"cannot be brought up to date (table conv already exists); {NOTHING}" in said(
        node, "up"
    )
    assert files(node) == before


async def test_a_missing_key_is_not_made_anew(node: Node) -> None:
    take_the_key(node)
    assert "put the key back from its copy" in said(node, "up")
    assert not node.outer_key.exists()


@pytest.mark.parametrize("table", ["event", "account", "ustream"])
async def test_a_damaged_page_is_found_by_the_doctor_who_leaves_it_as_it_is(
    node: Node, table: str
) -> None:
    con = sqlite3.connect(database(node))
    (root,) = con.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    con.close()
    overwrite(node, root)
    before = files(node)
    assert RESTORE in said(node, "doctor", "--chains")
    assert files(node) == before


async def test_a_data_directory_in_use_is_named_with_who_uses_it(node: Node) -> None:
    node.start()
    sentence = f"{node.data} is in use by process {node.running.pid}: stop it first"
    assert sentence in said(node, "up")
    assert sentence in said(node, "doctor", "--chains")
    # Whoever has it is not disturbed.
    assert node.health() == 200
    node.stop()
    assert node.recomputed_chains() == f"{PEOPLE} conversations, every chain holds."


# -- PostgreSQL -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hosted:
    """A node whose house is a database of its own on a server that all these tests share."""

    node: Node
    server: MortalPostgres
    name: str

    async def change(self, *statements: str) -> None:
        con = await asyncpg.connect(self.server.dsn(self.name, OWNER))
        for statement in statements:
            await con.execute(statement)
        await con.close()

    async def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything in the database."""
        con = await asyncpg.connect(self.server.dsn(self.name, OWNER))
        tables = await con.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (name,) in tables:
            rows = await con.fetch(f'SELECT * FROM "{name}"')  # noqa: S608
            found[name] = sorted((tuple(row) for row in rows), key=repr)
        await con.close()
        # A database that is a copy notes that it is one when it is first looked at.
        del found["lineage"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[MortalPostgres, Path]]:
    """A PostgreSQL with a house that has messages in it, and where its keys are."""
    folder = tmp_path_factory.mktemp("hosted")
    async with in_thread(postgres_town()) as started:
        node = Node(folder, more=database_settings(started, folder))
        await fill(node)
        yield started, node.shared


@pytest_asyncio.fixture(loop_scope="module")
async def hosted(server: tuple[MortalPostgres, Path], tmp_path: Path) -> AsyncIterator[Hosted]:
    """A copy of that house."""
    started, shared = server
    con = await asyncpg.connect(started.dsn())
    name = f"copy_{abs(hash(tmp_path))}"
    await con.execute(f"CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {DATABASE}")
    await con.close()
    shutil.copytree(shared, tmp_path / "shared")
    settings = database_settings(started, tmp_path, name)
    node = Node(tmp_path, shared=tmp_path / "shared", more=settings)
    yield Hosted(node, started, name)
    node.end()


async def test_a_key_of_another_house_is_refused_by_a_database(hosted: Hosted) -> None:
    give_another_key(hosted.node)
    await check_refused(hosted, "this is not the outer key of this data: name the file")


async def test_a_database_without_its_key_gets_no_new_one(hosted: Hosted) -> None:
    take_the_key(hosted.node)
    await check_refused(hosted, "there is data, but no outer key at")
    assert not hosted.node.outer_key.exists()


async def test_a_database_of_a_newer_version_is_refused(hosted: Hosted) -> None:
    await hosted.change("UPDATE schema_version SET version = 900 WHERE side = 'people'")
    await check_refused(hosted, "people: schema 900, this one knows")


async def test_a_half_finished_migration_of_a_database_is_named(hosted: Hosted) -> None:
    await hosted.change("UPDATE schema_version SET version = 2 WHERE side = 'people'")
    before = await hosted.rows()
    sentence = f'cannot be brought up to date (relation "account" already exists); {NOTHING}'
    assert sentence in said(hosted.node, "up")
    assert await hosted.rows() == before


async def test_a_wrong_password_is_named_and_not_told(hosted: Hosted) -> None:
    (hosted.node.folder / "database-password").write_text("not the heron")
    told = said(hosted.node, "up")
    assert "the server refuses our name or password" in told
    assert "heron" not in told


async def test_a_database_that_is_not_there_is_to_be_created(hosted: Hosted) -> None:
    settings = database_settings(hosted.server, hosted.node.folder, "nowhere")
    node = Node(hosted.node.folder, shared=hosted.node.shared, more=settings)
    assert "there is no such database: create it" in said(node, "up")
    assert "there is no such database: create it" in said(node, "doctor")


async def test_a_server_that_is_not_there_cannot_be_reached(hosted: Hosted) -> None:
    await asyncio.to_thread(hosted.server.end)
    try:
        assert "PostgreSQL cannot be reached" in said(hosted.node, "up")
        assert "PostgreSQL cannot be reached" in said(hosted.node, "doctor")
    finally:
        await asyncio.to_thread(hosted.server.start)
    await asyncio.to_thread(hosted.node.start)
    await asyncio.to_thread(hosted.node.stop)


async def test_a_damaged_page_of_a_database_is_found_by_the_doctor(hosted: Hosted) -> None:
    con = await asyncpg.connect(hosted.server.dsn(hosted.name))
    file = hosted.server.data / await con.fetchval("SELECT pg_relation_filepath('event')")
    await con.close()
    await asyncio.to_thread(hosted.server.end)
    with file.open("r+b") as opened:
        opened.seek(2000)
        opened.write(b"\xa5" * 500)
    await asyncio.to_thread(hosted.server.start)
    before = file.read_bytes()
    assert "the server says that its files are damaged" in said(hosted.node, "doctor", "--chains")
    assert file.read_bytes() == before


async def check_refused(hosted: Hosted, sentence: str) -> None:
    """Neither command opens the database, and both leave it as it is."""
    before = await hosted.rows()
    assert sentence in said(hosted.node, "up")
    assert sentence in said(hosted.node, "doctor")
    assert await hosted.rows() == before
