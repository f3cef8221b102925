"""A table that is added to a schema is in every backup, or somebody has said why not."""

import sqlite3
from pathlib import Path

import asyncpg
import pytest
from tests.store.copies import NOW, empty_places, figures, open_places, restore, restore_served
from tests.store.dump_release import CONV, RELEASED, SAMPLE_KEY
from tests.store.making import StoppedClock, chains
from tests.store.postgres_houses import WHOLE, Postgresql

from halfdoor.store.backup.folder import written_folder
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.schema import newest_schema, tables
from halfdoor.store.backup.source import nothing_told
from halfdoor.store.backup.writing import write_backup
from halfdoor.store.migrate import migrate
from halfdoor.store.sqlite.opening import database_paths, open_store

# What lives in one kind of store alone, and why a copy has no use for it.
OF_ONE_STORE = {
    # Where a stream stands: a floor under the newest inbox row here, the position itself there.
    ("ustream", "floor"),
    ("ustream", "pos"),
    # How often the side was restored, which every restore writes anew, and by what a server knows
    # its database and who serves from it.
    ("counter", "name"),
    ("counter", "value"),
    ("lineage", "one"),
    ("lineage", "restores"),
    ("lineage", "mark"),
    ("lineage", "tenure"),
    ("schema_version", "side"),
    ("schema_version", "version"),
    # What other processes remember of a person; after a restore there are none.
    ("ustream", "version"),
    # Requests of the platform that were done minutes ago; embedded, they are kept in memory.
    ("replay", "ub"),
    ("replay", "lookup"),
    ("replay", "expires"),
}
COLUMNS = """
    SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
      AND attnum > 0 AND NOT attisdropped
"""


def held() -> set[tuple[str, str]]:
    """Return the columns that a backup holds."""
    return {(table.name, column) for table in tables(newest_schema()) for column in table.columns}


def test_every_column_of_the_embedded_store_is_held(tmp_path: Path) -> None:
    migrate(tmp_path / "new.db")
    con = sqlite3.connect(tmp_path / "new.db")
    names = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    there = {
        (name, row[1])
        for name in names
        if not name.startswith(("sqlite_", "_yoyo", "yoyo_"))
        for row in con.execute(f"PRAGMA table_info({name})")
    }
    con.close()
    assert len(there) > 100
    assert there - held() == {("ustream", "floor")}


async def test_every_column_of_postgresql_is_held_or_of_that_store_alone(
    postgresql: Postgresql,
) -> None:
    con = await asyncpg.connect(postgresql.dsn(WHOLE))
    there = {tuple(row) for row in await con.fetch(COLUMNS)}
    await con.close()
    assert there - held() <= OF_ONE_STORE
    assert held() - there <= OF_ONE_STORE


def released(folder: Path, release: str) -> tuple[Path, Path]:
    """Make the files of a release again, as nobody has opened them since."""
    paths = database_paths(folder)
    folder.mkdir()
    con = sqlite3.connect(paths[0])
    con.executescript((RELEASED / release / f"{paths[0].stem}.sql").read_text())
    con.close()
    return paths


@pytest.mark.parametrize("release", sorted(path.name for path in RELEASED.iterdir()))
async def test_a_backup_of_an_older_schema_comes_forward_in_either_store(
    release: str, tmp_path: Path, postgresql: Postgresql
) -> None:
    with SqliteSnapshot(released(tmp_path / "old", release)) as snapshot:
        assert snapshot.schema <= newest_schema()
        before = await figures(snapshot)
        with written_folder(tmp_path / "backup", SAMPLE_KEY) as folder:
            await write_backup(folder, snapshot, nothing_told, now_ms=NOW, program=release, keep=1)
    await restore(tmp_path / "backup", SAMPLE_KEY, tmp_path / "new")
    with SqliteSnapshot(database_paths(tmp_path / "new")) as copy:
        assert copy.schema == newest_schema()
        after = await figures(copy)
    # Nothing was lost on the way; the rows themselves may have got columns, and whoever opens an
    # older house makes the secrets that it did not have yet.
    more = {"conversations.secret"}
    assert {name: after[name][0] for name in before.keys() - more} == {
        name: rows for name, (rows, _) in before.items() if name not in more
    }
    assert after["conversations.secret"][0] >= before["conversations.secret"][0]
    embedded = open_store(tmp_path / "new", SAMPLE_KEY, clock=StoppedClock(NOW))
    assert [(one.conv, one.ok) for one in await chains(embedded)] == [(CONV, True)]
    await embedded.close()
    places = await empty_places(postgresql, two_databases=False)
    await restore_served(tmp_path / "backup", SAMPLE_KEY, places)
    served = await open_places(places, SAMPLE_KEY)
    assert [(one.conv, one.ok) for one in await chains(served)] == [(CONV, True)]
    await served.close()
