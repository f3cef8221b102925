"""Sealed files in a folder of this machine."""

import os
from pathlib import Path

from obstore.store import LocalStore

from halfdoor.messaging.media_store import BlobStoreUnavailableError
from halfdoor.store.backup.disk import sync
from halfdoor.store.blobs.objects import ObjectBlobs


def folder_blobs(folder: Path) -> ObjectBlobs:
    """Return the blobs in *folder*, made if it is not there; `BlobStoreUnavailableError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BlobStoreUnavailableError(f"{folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise BlobStoreUnavailableError(f"{folder} may not be written by this user")

    def settle(name: str) -> None:
        # The library writes and renames, and leaves it to the system when that reaches the disk.
        path = folder / name
        sync(path)
        for above in path.parents:
            sync(above)
            if above == folder:
                break

    def tidy(name: str) -> None:
        # What the library writes to before the blob has its name.
        (folder / f"{name}#1").unlink(missing_ok=True)

    return ObjectBlobs(LocalStore(prefix=folder), str(folder), settle=settle, tidy=tidy)
