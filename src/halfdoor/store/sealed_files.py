"""The folder of the vault: sealed files that are whole or not there, readable by their owner."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final, final

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ENDING: Final = ".sealed"


@final
class SealedFolder:
    """Implements `readers.review.sealed_files.SealedFiles`: files 0600 in a folder 0700."""

    def __init__(self, folder: Path) -> None:
        """*folder* is made when something is to be kept. Backups leave it out."""
        self._folder = folder

    async def keep(self, name: str, sealed: bytes) -> None:
        """Keep *sealed* as *name*, in place of what was there."""
        await asyncio.to_thread(self._keep, self._path(name), sealed)

    async def read(self, name: str) -> bytes | None:
        """Return what is kept as *name*, None where nothing is."""
        return await asyncio.to_thread(self._read, self._path(name))

    async def destroy(self, name: str) -> bool:
        """Remove *name* for good; tell whether it was there."""
        return await asyncio.to_thread(self._destroy, self._path(name))

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise ValueError("a sealed file has a plain name")
        return self._folder / f"{name}{_ENDING}"

    def _keep(self, path: Path, sealed: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        # A file that a crash left half written is never taken for the whole one.
        new.unlink(missing_ok=True)
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        self._sync()

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _destroy(self, path: Path) -> bool:
        # What lies on the disk afterwards is sealed: to whoever has no key it is noise.
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        self._sync()
        return True

    def _sync(self) -> None:
        """Make the folder itself durable: a name is part of it, not of the file."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __repr__(self) -> str:
        return f"SealedFolder({str(self._folder)!r})"
