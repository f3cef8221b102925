"""The check of `halfdoor doctor` that compares files with the rows that name them."""

from pathlib import Path
from typing import Final

from halfdoor.apps.blobs import blobs_of
from halfdoor.apps.checks import Check
from halfdoor.config.errors import ConfigError
from halfdoor.config.media import Media
from halfdoor.messaging.media_store import BlobStore, BlobStoreUnavailableError
from halfdoor.messaging.media_sweep import KnownBlob, MediaSweepStore
from halfdoor.store.media_rows import CASES, MEDIA

_NAME: Final = "files"
_BATCH: Final = 1000
_SHOWN: Final = 3


async def files_check(store: MediaSweepStore, media: Media, data_dir: Path) -> Check:
    """Tell whether every file that a row names is there, and how many are there that none names."""
    try:
        blobs = blobs_of(media, data_dir)
    except ConfigError as error:
        return Check(_NAME, "failed", f"{error}.")
    try:
        return await compare(store, blobs)
    except BlobStoreUnavailableError as error:
        return Check(_NAME, "failed", f"{error}.", "Look at [media] in the configuration.")
    finally:
        blobs.close()


async def compare(store: MediaSweepStore, blobs: BlobStore) -> Check:
    """Compare the names and lengths of *blobs* with what *store* knows."""
    there = {name: size for folder in (MEDIA, CASES) async for name, size, _ in blobs.names(folder)}
    known, missing = 0, []
    for one in [*await _files(store), *await _copies(store)]:
        known += 1
        if there.pop(one.blob, None) != one.stored:
            missing.append(one.blob)
    if missing:
        named = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        return Check(
            _NAME,
            "failed",
            f"{len(missing)} of {known} are missing or cut off: {named}.",
            "Put them back from `blobs` in a backup; people are told that they are gone.",
        )
    # Uploads under way are among them.
    left = f", {len(there)} more that no row names: they go within days" if there else ""
    return Check(_NAME, "ok", f"{known}, all there{left}.")


async def _files(store: MediaSweepStore) -> list[KnownBlob]:
    found: list[KnownBlob] = []
    while batch := await store.known(found[-1].place if found else (-1, b""), _BATCH):
        found += batch
    return found


async def _copies(store: MediaSweepStore) -> list[KnownBlob]:
    found: list[KnownBlob] = []
    while batch := await store.known_copies(found[-1].place if found else (-1, "", ""), _BATCH):
        found += batch
    return found
