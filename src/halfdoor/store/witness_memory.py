"""What a witness remembers, in one small SQLite file: durable before it vouches for anything.

It is made once, with the key: a witness that lost it must not go on, since it would vouch for a
second history. Whoever shares the file decides by compare-and-set, also from another process.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Final, Self, TypeVar, final

from halfdoor.store.errors import StoreUnavailableError, WitnessMemoryError
from halfdoor.store.outerkey import sync_folder
from halfdoor.store.sqlite.statements import parse

_SQL: Final = parse((files("halfdoor.store") / "witness_memory.sql").read_text())
# "hdwm": a file of another program is never taken for a memory.
_APPLICATION: Final = 0x6864776D
_VERSION: Final = 1
_TABLES: Final = ("make_witness", "make_newest", "make_evidence")
# A log that signs forks for sport is caught by the first; it must not fill the disk.
_MOST_EVIDENCE: Final = 100
_BUSY_SECONDS: Final = 5.0

T = TypeVar("T")


@final
class WitnessMemory:
    """Implements `transparency.witnessing.WitnessStore`; `close` it in the end."""

    def __init__(self, path: Path, con: sqlite3.Connection) -> None:
        """Use `create` or `open`."""
        self._path = path
        self._con = con
        # SQLite waits for the disk; one thread of its own does, and keeps the order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="memory")

    @classmethod
    def create(cls, path: Path, vkey: str) -> None:
        """Make the empty memory of the witness *vkey* at *path*, whole or not at all.

        `WitnessMemoryError` where something is there already.
        """
        if path.exists():
            raise WitnessMemoryError(f"{path} is there already; a memory is never begun anew")
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            with _named(new), contextlib.closing(_connect(new)) as con:
                con.execute("BEGIN IMMEDIATE")
                for table in _TABLES:
                    con.execute(_SQL[table])
                con.execute(_SQL["set_own"], (vkey,))
                con.execute(f"PRAGMA application_id={_APPLICATION}")
                con.execute(f"PRAGMA user_version={_VERSION}")
                con.execute("COMMIT")
            # Never over a memory that somebody made meanwhile.
            os.link(new, path)
            new.unlink()
            sync_folder(path.parent)
        except OSError as error:
            raise WitnessMemoryError(f"{path} cannot be made: {error.strerror}") from None

    @classmethod
    def open(cls, path: Path, vkey: str) -> Self:
        """Open the memory of the witness *vkey* at *path*.

        `WitnessMemoryError` where there is none, or it is that of another witness.
        """
        if not path.is_file():
            raise WitnessMemoryError(
                f"there is no memory at {path}: a witness without it would vouch for a second"
                " history. Put it back as it was last, or begin a witness with another key"
            )
        with _named(path):
            con = _connect(path)
            try:
                _check_own(con, path, vkey)
            except BaseException:
                con.close()
                raise
        return cls(path, con)

    async def newest(self, origin: str) -> bytes | None:
        """Return the newest checkpoint vouched for, signed by its log alone, or None."""

        def read(con: sqlite3.Connection) -> bytes | None:
            row = con.execute(_SQL["newest"], (origin,)).fetchone()
            return None if row is None else row[0]

        return await self._run(read)

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        """Keep *new*, durably, if *old* is still the newest; False if not."""

        def write(con: sqlite3.Connection) -> bool:
            if old is None:
                return con.execute(_SQL["begin_with"], (origin, new)).rowcount == 1
            if old == new:
                # Nothing changes, and it is known to be the newest only if it is.
                row = con.execute(_SQL["newest"], (origin,)).fetchone()
                return row is not None and row[0] == old
            return con.execute(_SQL["replace"], (new, origin, old)).rowcount == 1

        return await self._run(write)

    async def keep_evidence(self, origin: str, ours: bytes, theirs: bytes) -> None:
        """Keep two heads of one log that cannot both be true, the first hundred of each log."""

        def write(con: sqlite3.Connection) -> None:
            [(count,)] = con.execute(_SQL["count_evidence"], (origin,))
            if count < _MOST_EVIDENCE:
                con.execute(_SQL["keep_evidence"], (origin, ours, theirs))

        await self._run(write)

    async def evidence(self) -> list[tuple[str, bytes, bytes]]:
        """Return every fork that was kept: origin, our checkpoint, the other one."""
        return await self._run(lambda con: con.execute(_SQL["evidence"]).fetchall())

    async def origins(self) -> list[str]:
        """Return the logs that were vouched for."""
        return await self._run(lambda con: [one for (one,) in con.execute(_SQL["origins"])])

    def close(self) -> None:
        """Let the file go, after what was begun."""
        self._thread.shutdown()
        self._con.close()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def do() -> T:
            with _named(self._path):
                return work(self._con)

        return await asyncio.get_running_loop().run_in_executor(self._thread, do)

    def __repr__(self) -> str:
        return f"WitnessMemory({str(self._path)!r})"


def _connect(path: Path) -> sqlite3.Connection:
    # Each statement is its own transaction; FULL and EXTRA sync file and folder before it returns.
    con = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    con.execute("PRAGMA synchronous=EXTRA")
    return con


def _check_own(con: sqlite3.Connection, path: Path, vkey: str) -> None:
    [(application,)] = con.execute("PRAGMA application_id")
    [(version,)] = con.execute("PRAGMA user_version")
    if application != _APPLICATION:
        raise WitnessMemoryError(f"{path} is no memory of a witness")
    if version != _VERSION:
        raise WitnessMemoryError(f"{path} was written by another version")
    if con.execute(_SQL["own"]).fetchall() != [(vkey,)]:
        raise WitnessMemoryError(f"{path} is the memory of another witness than this key's")


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise StoreUnavailableError(f"{path} cannot be used now: {error}") from None
        raise WitnessMemoryError(f"{path} is damaged or no memory of a witness") from None
