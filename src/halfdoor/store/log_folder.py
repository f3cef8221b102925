"""A public log's files in a local folder: written once, whole or not there, readable by anyone."""

import asyncio
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from halfdoor.merkle.errors import RefusedError
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.source import CHECKPOINT, UnreachableError, most_bytes

# A file and a folder cannot share a name: the newest checkpoint lies among those of the days.
_NEWEST: Final = f"{CHECKPOINT}/latest"
_PATH: Final = re.compile(
    r"[a-z0-9][a-z0-9._-]{0,79}(?:/[a-z0-9][a-z0-9._-]{0,79}){0,15}", re.ASCII
)


@final
class FolderFiles:
    """Implements `transparency.log_store.LogFiles` and `transparency.source.Source`."""

    def __init__(self, folder: Path) -> None:
        """*folder* is made when the first file is written."""
        self._folder = folder

    async def create(self, path: str, data: bytes) -> None:
        """Write a file that is not there; `StoppedError` where it is there with other bytes.

        It is durable, name and bytes, before this returns.
        """
        await asyncio.to_thread(self._create, self._place(path), path, data)

    async def replace(self, path: str, data: bytes) -> None:
        """Write one of the few files that change, such as the newest checkpoint, at once."""
        await asyncio.to_thread(self._replace, self._place(path), data)

    async def read(self, path: str) -> bytes | None:
        """Return a file, None where there is none; `RefusedError` where it is too large."""
        return self._read(self._place(path), path)

    async def get(self, path: str) -> bytes | None:
        """Return a file as those who check a log read it; `UnreachableError` without a folder."""
        try:
            data = await self.read(path)
        except OSError as error:
            raise UnreachableError(f"{path} cannot be read: {error.strerror}") from None
        if data is None and not self._folder.is_dir():
            raise UnreachableError(f"there is no folder {self._folder}")
        return data

    def _place(self, path: str) -> Path:
        # Paths come from servers: none of them may lead out of the folder.
        if _PATH.fullmatch(path) is None:
            raise RefusedError("file-name", "it is not the path of a file of a log")
        return self._folder / (_NEWEST if path == CHECKPOINT else path)

    def _create(self, place: Path, path: str, data: bytes) -> None:
        if not self._same(place, path, data):
            new = self._written(place, data)
            try:
                # Unlike a rename, a link never takes the place of a file that is there.
                with suppress(FileExistsError):
                    os.link(new, place)
            finally:
                new.unlink()
            if not self._same(place, path, data):
                raise StoppedError(f"{path} was removed while it was written")
        _sync(place.parent)

    def _same(self, place: Path, path: str, data: bytes) -> bool:
        """Tell whether the file is there; `StoppedError` where it is another one."""
        try:
            known = place.read_bytes()
        except FileNotFoundError:
            return False
        if known != data:
            raise StoppedError(f"{path} is there with other bytes")
        return True

    def _replace(self, place: Path, data: bytes) -> None:
        self._written(place, data).replace(place)
        _sync(place.parent)

    def _written(self, place: Path, data: bytes) -> Path:
        """Return a durable file beside *place* that nobody else knows."""
        self._make(place.parent)
        # The name begins with a dot, so that no path of a log leads to it.
        new = place.with_name(f".{secrets.token_hex(8)}.new")
        opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with os.fdopen(opened, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return new

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(mode=0o755, exist_ok=True)
        _sync(folder.parent)

    def _read(self, place: Path, path: str) -> bytes | None:
        most = most_bytes(path)
        try:
            with place.open("rb") as file:
                data = file.read(most + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        if len(data) > most:
            raise RefusedError("file-size", f"{path} is longer than {most} bytes")
        return data

    def __repr__(self) -> str:
        return f"FolderFiles({str(self._folder)!r})"


def _sync(folder: Path) -> None:
    """Make the names in *folder* durable: they are part of it, not of the files."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
