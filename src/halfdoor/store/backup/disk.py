"""Files that are whole as soon as they have their names, and still there after a power cut."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

# What a run that was killed leaves behind begins so.
UNFINISHED: Final = ".new-"


def write_whole(path: Path, content: bytes) -> None:
    """Write *path*, for its owner alone; its name is durable once its folder is (`sync`)."""
    unfinished = path.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def sync(path: Path) -> None:
    """Make what is in a file, or the names in a folder, durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
