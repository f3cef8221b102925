"""The outer key, under which all data keys lie; the embedded default keeps it in a file."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final, Protocol, final

from halfdoor.sealing.outer import unwrap_data_key, wrap_data_key
from halfdoor.store.errors import OuterKeyError

KEY_BYTES: Final = 32


class OuterKeyStore(Protocol):
    """Whoever keeps the outer key: it wraps data keys and never hands itself out (SEALING §2)."""

    def wrap(self, generation: int, data_key: bytes) -> bytes:
        """Return *data_key* of *generation* under the outer key."""

    def unwrap(self, generation: int, blob: bytes) -> bytes:
        """Return the data key in *blob*, else `Denied`."""


@final
class OuterKeyFile:
    """The outer key as a file of 32 bytes that only its owner can read."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def wrap(self, generation: int, data_key: bytes) -> bytes:
        """Return *data_key* of *generation* under the outer key."""
        return wrap_data_key(self._key, generation, data_key)

    def unwrap(self, generation: int, blob: bytes) -> bytes:
        """Return the data key in *blob*, else `Denied`."""
        return unwrap_data_key(self._key, generation, blob)

    def __repr__(self) -> str:
        return f"OuterKeyFile({str(self.path)!r})"


def default_path() -> Path:
    """Return where the key file lies if nobody says otherwise: the owner's own configuration."""
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "halfdoor" / "outer.key"


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
        _make(path)
    return OuterKeyFile(path, _read(path))


def _make(path: Path) -> None:
    """Write a fresh key that is on the disk before anything is sealed under it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, secrets.token_bytes(KEY_BYTES))
            os.fsync(file)
        finally:
            os.close(file)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OuterKeyError(f"the outer key cannot be made at {path}: {error.strerror}") from error


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
