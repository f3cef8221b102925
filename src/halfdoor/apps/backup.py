"""`halfdoor backup`, `halfdoor restore` and `halfdoor migrate`: a house is copied, whole."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.apps.backup_record import Copy, Drill, note_backup, note_drill
from halfdoor.apps.blobs import blobs_of, folder_of
from halfdoor.apps.hardening import harden
from halfdoor.apps.stores import DatabasePlace, database_place
from halfdoor.clock import SystemClock
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.messaging.media_store import BlobStoreUnavailableError
from halfdoor.store.backup import restore_postgres, restore_sqlite
from halfdoor.store.backup.blobs import (
    Copied,
    RowsOfTables,
    blobs_in,
    check_blobs,
    copy_blobs,
    forget_blobs,
)
from halfdoor.store.backup.errors import NoHouseError, UnfitFolderError
from halfdoor.store.backup.folder import open_folder, written_folder
from halfdoor.store.backup.from_postgres import Places, postgres_snapshot
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.manifest import Manifest
from halfdoor.store.backup.origins import BackupOrigin
from halfdoor.store.backup.outcome import Restored
from halfdoor.store.backup.source import Progress, Snapshot, nothing_told
from halfdoor.store.backup.verify import verify
from halfdoor.store.backup.writing import Written, check_outer_key, write_backup
from halfdoor.store.blobs.folder import folder_blobs
from halfdoor.store.blobs.objects import ObjectBlobs
from halfdoor.store.errors import StoreError, StoreUnavailableError
from halfdoor.store.outerkey import OuterKeyFile, default_path, outer_key_file
from halfdoor.store.postgres.opening import addresses
from halfdoor.store.postgres.opening import has_data as database_has_data
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.opening import CONVERSATIONS_FILE, database_paths
from halfdoor.store.sqlite.opening import has_data as folder_has_data

_NOTHING: Final = "start the server once"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A backup every part of which was read and found whole; `made` is in ms."""

    number: int
    made: int
    store: str
    rows: int
    parts: int
    files: int = 0


async def back_up(config: Config, directory: Path, keep: int, progress: Progress) -> Written:
    """Add the house of *config* as it stands now to the backup in *directory*.

    The server may run. `StoreError` says what is in the way.
    """
    harden()
    _check_apart(config, directory)
    key = _outer_key(config)
    async with _snapshot(config) as snapshot:
        await check_outer_key(snapshot, key)
        with written_folder(directory, key) as folder, _blobs_of(config) as own:
            with _blobs_in(directory) as kept:
                # Files first: one that is deleted meanwhile is named by no later backup.
                copied = await copy_blobs(snapshot, own, kept, progress)
                written = await write_backup(
                    folder,
                    snapshot,
                    progress,
                    now_ms=SystemClock().now_ms(),
                    program=version("halfdoor"),
                    keep=keep,
                )
                await forget_blobs(folder, kept)
            written = msgspec.structs.replace(
                written, files=copied.blobs, files_missing=copied.missing
            )
            _, manifest = folder.manifest(written.number)
    note_backup(config.data_dir, _copy(directory, written.number, manifest))
    return written


async def verify_backup(
    config: Config, directory: Path, number: int | None, progress: Progress
) -> Verified:
    """Read every part of a backup; `StoreError` for one that could not be restored."""
    harden()

    def note(*, whole: bool) -> None:
        place = str(directory.resolve())
        drill = Drill(at=SystemClock().now_ms(), folder=place, number=number, whole=whole)
        note_drill(config.data_dir, drill)

    try:
        folder = open_folder(directory, _outer_key(config))
        number, manifest = folder.manifest(number)
        verify(folder, manifest, progress)
        with _blobs_in(directory) as kept:
            origin = BackupOrigin(folder, manifest, nothing_told)
            files = await check_blobs(origin, kept, progress)
    except StoreError:
        # Who looks at the house must hear of a backup that would not help.
        note(whole=False)
        raise
    note(whole=True)
    return Verified(
        number=number,
        made=manifest.made,
        store=manifest.store,
        rows=manifest.rows,
        parts=len(manifest.parts),
        files=files,
    )


async def restore_backup(
    config: Config, directory: Path, number: int | None, progress: Progress
) -> Restored:
    """Put a backup where *config* says, from whichever kind of store it was made."""
    harden()
    key, clock = _outer_key(config), SystemClock()
    folder = open_folder(directory, key)
    place = database_place(config)

    async def files(rows: RowsOfTables) -> Copied:
        with _blobs_in(directory) as kept, _blobs_of(config) as own:
            return await copy_blobs(rows, kept, own, progress)

    if place is None:
        return await restore_sqlite.restore(
            folder, config.data_dir, key, progress, clock=clock, number=number, files=files
        )
    with _owned(config.data_dir):
        return await restore_postgres.restore(
            folder, _places(place), key, progress, clock=clock, number=number, files=files
        )


async def move_to_postgres(config: Config, progress: Progress) -> Restored:
    """Copy the embedded house in *config*'s data directory into its PostgreSQL.

    The server must not run. What is in the data directory stays as it is.
    """
    harden()
    place = database_place(config)
    if place is None:
        raise ConfigError("database.url", "it is missing: say where PostgreSQL is, here or --url.")
    folder = config.data_dir
    if not folder_has_data(folder):
        raise NoHouseError(f"there is no data in {folder}: name the folder with --data")
    key = _outer_key(config)

    async def files(rows: RowsOfTables) -> Copied:
        # Where both have the same place, each is met where it shall be.
        with _blobs_under(folder_of(config.media, folder)) as old, _blobs_of(config) as own:
            return await copy_blobs(rows, old, own, progress)

    with _owned(folder), SqliteSnapshot(_paths(folder)) as snapshot:
        return await restore_postgres.move(
            snapshot, _places(place), key, progress, clock=SystemClock(), files=files
        )


def _copy(directory: Path, number: int, manifest: Manifest) -> Copy:
    return Copy(
        folder=str(directory.resolve()),
        number=number,
        made=manifest.made,
        store=manifest.store,
        rows=manifest.rows,
        parts=len(manifest.parts),
        size=sum(part.size for part in manifest.parts.values()),
    )


def _check_apart(config: Config, directory: Path) -> None:
    """Refuse a backup that would go down with the data, or that would lie with its key."""
    there = directory.resolve()
    if there.is_relative_to(config.data_dir.resolve()):
        raise UnfitFolderError(
            f"{directory} lies inside the data directory and would be lost with it: name another"
        )
    key = (config.outer_key_file or default_path()).expanduser().resolve()
    if key.is_relative_to(there):
        raise UnfitFolderError(
            f"the outer key {key} lies inside {directory}, so whoever copies one has both: name"
            " another folder"
        )


@contextlib.asynccontextmanager
async def _snapshot(config: Config) -> AsyncIterator[Snapshot]:
    place = database_place(config)
    if place is None:
        folder = config.data_dir
        if not folder_has_data(folder):
            raise NoHouseError(f"there is no data in {folder} yet: {_NOTHING}")
        with SqliteSnapshot(_paths(folder)) as embedded:
            yield embedded
        return
    if not await database_has_data(place.url, place.password):
        raise NoHouseError(f"there is no data in the database yet: {_NOTHING}")
    async with postgres_snapshot(_places(place)) as served:
        yield served


@contextlib.contextmanager
def _blobs_of(config: Config) -> Iterator[ObjectBlobs]:
    """Lend the files of a house."""
    blobs = blobs_of(config.media, config.data_dir)
    with contextlib.closing(blobs):
        yield blobs


def _blobs_in(directory: Path) -> contextlib.AbstractContextManager[ObjectBlobs]:
    """Lend the files of a backup."""
    return _blobs_under(blobs_in(directory))


@contextlib.contextmanager
def _blobs_under(folder: Path) -> Iterator[ObjectBlobs]:
    try:
        blobs = folder_blobs(folder)
    except BlobStoreUnavailableError as error:
        raise StoreUnavailableError(f"{error}") from error
    with contextlib.closing(blobs):
        yield blobs


def _paths(folder: Path) -> tuple[Path, Path]:
    return database_paths(folder, two_files=(folder / CONVERSATIONS_FILE).exists())


def _places(place: DatabasePlace) -> Places:
    return addresses(place.url, place.people_url, place.password)


def _outer_key(config: Config) -> OuterKeyFile:
    """Return the key that is there; a fresh one would open nothing."""
    return outer_key_file(config.outer_key_file or default_path(), config.data_dir, make=False)


@contextlib.contextmanager
def _owned(data_dir: Path) -> Iterator[None]:
    """Keep a data directory for this process: no server of it runs meanwhile."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailableError(f"{data_dir} cannot be made: {error.strerror}") from error
    lock = DirectoryLock(data_dir)
    try:
        yield
    finally:
        lock.release()
