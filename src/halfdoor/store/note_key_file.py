"""The private key of a log or a witness as a file, in the text form of Go's `sumdb/note`.

One line, `PRIVATE+KEY+name+id+base64(type ‖ seed)`: what the key is for stands beside it.
"""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from halfdoor.merkle import base64_text
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import Kind
from halfdoor.merkle.signing import SigningKey
from halfdoor.store.errors import NoteKeyError
from halfdoor.store.outerkey import sync_folder

_MARK: Final = "PRIVATE+KEY+"
_SEED_BYTES: Final = 32
_MOST_BYTES: Final = 1024
_OTHERS: Final = 0o077
_PARTS: Final = 3


def make_note_key(path: Path, name: str, kind: Kind, *, outside: Path) -> SigningKey:
    """Make a fresh key called *name* at *path*, mode 0600, durable before it is returned.

    `NoteKeyError` where a file is there already, for a name that no note may hold, and for a place
    inside the folder *outside*: whoever copies the data must not have the key.
    """
    check_apart(path, outside)
    seed = secrets.token_bytes(_SEED_BYTES)
    try:
        key = SigningKey(name, kind, seed)
    except RefusedError as error:
        raise NoteKeyError(f"{name!r} cannot be the name of a key: {error.why}") from None
    line = f"{_MARK}{name}+{key.public.id.hex()}+{base64_text.text(bytes([kind]) + seed)}\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except FileExistsError:
        raise NoteKeyError(f"{path} is there already; a key is never replaced") from None
    except OSError as error:
        raise NoteKeyError(f"{path} cannot be written: {error.strerror}") from None
    return key


def read_note_key(path: Path, kind: Kind, *, outside: Path) -> SigningKey:
    """Return the key in the file at *path*, good for signatures of one *kind*.

    `NoteKeyError` where it cannot be read, others can read it, it lies inside the folder *outside*,
    or it is a key of another kind, or none.
    """
    check_apart(path, outside)
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise NoteKeyError(f"{path} cannot be read: {error.strerror}") from None
    if mode & _OTHERS:
        raise NoteKeyError(f"{path} can be read by others (mode {mode:03o}): chmod 600 {path}")
    try:
        key = _parse(data.decode().removesuffix("\n"))
    except (RefusedError, ValueError):
        # Neither the text nor why it fails is told: it may be most of a key.
        raise NoteKeyError(f"{path} holds no key of a log or a witness") from None
    if key.public.kind is not kind:
        raise NoteKeyError(f"{path} holds a key for another purpose ({key.public.name})")
    return key


def check_apart(path: Path, folder: Path) -> None:
    """Refuse a key file inside *folder*: whoever copies that has both (`NoteKeyError`)."""
    if path.expanduser().resolve().is_relative_to(folder.expanduser().resolve()):
        raise NoteKeyError(
            f"the key {path} lies inside {folder}, so whoever copies one has both: put it elsewhere"
        )


def _parse(line: str) -> SigningKey:
    parts = line.removeprefix(_MARK).split("+", _PARTS - 1)
    if not line.startswith(_MARK) or len(parts) != _PARTS:
        raise ValueError("another form")
    name, key_id, encoded = parts
    material = base64_text.parse(encoded, "key")
    key = SigningKey(name, Kind(int.from_bytes(material[:1], "big")), material[1:])
    if key.public.id.hex() != key_id:
        raise ValueError("another id")
    return key
