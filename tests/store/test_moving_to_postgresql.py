"""An embedded house moves into PostgreSQL, as it is or not at all."""

from pathlib import Path

import pytest
from tests.store.copies import (
    NOW,
    empty_places,
    figures,
    move,
    open_places,
    places_of,
)
from tests.store.dump_release import CONV, furnish
from tests.store.houses import SqliteHouse
from tests.store.making import BOB, chains
from tests.store.postgres_houses import PostgresHouse, Postgresql

from halfdoor.messaging.mailbox import RESTORE_BITS
from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.errors import BackupError, OccupiedError
from halfdoor.store.backup.from_postgres import postgres_snapshot
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.errors import OuterKeyError, UnfinishedCopyError
from halfdoor.store.outerkey import outer_key_file
from halfdoor.store.postgres.lineage import read_restores
from halfdoor.store.postgres.opening import addresses


@pytest.fixture
async def old(tmp_path: Path) -> SqliteHouse:
    """A house with something in every table, which is stopped."""
    house = SqliteHouse(tmp_path, two_files=False)
    await furnish(house.store)
    await house.store.close()
    return house


async def test_a_database_with_a_house_in_it_is_refused_and_stays_as_it_is(
    old: SqliteHouse, postgresql: Postgresql, tmp_path: Path
) -> None:
    other = await PostgresHouse.built(postgresql, tmp_path / "other", two_databases=False)
    before = await other.contents()
    with pytest.raises(OccupiedError, match="name an empty database"):
        await move(old.store.paths, old.key, places_of(other))
    assert await other.contents() == before
    await other.pull_down()


async def test_another_outer_key_moves_nothing_that_a_server_would_open(
    old: SqliteHouse, postgresql: Postgresql
) -> None:
    wrong = outer_key_file(old.folder / "wrong.key", old.data, make=True)
    places = await empty_places(postgresql, two_databases=False)
    with pytest.raises(OuterKeyError, match="not the outer key of this data"):
        await move(old.store.paths, wrong, places)
    with pytest.raises(UnfinishedCopyError):
        await open_places(places, old.key)
    # With the right one the same command makes it good.
    await move(old.store.paths, old.key, places)
    store = await open_places(places, old.key)
    await store.close()


async def test_a_user_who_may_make_no_tables_is_told_so(
    old: SqliteHouse, postgresql: Postgresql
) -> None:
    places = addresses(postgresql.dsn("postgres"), None, None)
    with pytest.raises(BackupError, match=r"permission denied for schema public.*check the rights"):
        await move(old.store.paths, old.key, places)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE receipt SET thread = 'a' || char(0)", "conversations.receipt holds a character"),
        ("INSERT INTO counter VALUES ('pigeons', 7)", "the counter pigeons has no place"),
    ],
)
async def test_what_postgresql_cannot_keep_is_said_and_nothing_opens(
    old: SqliteHouse, postgresql: Postgresql, change: str, words: str
) -> None:
    await old.open()
    await old.change(change, people="counter" in change)
    await old.store.close()
    places = await empty_places(postgresql, two_databases=False)
    with pytest.raises(BackupError, match=words):
        await move(old.store.paths, old.key, places)
    with pytest.raises(UnfinishedCopyError):
        await open_places(places, old.key)


async def test_all_that_was_there_is_there_under_the_same_numbers_and_opens(
    embedded: SqliteHouse, postgresql: Postgresql
) -> None:
    old, two_databases = embedded, embedded.apart
    await furnish(old.store)
    await old.store.close()
    files = {path: path.read_bytes() for path in old.store.paths}
    with SqliteSnapshot(old.store.paths) as snapshot:
        before = await figures(snapshot)
    places = await empty_places(postgresql, two_databases=two_databases)
    done = await move(old.store.paths, old.key, places)
    assert {path: path.read_bytes() for path in files} == files
    async with postgres_snapshot(places) as copy:
        assert await figures(copy) == before
    assert (done.conversations, done.restores) == (1, least_count(NOW))
    store = await open_places(places, old.key)
    assert [(one.conv, one.ok) for one in await chains(store)] == [(CONV, True)]
    (data,) = await store.mailbox.account_data(BOB, after=0)
    assert data.body == b"x"
    epochs = await store.conversations.epochs(CONV, BOB, [1, 2])
    assert [epoch.wrap is not None for epoch in epochs] == [True, True]
    rows = await store.mailbox.inbox(BOB, after=0, limit=99)
    assert {row.pos >> RESTORE_BITS for row in rows} == {0}
    assert await store.database.read(read_restores) == least_count(NOW)
    await store.close()
