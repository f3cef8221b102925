"""Restores a backup into a data directory: whole, checked, and only then in its place."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.clock import Clock
from halfdoor.store.backup.blobs import Files, no_files
from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.disk import sync, write_whole
from halfdoor.store.backup.errors import OccupiedError
from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.into_sqlite import check_file, fill
from halfdoor.store.backup.manifest import Manifest
from halfdoor.store.backup.origins import BackupOrigin
from halfdoor.store.backup.outcome import Restored, check_chain, check_equal
from halfdoor.store.backup.source import Progress, nothing_told, tallies
from halfdoor.store.backup.verify import verify
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.sqlite.audit import chains
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.opening import RESTORING, database_paths, has_data, open_store
from halfdoor.store.sqlite.restores import count_restore

_COMPLETE: Final = "complete"
_REMOVED: Final = ".restored"


async def restore(
    folder: BackupFolder,
    data_dir: Path,
    outer_key: OuterKeyStore,
    progress: Progress,
    *,
    clock: Clock,
    number: int | None = None,
    two_files: bool = False,
    files: Files = no_files,
) -> Restored:
    """Put a backup of *folder*, the newest unless *number* says another, into *data_dir*.

    The backup is verified before anything is made. `OccupiedError` where there is data already,
    `DamagedBackupError` and what else a folder raises, `DataInUseError`, `StoreUnavailableError`.
    *files* brings along what its rows name, before the copy has its place.
    """
    number, manifest = folder.manifest(number)
    _check_free(data_dir)
    verify(folder, manifest, progress)
    with _locked(data_dir):
        work = data_dir / RESTORING
        if (work / _COMPLETE).exists():
            # An earlier run was killed while it gave the files their names.
            done = msgspec.json.decode((work / _COMPLETE).read_bytes(), type=Restored)
        else:
            _check_free(data_dir)
            with _fresh(work):
                paths = database_paths(work, two_files=two_files)
                await _copy(folder, manifest, paths, progress)
                restores = count_restore(paths[1], least_count(clock.now_ms()))
                conversations = await _audit(work, outer_key, progress, clock, two_files=two_files)
                copied = await files(BackupOrigin(folder, manifest, nothing_told))
            done = Restored(
                number=number,
                made=manifest.made,
                rows=manifest.rows,
                conversations=conversations,
                restores=restores,
                files=copied.blobs,
                files_missing=copied.missing,
            )
            write_whole(work / _COMPLETE, msgspec.json.encode(done))
            sync(work)
        _put_in_place(work, data_dir)
        return done


def _check_free(data_dir: Path) -> None:
    """Refuse a folder that holds a house; what an earlier restore left there is none."""
    if (data_dir / RESTORING / _COMPLETE).exists():
        return
    # A log without its database would be taken for the log of the one that is put there.
    if has_data(data_dir) or any(data_dir.glob("*.db-*")):
        raise OccupiedError(
            f"{data_dir} holds data, and a restore never puts anything over it: name another"
            " folder with --data, or move that data away yourself"
        )


async def _copy(
    folder: BackupFolder, manifest: Manifest, paths: tuple[Path, Path], progress: Progress
) -> None:
    """Write the rows, and compare what can be read back with what the backup says."""
    origin = BackupOrigin(folder, manifest, progress)
    await fill(paths, origin)
    for path in dict.fromkeys(paths):
        progress(f"checking {path.name}", 0, None)
        check_file(path)
    with SqliteSnapshot(paths) as copy:
        check_equal(origin.figures(), await tallies(copy, progress))


async def _audit(
    work: Path, outer_key: OuterKeyStore, progress: Progress, clock: Clock, *, two_files: bool
) -> int:
    """Open the copy as a server would and recompute every chain; return how many there are."""
    store = open_store(work, outer_key, two_files=two_files, clock=clock)
    try:
        count = 0
        for report in chains(store):
            check_chain(report.conv, report.detail, ok=report.ok)
            count += 1
            progress("recomputing chains", count, None)
        return count
    finally:
        await store.close()


def _put_in_place(work: Path, data_dir: Path) -> None:
    """Give the files their names. Killed at any point, the next run goes on here."""
    # A closed database is one file; a log that lies beside it would belong to another.
    for path in sorted(work.glob("*.db")):
        path.replace(data_dir / path.name)
    sync(data_dir)
    # The note goes with the folder in one step, and only then piece by piece.
    removed = data_dir / _REMOVED
    if removed.exists():
        shutil.rmtree(removed)
    work.rename(removed)
    sync(data_dir)
    shutil.rmtree(removed)


@contextlib.contextmanager
def _fresh(work: Path) -> Iterator[None]:
    """Make the folder *work* anew; it goes if what is done in it fails."""
    if work.exists():
        shutil.rmtree(work)
    work.mkdir(mode=0o700)
    try:
        yield
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


@contextlib.contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailableError(f"{data_dir} cannot be made: {error.strerror}") from error
    lock = DirectoryLock(data_dir)
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"{data_dir} cannot be used: {error.strerror}") from error
    finally:
        lock.release()
