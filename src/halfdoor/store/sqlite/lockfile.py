"""One process at a time: the lock on a data directory."""

import fcntl
import os
from pathlib import Path

from halfdoor.store.errors import DataInUseError, StoreUnavailableError


class DirectoryLock:
    """Holds a data directory for this process until `release`; it ends with the process."""

    def __init__(self, directory: Path) -> None:
        path = directory / "in-use.lock"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(
                f"{directory} cannot be written: check its owner and mount"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 20, 0).decode(errors="replace").strip()
            os.close(self._file)
            raise DataInUseError(
                f"{directory} is in use by process {holder or 'unknown'}: stop it first"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another process have the directory; a second time it does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
