"""The outer key, under which all data keys lie; the embedded default keeps it in a file."""

import os
import secrets
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, final

from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import unwrap_data_key, wrap_data_key
from halfdoor.store.errors import OuterKeyError

KEY_BYTES: Final = 32
# The key that is about to take the place of the one in force lies beside it (store/rotation.py).
NEW: Final = ".new"


class OuterKeyStore(Protocol):
    """Whoever keeps the outer key: it wraps data keys and never hands itself out (SEALING §2).

    While a key is being replaced there are two: `wrap` uses the one that `unwrap` opened with
    last, so that data keys never lie under both.
    """

    def wrap(self, generation: int, data_key: bytes) -> bytes:
        """Return *data_key* of *generation* under the outer key."""

    def unwrap(self, generation: int, blob: bytes) -> bytes:
        """Return the data key in *blob*, else `Denied`."""

    def reread(self) -> None:
        """Look again at what is kept: somebody may have replaced it."""


@final
class OuterKeyFile:
    """The outer key as a file of 32 bytes that only its owner can read.

    A successor that lies beside it counts too, once it was read (`reread`).
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._keys = [key]

    def wrap(self, generation: int, data_key: bytes) -> bytes:
        """Return *data_key* of *generation* under the outer key."""
        return wrap_data_key(self._keys[0], generation, data_key)

    def unwrap(self, generation: int, blob: bytes) -> bytes:
        """Return the data key in *blob*, else `Denied`."""
        for key in self._keys:
            try:
                found = unwrap_data_key(key, generation, blob)
            except Denied:
                continue
            # The next data key is wrapped as the others are.
            self._keys = [key, *(other for other in self._keys if other is not key)]
            return found
        raise Denied

    def reread(self) -> None:
        """Read the file again, and its successor where one lies beside it; `OuterKeyError`."""
        keys = [_read(self.path)]
        beside = successor_path(self.path)
        if beside.exists() and is_whole(beside):
            keys.append(_read(beside))
        self._keys = keys

    def __repr__(self) -> str:
        return f"OuterKeyFile({str(self.path)!r})"


def default_path() -> Path:
    """Return where the key file lies if nobody says otherwise: the owner's own configuration."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "halfdoor" / "outer.key"


def successor_path(path: Path) -> Path:
    """Return where the key lies that is about to replace the one at *path*."""
    return path.with_name(path.name + NEW)


def other_key(wrapped_at: int) -> str:
    """Return what to say where a key opens nothing; *wrapped_at* is when another took its place.

    In ms since 1970; 0 where none ever did.
    """
    if not wrapped_at:
        return "this is not the outer key of this data: name the file the data was made with"
    day = datetime.fromtimestamp(wrapped_at / 1000, UTC)
    return (
        "this is not the outer key of this data: it was replaced by `halfdoor key rotate` on"
        f" {day:%Y-%m-%d} at {day:%H:%M} UTC. Copy the key that was made then from where that was"
        f" run, and name it, or lay it beside this one with the ending {NEW}"
    )


def outer_key_file(path: Path, data_dir: Path, *, make: bool) -> OuterKeyFile:
    """Return the key at *path*; where there is none and *make* is set, make it first.

    `OuterKeyError` if it lies inside *data_dir* (a copy of the data would then hold its own
    key), if others can read it, if it is no key, or if it is missing while *make* is not set.
    """
    path = path.expanduser().absolute()
    if path.resolve().is_relative_to(data_dir.resolve()):
        raise OuterKeyError(
            f"the outer key {path} lies inside the data directory {data_dir}, so whoever copies"
            " one has both: move it elsewhere"
        )
    if not path.exists():
        if not make:
            raise OuterKeyError(
                f"there is data, but no outer key at {path}: put the key back from its copy,"
                " or name the right file; without it the data stays sealed for ever"
            )
        make_key(path)
    key = OuterKeyFile(path, _read(path))
    if successor_path(path).exists():
        key.reread()
    return key


def make_key(path: Path) -> None:
    """Write a fresh key that is on the disk before anything is sealed under it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, secrets.token_bytes(KEY_BYTES))
            os.fsync(file)
        finally:
            os.close(file)
        sync_folder(path.parent)
    except OSError as error:
        raise OuterKeyError(f"the outer key cannot be made at {path}: {error.strerror}") from error


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_whole(path: Path) -> bool:
    """Tell whether the file at *path* has the size of a key: a crash may have cut it short."""
    return path.stat().st_size == KEY_BYTES


def _read(path: Path) -> bytes:
    """Return the key in *path*, whose permissions are checked on the file that is read."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise OuterKeyError(f"the outer key {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise OuterKeyError(
            f"the outer key {path} can be read by others (mode {mode:03o}): chmod 600 {path}"
        )
    if len(key) != KEY_BYTES:
        raise OuterKeyError(f"{path} holds no outer key: one has exactly {KEY_BYTES} bytes")
    return key
