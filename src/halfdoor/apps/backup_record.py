"""What was backed up, and when: `halfdoor backup` writes it, the console's admin page shows it.

The file lies unsealed in the data directory and holds no name of a person: it is a reminder for
whoever runs the house. Whether a backup is whole is shown by `halfdoor backup --verify` alone.
"""

import contextlib
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from halfdoor.store.backup.disk import write_whole

FILE: Final = "backups.json"
_MOST_BYTES: Final = 64 * 1024
_DRILLS: Final = 20


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """One backup: its *number* in *folder*, when it was *made* (ms), and how much is in it.

    *size* is what its parts take on the disk, in bytes; *store* is where its rows came from.
    """

    folder: str
    number: int
    made: int
    store: str
    rows: int
    parts: int
    size: int


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """That a backup was read part by part at *at* (ms), and whether all of it was *whole*."""

    at: int
    folder: str
    number: int | None
    whole: bool


class BackupRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The newest backup that was made, and the last readings of one, newest first."""

    last: Copy | None = None
    drills: tuple[Drill, ...] = ()


def read_record(data_dir: Path) -> BackupRecord | None:
    """Return what is written down in *data_dir*; None where nothing is, or nothing readable."""
    try:
        with (data_dir / FILE).open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=BackupRecord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def note_backup(data_dir: Path, copy: Copy) -> None:
    """Write down that *copy* was made; making one reads all of it again, so that is a drill too."""
    whole = Drill(at=copy.made, folder=copy.folder, number=copy.number, whole=True)
    _write(data_dir, replace(_with_drill(data_dir, whole), last=copy))


def note_drill(data_dir: Path, drill: Drill) -> None:
    """Write down that somebody read a backup."""
    _write(data_dir, _with_drill(data_dir, drill))


def _with_drill(data_dir: Path, drill: Drill) -> BackupRecord:
    known = read_record(data_dir) or BackupRecord()
    return replace(known, drills=(drill, *known.drills)[:_DRILLS])


def _write(data_dir: Path, record: BackupRecord) -> None:
    # A backup that is made is made, also where no server of this machine can show it.
    with contextlib.suppress(OSError):
        write_whole(data_dir / FILE, msgspec.json.format(msgspec.json.encode(record)))
