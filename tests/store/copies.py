"""Backups and copies of the houses of these tests."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from tests.store.houses import House, SqliteHouse
from tests.store.making import StoppedClock
from tests.store.postgres_houses import LEFT, RIGHT, WHOLE, PostgresHouse, Postgresql

from halfdoor.store.backup import restore_postgres, restore_sqlite
from halfdoor.store.backup.folder import open_folder, written_folder
from halfdoor.store.backup.from_postgres import Places, postgres_snapshot
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.outcome import Restored
from halfdoor.store.backup.source import Progress, Snapshot, nothing_told, tallies
from halfdoor.store.backup.writing import Written, write_backup
from halfdoor.store.outerkey import OuterKeyFile
from halfdoor.store.postgres.opening import PostgresStore, addresses, open_store

NOW = 1_795_000_000_000
# What a restore changes in a copy: it is counted, and what was to be told is told.
CHANGED = {"people.counter", "conversations.fanout"}


@contextlib.asynccontextmanager
async def moment(house: House) -> AsyncIterator[Snapshot]:
    """Begin to read a house, whether its store is open or not."""
    if isinstance(house, PostgresHouse):
        async with postgres_snapshot(places_of(house)) as served:
            yield served
        return
    assert isinstance(house, SqliteHouse)
    with SqliteSnapshot(house.store.paths) as embedded:
        yield embedded


def places_of(house: PostgresHouse) -> Places:
    return addresses(*house.addresses, None)


async def back_up(
    house: House, folder: Path, *, keep: int = 7, progress: Progress = nothing_told
) -> Written:
    """Make a backup of *house* in *folder*."""
    with written_folder(folder, house.key) as backup:
        async with moment(house) as snapshot:
            return await write_backup(
                backup, snapshot, progress, now_ms=NOW, program="0", keep=keep
            )


async def restore(
    folder: Path,
    key: OuterKeyFile,
    data: Path,
    *,
    number: int | None = None,
    two_files: bool = False,
    now: int = NOW,
    progress: Progress = nothing_told,
) -> Restored:
    """Restore a backup into a data directory."""
    return await restore_sqlite.restore(
        open_folder(folder, key),
        data,
        key,
        progress,
        clock=StoppedClock(now),
        number=number,
        two_files=two_files,
    )


# Databases that were handed out before: to make one takes longer than most tests do.
_used: dict[tuple[Postgresql, str], str] = {}


async def empty_places(server: Postgresql, *, two_databases: bool) -> Places:
    """Return databases that hold nothing, for one test at a time."""
    names = [await _emptied(server, one) for one in ((LEFT, RIGHT) if two_databases else (WHOLE,))]
    first, *others = (server.dsn(name) for name in names)
    return addresses(first, others[0] if others else None, None)


async def _emptied(server: Postgresql, template: str) -> str:
    name = _used.get((server, template))
    if name is None:
        # Its tables are there already, and empty.
        name = _used[server, template] = await server.create(template)
        return name
    con = await asyncpg.connect(server.dsn(name))
    await con.execute("DROP SCHEMA public CASCADE")
    await con.execute("CREATE SCHEMA public")
    await con.close()
    return name


async def restore_served(
    folder: Path,
    key: OuterKeyFile,
    places: Places,
    *,
    number: int | None = None,
    progress: Progress = nothing_told,
) -> Restored:
    """Restore a backup into PostgreSQL."""
    return await restore_postgres.restore(
        open_folder(folder, key), places, key, progress, clock=StoppedClock(NOW), number=number
    )


async def figures(snapshot: Snapshot) -> dict[str, tuple[int, bytes]]:
    """Return how many rows every table has, and their digest."""
    found = await tallies(snapshot)
    return {
        name: (tally.rows, tally.digest) for name, tally in found.items() if name not in CHANGED
    }


async def move(
    paths: tuple[Path, Path],
    key: OuterKeyFile,
    places: Places,
    *,
    progress: Progress = nothing_told,
) -> Restored:
    """Move an embedded house, which nobody has open, into PostgreSQL."""
    with SqliteSnapshot(paths) as snapshot:
        return await restore_postgres.move(snapshot, places, key, progress, clock=StoppedClock(NOW))


async def open_places(places: Places, key: OuterKeyFile) -> PostgresStore:
    """Open the store in *places*, as a server does."""
    others = [address.dsn for address, _ in places[1:]]
    return await open_store(
        places[0][0].dsn, key, people=others[0] if others else None, clock=StoppedClock(NOW)
    )
