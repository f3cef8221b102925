"""Killed at any step, a backup, a restore or a move is run again, and nothing is made worse."""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.store.copies import (
    NOW,
    back_up,
    empty_places,
    figures,
    move,
    open_places,
    restore,
    restore_served,
)
from tests.store.dump_release import furnish
from tests.store.houses import SqliteHouse
from tests.store.killing import is_killed
from tests.store.making import ALICE, BOB, StoppedClock, chains, found
from tests.store.postgres_houses import Postgresql

from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.folder import open_folder
from halfdoor.store.backup.from_postgres import Places, postgres_snapshot
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.source import Progress, nothing_told
from halfdoor.store.backup.verify import verify
from halfdoor.store.errors import UnfinishedCopyError
from halfdoor.store.outerkey import OuterKeyFile
from halfdoor.store.postgres.lineage import read_restores as read_lineage
from halfdoor.store.sqlite.opening import database_paths, has_data, open_store
from halfdoor.store.sqlite.restores import read_restores

STRIDE = 1 if os.environ.get("HALFDOOR_LONG") == "1" else 3


class Made:
    """A house that is closed, and two backups of it, the second with more in it."""

    def __init__(self, folder: Path) -> None:
        house = SqliteHouse(folder, two_files=False)
        self.folder = folder
        self.key: OuterKeyFile = house.key
        self.paths = house.store.paths
        self.backup = folder / "backup"
        asyncio.run(self._make(house))

    async def _make(self, house: SqliteHouse) -> None:
        await found(house.store, ALICE, BOB)
        await back_up(house, self.backup)
        await furnish(house.store)
        await house.store.close()

    async def back_up(self, folder: Path, progress: Progress = nothing_told) -> None:
        house = SqliteHouse.__new__(SqliteHouse)
        house.folder, house.data = self.folder, self.folder / "data"
        house.store = _Paths(self.paths)  # type: ignore[assignment]
        await back_up(house, folder, keep=1, progress=progress)

    def figures(self) -> dict[str, tuple[int, bytes]]:
        with SqliteSnapshot(self.paths) as snapshot:
            return asyncio.run(figures(snapshot))


class _Paths:
    """A store that is closed: all that is known of it is where it lies."""

    def __init__(self, paths: tuple[Path, Path]) -> None:
        self.paths = paths


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("made"))


def every_step(work: Callable[[int], bool], at_least: int) -> None:
    """Kill *work* at its first step, and on until it has no more: in the long form at each."""
    step = 0
    while work(step):
        step += STRIDE
    assert step >= at_least


def test_a_killed_backup_leaves_the_one_before_and_goes_on(made: Made, tmp_path: Path) -> None:
    def one(step: int) -> bool:
        folder = tmp_path / str(step)
        shutil.copytree(made.backup, folder)
        killed = is_killed(step, lambda progress: made.back_up(folder, progress))
        opened = open_folder(folder, made.key)
        # Whatever is finished is whole; there is always one.
        for number in opened.numbers():
            verify(opened, opened.manifest(number)[1], nothing_told)
        asyncio.run(made.back_up(folder))
        opened = open_folder(folder, made.key)
        number, manifest = opened.manifest()
        assert opened.numbers() == [number]
        verify(opened, manifest, nothing_told)
        there = {path.name for path in (folder / "parts").rglob("*") if path.is_file()}
        assert there == {name.hex() for name in manifest.parts}
        assert sorted(path.name for path in folder.iterdir()) == [
            "backup.key",
            "in-use.lock",
            f"manifest-{number:06}",
            "parts",
        ]
        return killed

    every_step(one, at_least=20)


def test_a_first_backup_that_was_killed_is_made_in_the_same_folder(
    made: Made, tmp_path: Path
) -> None:
    for step in range(3):
        assert is_killed(step, lambda progress: made.back_up(tmp_path / "new", progress))
    asyncio.run(made.back_up(tmp_path / "new"))
    asyncio.run(restore(tmp_path / "new", made.key, tmp_path / "data"))


@pytest.mark.parametrize("two_files", [False, True])
def test_a_killed_restore_is_run_again_and_no_server_starts_meanwhile(
    made: Made, tmp_path: Path, two_files: bool
) -> None:
    backup = tmp_path / "backup"
    asyncio.run(made.back_up(backup))
    wanted = made.figures()

    def one(step: int) -> bool:
        data = tmp_path / f"data {step}"

        def work(progress: Progress) -> Coroutine[Any, Any, Any]:
            return restore(backup, made.key, data, two_files=two_files, progress=progress)

        killed = is_killed(step, work)
        begun = (data / "restoring").exists()
        if begun:
            # A server that started here would make an empty house, or one with half its files.
            with pytest.raises(UnfinishedCopyError, match="run `halfdoor restore` again"):
                open_store(data, made.key, two_files=two_files, clock=StoppedClock(NOW))
        if begun or not has_data(data):
            asyncio.run(work(nothing_told))
        paths = database_paths(data, two_files=two_files)
        with SqliteSnapshot(paths) as snapshot:
            assert asyncio.run(figures(snapshot)) == wanted
        store = open_store(data, made.key, two_files=two_files, clock=StoppedClock(NOW))
        assert all(one.ok for one in asyncio.run(chains(store)))
        restores = asyncio.run(store.database.read(read_restores))
        assert restores == least_count(NOW)
        asyncio.run(store.close())
        assert not (data / "restoring").exists()
        return killed

    every_step(one, at_least=10)


@pytest.mark.parametrize("what", ["restore", "move"])
def test_a_killed_copy_into_postgresql_is_run_again_and_no_server_starts_meanwhile(
    made: Made, tmp_path: Path, postgresql: Postgresql, what: str
) -> None:
    backup, wanted = tmp_path / "backup", made.figures()
    asyncio.run(made.back_up(backup))
    # One that is killed at all steps in turn: it always begins on what was left the last time.
    places = asyncio.run(empty_places(postgresql, two_databases=what == "restore"))

    def work(progress: Progress) -> Coroutine[Any, Any, Any]:
        if what == "restore":
            return restore_served(backup, made.key, places, progress=progress)
        return move(made.paths, made.key, places, progress=progress)

    def one(step: int) -> bool:
        killed = is_killed(step, work)
        if killed and step > (1 if what == "restore" else 0):
            with pytest.raises(UnfinishedCopyError, match="run the same command again"):
                asyncio.run(_open_and_close(places, made.key))
        return killed

    every_step(one, at_least=5)
    asyncio.run(_check(places, made.key, wanted))


async def _open_and_close(places: Places, key: OuterKeyFile) -> None:
    store = await open_places(places, key)
    await store.close()


async def _check(places: Places, key: OuterKeyFile, wanted: dict[str, tuple[int, bytes]]) -> None:
    async with postgres_snapshot(places) as copy:
        assert await figures(copy) == wanted
    store = await open_places(places, key)
    assert all(one.ok for one in await chains(store))
    assert await store.database.read(read_lineage) == least_count(NOW)
    await store.close()
