"""The folder of a backup: its wrapped key, its parts, its manifests, each written whole or not.

backup.key          the key of this folder, wrapped by the outer key, which is never here
parts/3f/3f09…      sealed parts, named by what is in them; one serves every manifest
manifest-000007     sealed; written last, so what is half done is named by nobody
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

from halfdoor.sealing.backup import GENERATION, BackupKey
from halfdoor.sealing.labels import Denied
from halfdoor.store.backup.disk import UNFINISHED, sync, write_whole
from halfdoor.store.backup.errors import (
    DamagedBackupError,
    NoBackupError,
    UnfitFolderError,
    UnknownFormatError,
)
from halfdoor.store.backup.manifest import (
    FORMAT,
    Manifest,
    Part,
    read_manifest,
    write_manifest,
)
from halfdoor.store.errors import OuterKeyError, StoreUnavailableError
from halfdoor.store.outerkey import KEY_BYTES, OuterKeyStore
from halfdoor.store.sqlite.lockfile import DirectoryLock

_KEY: Final = "backup.key"
_PARTS: Final = "parts"
_LOCK: Final = "in-use.lock"
_MANIFEST: Final = re.compile(r"manifest-(\d{6,})")
_HEAD: Final = re.compile(rb"halfdoor backup (\d+)\n")
_LONGEST_HEAD: Final = 40


@final
class BackupFolder:
    """Reads a backup; adds to it while `written_folder` holds its lock."""

    def __init__(self, path: Path, key: BackupKey) -> None:
        self.path = path
        self._key = key
        self._touched: set[Path] = set()

    def __repr__(self) -> str:
        return f"BackupFolder({str(self.path)!r})"

    # -- reading ---------------------------------------------------------------------------------

    def numbers(self) -> list[int]:
        """Return the numbers of the manifests that are there, oldest first."""
        found = (_MANIFEST.fullmatch(name) for name in _names(self.path))
        return sorted(int(match[1]) for match in found if match)

    def manifest(self, number: int | None = None) -> tuple[int, Manifest]:
        """Return the manifest *number*, or the newest, with its number.

        `NoBackupError`, `DamagedBackupError`, `UnknownFormatError`.
        """
        numbers = self.numbers()
        if not numbers:
            raise NoBackupError(f"no backup in {self.path} was ever finished: make it first")
        wanted = numbers[-1] if number is None else number
        if wanted not in numbers:
            known = ", ".join(map(str, numbers))
            raise NoBackupError(f"{self.path} holds no backup {wanted}, but these: {known}")
        path = self._manifest_path(wanted)
        try:
            return wanted, read_manifest(self._key.open_manifest(wanted, _after_head(path)))
        except Denied:
            raise DamagedBackupError(
                f"{path} is damaged or was changed: {_elsewhere(numbers, wanted)}"
            ) from None

    def part(self, part: Part) -> bytes:
        """Return the plaintext of a part; `DamagedBackupError` if it is not whole and its own."""
        path = self._part_path(part.name)
        try:
            # Not more than a part is ever read, whatever lies there.
            sealed = path.read_bytes() if path.stat().st_size == part.size else b""
        except FileNotFoundError:
            raise DamagedBackupError(
                f"{path} is missing: {_elsewhere(self.numbers(), 0)}"
            ) from None
        except OSError as error:
            raise _unavailable(path, error) from error
        try:
            return self._key.open(part.name, sealed)
        except Denied:
            what = "damaged or was changed" if sealed else "cut off, or longer than it was"
            raise DamagedBackupError(f"{path} is {what}: {_elsewhere(self.numbers(), 0)}") from None

    # -- writing ---------------------------------------------------------------------------------

    def keep_key(self, wrapped: bytes) -> None:
        """Keep the key of a folder that has none yet."""
        with _named(self.path):
            self.path.chmod(0o700)
            self._write(self.path / _KEY, _head() + wrapped)
            sync(self.path)

    def put(self, part: bytes) -> tuple[bytes, int, bool]:
        """Keep *part*; return its name, its size as it lies, and whether it had to be written.

        What is there already is compared byte by byte, and written anew if it is not the same.
        """
        name, sealed = self._key.seal(part)
        path = self._part_path(name)
        # What cannot be read is written anew, and that says what is wrong with the disk.
        with contextlib.suppress(OSError):
            if path.stat().st_size == len(sealed) and path.read_bytes() == sealed:
                return name, len(sealed), False
        self._write(path, sealed)
        return name, len(sealed), True

    def finish(self, manifest: Manifest) -> int:
        """Make every part durable and then the manifest that names them; return its number."""
        with _named(self.path):
            for folder in (*self._touched, self.path / _PARTS):
                sync(folder)
        self._touched.clear()
        number = max(self.numbers(), default=0) + 1
        body = self._key.seal_manifest(number, write_manifest(manifest))
        self._write(self._manifest_path(number), _head() + body)
        with _named(self.path):
            sync(self.path)
        return number

    def forget(self, keep: int) -> int:
        """Remove all manifests but the newest *keep*, then parts nobody names; return how many.

        What a killed run left unfinished is among them.
        """
        numbers = self.numbers()
        with _named(self.path):
            for number in numbers[:-keep]:
                self._manifest_path(number).unlink()
            # A part must not go before the last manifest that names it is gone for good.
            sync(self.path)
        named = {
            name.hex() for number in numbers[-keep:] for name in self.manifest(number)[1].parts
        }
        with _named(self.path):
            unnamed = [path for path in self._files() if path.name not in named]
            unnamed += [path for path in self.path.iterdir() if path.name.startswith(UNFINISHED)]
            for path in unnamed:
                path.unlink()
        return len(unnamed)

    def _files(self) -> Iterator[Path]:
        for folder in sorted((self.path / _PARTS).iterdir()):
            yield from sorted(folder.iterdir())

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file that is whole as soon as it has its name."""
        with _named(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, content)
        self._touched.add(path.parent)

    def _part_path(self, name: bytes) -> Path:
        spelled = name.hex()
        return self.path / _PARTS / spelled[:2] / spelled

    def _manifest_path(self, number: int) -> Path:
        return self.path / f"manifest-{number:06}"


def open_folder(path: Path, outer_key: OuterKeyStore) -> BackupFolder:
    """Open the backup in *path* to read it.

    `NoBackupError`, `UnknownFormatError`, `OuterKeyError` if it was made under another outer key.
    """
    file = path / _KEY
    if not file.is_file():
        raise NoBackupError(f"{path} holds no backup: name the folder that `halfdoor backup` made")
    try:
        return BackupFolder(path, BackupKey(outer_key.unwrap(GENERATION, _after_head(file))))
    except Denied:
        raise OuterKeyError(
            f"{path} was made under another outer key than this, or its {_KEY} is damaged: name"
            " the key it was made under, or put the file back from another copy of the backup;"
            " after `halfdoor key rotate` further backups need a folder of their own"
        ) from None


@contextlib.contextmanager
def written_folder(path: Path, outer_key: OuterKeyStore) -> Iterator[BackupFolder]:
    """Open the backup in *path* to add to it; a new or an empty folder becomes one.

    The errors of `open_folder`, `UnfitFolderError` where something else is in it, `DataInUseError`
    where another process writes to it, `StoreUnavailableError`.
    """
    with _named(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    is_new = not (path / _KEY).exists()
    # What a run left that was killed before its key had its name is no reason to refuse.
    if is_new and [name for name in _names(path) if not name.startswith((UNFINISHED, _LOCK))]:
        raise UnfitFolderError(f"{path} holds other things: name a new or an empty folder")
    lock = DirectoryLock(path)
    try:
        if not (path / _KEY).exists():
            folder = BackupFolder(path, BackupKey(key := secrets.token_bytes(KEY_BYTES)))
            folder.keep_key(outer_key.wrap(GENERATION, key))
        opened = open_folder(path, outer_key)
        with _named(path):
            (path / _PARTS).mkdir(exist_ok=True, mode=0o700)
        yield opened
    finally:
        lock.release()


def _head() -> bytes:
    return b"halfdoor backup %d\n" % FORMAT


def _after_head(path: Path) -> bytes:
    """Return what follows the first line of *path*, which says how the rest is written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unavailable(path, error) from error
    head = _HEAD.match(content[:_LONGEST_HEAD])
    if head is None:
        raise DamagedBackupError(f"{path} is no file of a backup: use another copy of the backup")
    if int(head[1]) != FORMAT:
        raise UnknownFormatError(
            f"{path} was written by another version of Halfdoor (form {int(head[1])}, this one"
            f" knows {FORMAT}): use that version"
        )
    return content[head.end() :]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise _unavailable(folder, error) from error


def _elsewhere(numbers: list[int], bad: int) -> str:
    """Return what to do about a backup that is not whole."""
    others = [str(number) for number in numbers if number != bad]
    told = f", or an older one here (--number {', '.join(others)})" if others else ""
    return f"use another copy of this backup{told}"


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let what the disk says about *path* be said as an error of ours."""
    try:
        yield
    except OSError as error:
        raise _unavailable(path, error) from error


def _unavailable(path: Path, error: OSError) -> StoreUnavailableError:
    return StoreUnavailableError(f"{path} cannot be used: {error.strerror}")
