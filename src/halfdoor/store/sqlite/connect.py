"""Opening SQLite connections, and the names of what can fail on them."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from halfdoor.store.errors import (
    DamagedStoreError,
    StoreError,
    StoreUnavailableError,
)

BUSY_MS: Final = 5000
# 32 MB of 4 KiB pages: checkpoints stay rare, and the log does not grow without bound (SPEED).
CHECKPOINT_PAGES: Final = 8000
CACHED_STATEMENTS: Final = 512
CACHE_KIB: Final = 16_000

_UNAVAILABLE: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: make room, nothing was lost",
    sqlite3.SQLITE_READONLY: "the data directory cannot be written: check its owner and mount",
    sqlite3.SQLITE_IOERR: "the disk answered with an error: check it, then start again",
    sqlite3.SQLITE_BUSY: "another program holds the database locked: close it",
    sqlite3.SQLITE_LOCKED: "another program holds the database locked: close it",
    sqlite3.SQLITE_CANTOPEN: "a database file cannot be opened: check the data directory",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}
_DAMAGED: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the one connection that writes to *path*; it may be used from any one thread."""
    # The file is its owner's alone, whatever the folder; SQLite gives its logs the same mode. Where
    # it cannot be made, the next line says so.
    with contextlib.suppress(OSError):
        path.touch(mode=0o600)
    con = _connect(str(path), uri=False)
    try:
        # FULL: a commit in the write-ahead log is on the disk before it is acknowledged.
        _set(con, "journal_mode", "WAL")
        _set(con, "synchronous", "FULL")
        _set(con, "wal_autocheckpoint", CHECKPOINT_PAGES)
        _set(con, "cache_size", -CACHE_KIB)
        _set(con, "foreign_keys", "ON")
        # Rows that are destroyed are overwritten, not only unlinked (SEALING §3, redaction).
        _set(con, "secure_delete", "ON")
    except sqlite3.Error as error:
        con.close()
        raise named(error) from error
    return con


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection to *path* that cannot write."""
    con = _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    _set(con, "query_only", "ON")
    return con


def schema_version(path: Path) -> int:
    """Return the number of the newest migration in *path*, which is left as it is."""
    con = open_reader(path)
    try:
        (version,) = con.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()
    return int(version)


def named(error: sqlite3.Error) -> Exception:
    """Return the error of ours that names what *error* means, or *error* itself."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return error
    # The low byte is the primary result code; the rest only refines it.
    primary = code & 0xFF
    if primary in _DAMAGED:
        return DamagedStoreError(
            "the database file is damaged: stop, keep a copy, and restore the last good backup"
        )
    if primary in _UNAVAILABLE:
        return StoreUnavailableError(f"the store cannot be used: {_UNAVAILABLE[primary]}")
    return error


def is_unavailable(error: BaseException) -> bool:
    """Tell whether *error* concerns the whole database and not one write."""
    if isinstance(error, sqlite3.Error):
        error = named(error)
    return isinstance(error, StoreError) and isinstance(
        error, StoreUnavailableError | DamagedStoreError
    )


def _connect(path: str, *, uri: bool) -> sqlite3.Connection:
    """Open *path* without the module's own transactions: ours begin and end where they say."""
    try:
        con = sqlite3.connect(
            path,
            uri=uri,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=CACHED_STATEMENTS,
        )
    except sqlite3.Error as error:
        raise named(error) from error
    _set(con, "temp_store", "MEMORY")
    return con


def _set(con: sqlite3.Connection, pragma: str, value: str | int) -> None:
    """Set a pragma; values are constants of this module."""
    con.execute(f"PRAGMA {pragma}={value}").close()
