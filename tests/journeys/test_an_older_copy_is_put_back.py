"""A restored older copy: clients keep their tokens, begin anew when told to, and then skip nothing.

What was acknowledged after the copy was made is gone with the disk, as after any restore; what is
acknowledged afterwards reaches everybody (SCALE §1 and §3).
"""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import asyncpg
import pytest
from tests.journeys.crash_house import DATABASE, OWNER, database_settings, in_thread, postgres_town
from tests.journeys.crash_load import Reader, Sender
from tests.journeys.crash_town import Town, in_turns, settle
from tests.journeys.crash_verdict import Verdict
from tests.journeys.mortal_postgres import MortalPostgres
from tests.journeys.node_process import Node

from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.lineage import count_restore as count_restore_in_database
from halfdoor.store.sqlite.restores import count_restore

PEOPLE = 6
TEXTS = 4


class Copied(Protocol):
    """A house whose files can be copied while it is stopped, and put back."""

    node: Node

    async def copy(self) -> None:
        """Keep a copy of the stopped house."""

    async def put_back(self) -> None:
        """Put the copy in the place of the stopped house."""

    async def count(self) -> None:
        """Note that it was restored, as whoever restores must."""

    async def clear(self) -> None:
        """Lose all that is kept."""


class FolderHouse:
    """The embedded store."""

    def __init__(self, folder: Path) -> None:
        self.node = Node(folder / "node")
        self._copy = folder / "copy"

    async def copy(self) -> None:
        _copy(self.node.data, self._copy)

    async def put_back(self) -> None:
        _copy(self._copy, self.node.data)

    async def count(self) -> None:
        count_restore(self.node.data / "halfdoor.db")

    async def clear(self) -> None:
        shutil.rmtree(self.node.data)


class DatabaseHouse:
    """PostgreSQL: a folder that is copied back bears no trace of it."""

    def __init__(self, folder: Path, server: MortalPostgres) -> None:
        self.node = Node(folder / "node", more=database_settings(server, folder))
        self._server = server
        self._copy = folder / "copy"

    async def copy(self) -> None:
        await asyncio.to_thread(self._server.end)
        _copy(self._server.data, self._copy)
        await asyncio.to_thread(self._server.start)

    async def put_back(self) -> None:
        await asyncio.to_thread(self._server.end)
        _copy(self._copy, self._server.data)
        await asyncio.to_thread(self._server.start)

    async def count(self) -> None:
        await count_restore_in_database(Address(self._server.dsn(DATABASE, OWNER)))

    async def clear(self) -> None:
        con = await asyncpg.connect(self._server.dsn())
        await con.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        await con.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        await con.close()


class BackedUp:
    """Either of them, copied and put back by the commands for that."""

    def __init__(self, house: Copied, folder: Path) -> None:
        self.node = house.node
        self._house = house
        self._folder = folder / "backups"

    async def copy(self) -> None:
        await self._run("backup")

    async def put_back(self) -> None:
        await self._house.clear()
        await self._run("restore")

    async def count(self) -> None:
        """Nothing: the command has done it."""

    async def clear(self) -> None:
        await self._house.clear()

    async def _run(self, command: str) -> None:
        told = await asyncio.to_thread(self.node.command, command, str(self._folder))
        assert told.returncode == 0, told.stdout + told.stderr


def _copy(source: Path, target: Path) -> None:
    """Let *target* be what *source* is, with owners and modes."""
    subprocess.run(["rm", "-rf", str(target)], check=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@asynccontextmanager
async def in_folder(folder: Path) -> AsyncIterator[Copied]:
    yield FolderHouse(folder)


@asynccontextmanager
async def in_database(folder: Path) -> AsyncIterator[Copied]:
    async with in_thread(postgres_town()) as server:
        yield DatabaseHouse(folder, server)


@pytest.fixture(params=[in_folder, in_database], ids=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Copied]:
    built: AbstractAsyncContextManager[Copied] = request.param(tmp_path)
    async with built as made:
        await asyncio.to_thread(made.node.start)
        try:
            yield made
        finally:
            made.node.end()


async def everybody_writes(town: Town) -> None:
    async def write(sender: Sender) -> None:
        for room in sender.rooms * TEXTS:
            await sender.write(room)

    await in_turns(write(sender) for sender in town.senders)


async def everybody_reads(town: Town) -> None:
    """Let each reader take in everything that there is for it."""

    async def read(reader: Reader) -> None:
        before: tuple[str | None, int] | None = None
        while before != (now := (reader.since, sum(map(len, reader.seen.values())))):
            before = now
            await reader.sync(0)

    await in_turns(read(reader) for reader in town.readers)


async def restored(house: Copied, town: Town, *, counted: bool) -> Verdict:
    """What becomes of a house whose older copy is put back, of what was acknowledged after it."""
    await everybody_writes(town)
    await everybody_reads(town)
    await asyncio.to_thread(house.node.stop)
    await house.copy()
    await asyncio.to_thread(house.node.start)
    # What only the old disk knows: everybody has seen it, and has a token from after it.
    await everybody_writes(town)
    await everybody_reads(town)
    assert town.all_is_seen()
    house.node.kill()
    await house.put_back()
    if counted:
        await house.count()
    await asyncio.to_thread(house.node.start)
    limited = sum(reader.limited for reader in town.readers)
    town.ledger.by_room.clear()
    await everybody_writes(town)
    await everybody_reads(town)
    assert counted == (sum(reader.limited for reader in town.readers) > limited)
    found = await town.verdict()
    await asyncio.to_thread(house.node.stop)
    chains = await asyncio.to_thread(house.node.recomputed_chains)
    assert chains == f"{PEOPLE} conversations, every chain holds."
    return found


async def test_readers_whose_tokens_are_from_the_future_begin_anew_and_skip_nothing(
    house: Copied,
) -> None:
    async with await settle([house.node.address], PEOPLE) as town:
        found = await restored(house, town, counted=True)
        assert town.all_is_seen()
        assert (found.lost, found.doubled, found.skipped, found.disordered) == ((), (), (), ())


async def test_after_a_restore_by_its_own_command_nothing_is_skipped_either(
    house: Copied, tmp_path: Path
) -> None:
    async with await settle([house.node.address], PEOPLE) as town:
        found = await restored(BackedUp(house, tmp_path), town, counted=True)
        assert town.all_is_seen()
        assert (found.lost, found.doubled, found.skipped, found.disordered) == ((), (), (), ())


async def test_a_restore_that_nobody_counted_is_seen_to_skip(house: Copied) -> None:
    # Without it the same positions are given out twice: this is what counting is for.
    async with await settle([house.node.address], PEOPLE) as town:
        found = await restored(house, town, counted=False)
        assert found.skipped
        assert not town.all_is_seen()
