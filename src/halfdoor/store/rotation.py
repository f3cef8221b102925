"""A new outer key takes the place of the old one, whatever crashes in between (SEALING §2).

1. A successor is made beside the key and is on the disk: `outer.key.new`.
2. One transaction wraps every data key under it. Before, the old file opens; after, the new one.
3. The old key is given a second name, `outer.key.old-<date>`.
4. The successor takes the name of the key, in one step.

A house that is opened in between finds both files and takes the one that opens; the same command
again begins where it ended. Nothing here ever shows a key.
"""

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from halfdoor.store.errors import OuterKeyError
from halfdoor.store.outerkey import (
    OuterKeyFile,
    OuterKeyStore,
    is_whole,
    make_key,
    outer_key_file,
    successor_path,
    sync_folder,
)

OLD: Final = ".old-"


# Wraps every data key under the key it is given, all in one transaction; returns how many.
Rewrap = Callable[[OuterKeyStore], Awaitable[int]]


class Rotated(msgspec.Struct, frozen=True):
    """A rotation that is complete: where the key is, where its predecessor, how many data keys."""

    key: str
    former: str
    data_keys: int


async def rotate(key: OuterKeyFile, data_dir: Path, rewrap: Rewrap, *, now_ms: int) -> Rotated:
    """Replace the outer key *key* of *store*, or finish what was begun; `OuterKeyError`."""
    # 1. It is on the disk before anything lies under it.
    successor = prepare(key, data_dir)
    # 2. From here on the old key opens nothing of this store.
    wrapped = await rewrap(successor)
    # 3. and 4. Backups that were made before still need the old one.
    former = _keep_former(key.path, now_ms)
    try:
        successor.path.replace(key.path)
        sync_folder(key.path.parent)
    except OSError as error:
        raise OuterKeyError(
            f"the new outer key is in force and cannot be put at {key.path}: {error.strerror};"
            f" it lies at {successor.path}, and the same command again finishes this"
        ) from error
    key.reread()
    return Rotated(str(key.path), str(former), wrapped)


def prepare(key: OuterKeyFile, data_dir: Path) -> OuterKeyFile:
    """Return the successor of *key*: the one that lies beside it, else one made now."""
    if key.path.is_symlink():
        # Replacing it would replace the link, and leave the old key where the link led.
        raise OuterKeyError(f"the outer key {key.path} is a link: name the file itself")
    path = successor_path(key.path)
    if path.exists() and not is_whole(path):
        # A crash cut it short, so nothing was ever sealed under it.
        path.unlink()
    if not path.exists():
        make_key(path)
    successor = outer_key_file(path, data_dir, make=False)
    key.reread()
    return successor


def former_keys(path: Path) -> list[Path]:
    """Return the former keys that lie beside the key at *path*, the oldest first."""
    return sorted(path.parent.glob(f"{path.name}{OLD}*"))


def remove_former(path: Path) -> Sequence[Path]:
    """Overwrite and remove the former keys beside the key at *path*; return which they were."""
    found = former_keys(path)
    if any(one.samefile(path) for one in found):
        raise OuterKeyError("the rotation is not finished: run `halfdoor key rotate` once more")
    try:
        for one in found:
            with one.open("r+b") as file:
                file.write(bytes(one.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            one.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise OuterKeyError(f"a former key cannot be removed: {error.strerror}") from error
    return found


def _keep_former(path: Path, now_ms: int) -> Path:
    """Give the key at *path* a second name that says when it was replaced; return that name."""
    for former in former_keys(path):
        if former.samefile(path):
            # The name was given before a crash.
            return former
    day = datetime.fromtimestamp(now_ms / 1000, UTC)
    number = 1
    while True:
        name = f"{path.name}{OLD}{day:%Y-%m-%d}{f'-{number}' if number > 1 else ''}"
        former = path.with_name(name)
        try:
            os.link(path, former)
            sync_folder(path.parent)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise OuterKeyError(
                f"the former outer key cannot be kept as {former}: {error.strerror}; both keys are"
                " still there, and the same command again finishes this"
            ) from error
        else:
            return former
