"""Looks at a database file before SQLite does: what is cut off it would take for empty or ended.

SQLite makes a new database of an empty file, throws away the log of one that is missing, and reads
the missing end of a file as zeros. None of that may happen to people's messages by itself.
"""

import sqlite3
from pathlib import Path
from typing import Final

from halfdoor.store.errors import DamagedStoreError
from halfdoor.store.sqlite.connect import named

_WHAT_TO_DO: Final = "stop, keep a copy of the folder, and restore the last good backup"
# Offsets in the header of a database file (https://www.sqlite.org/fileformat.html, §1.3).
_HEADER_BYTES: Final = 100
_PAGE_SIZE: Final = slice(16, 18)
_CHANGES: Final = slice(24, 28)
_PAGES: Final = slice(28, 32)
_VALID_FOR: Final = slice(92, 96)


def check_whole(path: Path) -> None:
    """Refuse a file that was cut or emptied (`DamagedStoreError`), and change nothing."""
    log = _size(path.with_name(f"{path.name}-wal"))
    size = _size(path)
    if size is None:
        if log:
            raise DamagedStoreError(
                f"{path} is missing, though its log is there: put the file back beside it, or"
                f" {_WHAT_TO_DO}"
            )
        return
    if size == 0:
        raise DamagedStoreError(
            f"{path} is empty: {_WHAT_TO_DO}; if nothing was ever kept in it, remove it"
        )
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if size < _HEADER_BYTES or size < _whole(header, has_log=bool(log)):
        raise DamagedStoreError(f"{path} was cut off, its end is missing: {_WHAT_TO_DO}")


def check_sound(path: Path) -> None:
    """Read all of *path*, which is open nowhere else; refuse damaged pages (`DamagedStoreError`).

    Takes as long as reading the file does.
    """
    con = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        found = con.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()
    if found != ("ok",):
        raise DamagedStoreError(f"{path} is damaged: {_WHAT_TO_DO}")


def _whole(header: bytes, *, has_log: bool) -> int:
    """Return the least size in bytes of the file that begins with *header*."""
    page = int.from_bytes(header[_PAGE_SIZE], "big")
    page = 65_536 if page == 1 else page
    # The end of the file may still lie in the log; then SQLite itself knows how much there must be.
    if has_log or header[_CHANGES] != header[_VALID_FOR]:
        return page
    return page * int.from_bytes(header[_PAGES], "big")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
