"""Sealed files go along with the rows that name them: into a backup, out of it, to another place.

A backup holds each blob once, under the name it has in the house, beside the parts. It is sealed
with a key of its own that only sealed rows hold, so it is copied as it is, and compared with the
digest that its row has.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from halfdoor.messaging.media_store import (
    BlobStore,
    BlobStoreUnavailableError,
    MediaState,
    NoBlobError,
)
from halfdoor.store.backup.errors import DamagedBackupError
from halfdoor.store.backup.folder import BackupFolder
from halfdoor.store.backup.origins import BackupOrigin
from halfdoor.store.backup.source import Progress, Rows, Table, nothing_told
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.media_rows import CASES, MEDIA

FOLDER: Final = "blobs"
# Of each table whose rows name blobs: the state in which they do.
_WHOLE: Final = {"people.media": int(MediaState.READY), "people.case_blob": 1}
_COLUMNS: Final = ("state", "blob", "stored", "digest")


class Named(NamedTuple):
    """A blob that a row names, its length, and the SHA-256 of its bytes."""

    blob: str
    stored: int
    digest: bytes


class Copied(NamedTuple):
    """What came of a copy: how many blobs there are, how many bytes were copied, what is amiss.

    *missing* are blobs that a row names and that are not there, or not what the row says.
    """

    blobs: int = 0
    bytes_copied: int = 0
    missing: int = 0


class RowsOfTables(Protocol):
    """Whoever has the rows of a house: its store, or a backup of it."""

    @property
    def tables(self) -> Sequence[Table]:
        """The tables of its schema."""

    def rows(self, table: Table) -> AsyncIterator[Rows]:
        """Return all rows of *table*, some at a time."""


# What brings the blobs along that the rows of a house name.
Files = Callable[[RowsOfTables], Awaitable[Copied]]


async def no_files(_rows: RowsOfTables) -> Copied:
    """Bring nothing along."""
    return Copied()


def blobs_in(folder: Path) -> Path:
    """Return where the blobs of a backup lie."""
    return folder / FOLDER


async def named_blobs(source: RowsOfTables) -> AsyncIterator[Named]:
    """Yield every blob that a row of *source* names."""
    for table in source.tables:
        if table.section not in _WHOLE:
            continue
        places = [table.columns.index(column) for column in _COLUMNS]
        async for batch in source.rows(table):
            for row in batch:
                state, blob, stored, digest = (row[at] for at in places)
                if state == _WHOLE[table.section]:
                    yield Named(blob, stored, bytes(digest))


async def copy_blobs(
    source: RowsOfTables, origin: BlobStore, target: BlobStore, progress: Progress = nothing_told
) -> Copied:
    """Bring every blob that *source* names from *origin* to *target*; what is there stays.

    One that is missing, or not what its row says, is counted and left out: the rest is worth
    keeping.
    """
    done = Copied()
    async for one in named_blobs(source):
        copied, amiss = 0, False
        with _reached():
            if await target.size(one.blob) != one.stored:
                amiss = not await _copy(one, origin, target)
                copied = 0 if amiss else one.stored
        done = Copied(done.blobs + 1, done.bytes_copied + copied, done.missing + amiss)
        progress("copying files", done.blobs, None)
    return done


async def check_blobs(
    source: RowsOfTables, blobs: BlobStore, progress: Progress = nothing_told
) -> int:
    """Read every blob that *source* names; return how many; `DamagedBackupError` for a bad one."""
    count = 0
    async for one in named_blobs(source):
        with _reached():
            is_whole = await _is_whole(one, blobs)
        if not is_whole:
            raise DamagedBackupError(
                f"the file {one.blob} is missing or was changed: use another copy of this backup"
            )
        count += 1
        progress("verifying files", count, None)
    return count


async def forget_blobs(folder: BackupFolder, blobs: BlobStore) -> int:
    """Delete the blobs of a backup that none of its manifests names; return how many."""
    wanted: set[str] = set()
    for number in folder.numbers():
        origin = BackupOrigin(folder, folder.manifest(number)[1], nothing_told)
        wanted |= {one.blob async for one in named_blobs(origin)}
    unnamed = [
        name
        for kind in (MEDIA, CASES)
        async for name, _, _ in blobs.names(kind)
        if name not in wanted
    ]
    for name in unnamed:
        await blobs.delete(name)
    return len(unnamed)


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    """Let what is wrong with a place of blobs be said as other faults of a store are."""
    try:
        yield
    except BlobStoreUnavailableError as error:
        raise StoreUnavailableError(f"{error}") from error


async def _copy(one: Named, origin: BlobStore, target: BlobStore) -> bool:
    """Copy one blob; tell whether it is there now as its row says."""
    # What was cut off by an older fault would stand in the way.
    await target.delete(one.blob)
    try:
        stored = await target.put(one.blob, origin.read(one.blob))
    except NoBlobError:
        return False
    if (stored.size, stored.digest) == (one.stored, one.digest):
        return True
    await target.delete(one.blob)
    return False


async def _is_whole(one: Named, blobs: BlobStore) -> bool:
    digest: Any = sha256()
    try:
        async for piece in blobs.read(one.blob):
            digest.update(piece)
    except NoBlobError:
        return False
    return bool(digest.digest() == one.digest)
