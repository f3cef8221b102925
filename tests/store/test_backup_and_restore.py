"""A backup of any store restores into any store, whole, and goes on where no client has been."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.copies import (
    NOW,
    back_up,
    empty_places,
    figures,
    moment,
    open_places,
    places_of,
    restore,
    restore_served,
)
from tests.store.dump_release import CONV, furnish
from tests.store.houses import House, SqliteHouse
from tests.store.making import (
    ALICE,
    BOB,
    CAROL,
    StoppedClock,
    Store,
    chains,
    event,
    found,
    member_event,
    say,
)
from tests.store.postgres_houses import PostgresHouse, Postgresql

from halfdoor.messaging.ledger import Append, Committed
from halfdoor.messaging.mailbox import RESTORE_BITS
from halfdoor.sealing.backup import GENERATION
from halfdoor.store.backup import from_postgres
from halfdoor.store.backup.counting import least_count
from halfdoor.store.backup.errors import OccupiedError
from halfdoor.store.backup.folder import open_folder
from halfdoor.store.backup.from_postgres import postgres_snapshot
from halfdoor.store.backup.from_sqlite import SqliteSnapshot
from halfdoor.store.backup.source import tallies
from halfdoor.store.errors import DataInUseError, NewerSchemaError, StoreUnavailableError
from halfdoor.store.postgres.connect import open_one
from halfdoor.store.sqlite.opening import database_paths
from halfdoor.store.sqlite.opening import open_store as open_embedded


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


# --- what must not be ---------------------------------------------------------------------------


async def test_neither_keys_nor_ids_nor_words_stand_in_a_backup(house: House) -> None:
    await furnish(house.store)
    lookup = house.store.secrets()
    folder = house.folder / "backup"
    await back_up(house, folder)
    rows = await house.ask("SELECT generation, wrapped FROM data_key")
    words = {
        "outer key": house.key.path.read_bytes(),
        "key of look-ups": lookup.k_lookup,
        "key of ids": lookup.k_id,
        "conversation": CONV.encode(),
        "person": ALICE.encode(),
        "other person": BOB.encode(),
        "kind of event": b"m.room.member",
        "kind of account data": b"m.direct",
    }
    for generation, wrapped in rows:
        words[f"wrapped data key {generation}"] = wrapped
        words[f"data key {generation}"] = house.key.unwrap(generation, wrapped)
    _, _, wrapped = (folder / "backup.key").read_bytes().partition(b"\n")
    words["key of the backup"] = house.key.unwrap(GENERATION, wrapped)
    assert len(files(folder)) > 10
    said = {
        (name, path.name)
        for path in files(folder)
        for name, word in words.items()
        for form in (word, word.hex().encode(), word[::-1])
        if form in path.read_bytes() or form in str(path).encode()
    }
    assert said == set()
    # The same search finds them where they do stand.
    assert ALICE.encode() in await house.raw()
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]} == {0}


async def test_a_database_that_holds_data_takes_no_copy(served: PostgresHouse) -> None:
    await furnish(served.store)
    await back_up(served, served.folder / "backup")
    # What was told leaves the outbox, sooner or later.
    await served.store.conversations.sweep()
    before = await served.contents()
    with pytest.raises(OccupiedError, match="name an empty database"):
        await restore_served(served.folder / "backup", served.key, places_of(served))
    assert await served.contents() == before


async def test_two_copies_into_one_database_at_once_are_refused(
    tmp_path: Path, postgresql: Postgresql
) -> None:
    house = SqliteHouse(tmp_path, two_files=False)
    await back_up(house, house.folder / "backup")
    places = await empty_places(postgresql, two_databases=False)
    con = await open_one(places[0][0])
    await con.execute("SELECT pg_advisory_lock(7306915)")
    with pytest.raises(DataInUseError, match="another restore or move"):
        await restore_served(house.folder / "backup", house.key, places)
    await con.close()
    await restore_served(house.folder / "backup", house.key, places)
    await house.pull_down()


async def test_a_newer_database_is_not_copied(served: PostgresHouse) -> None:
    await served.change("UPDATE schema_version SET version = version + 9000", people=True)
    with pytest.raises(NewerSchemaError):
        await back_up(served, served.folder / "backup")
    assert not list((served.folder / "backup").glob("manifest-*"))
    # The database goes back to whoever takes it next.
    await served.change("UPDATE schema_version SET version = version - 9000", people=True)


async def test_an_outbox_that_is_never_still_makes_a_backup_wait_and_then_say_so(
    tmp_path: Path, postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await PostgresHouse.built(postgresql, tmp_path, two_databases=True)
    monkeypatch.setitem(from_postgres._SQL, "wait_for_writers", "SET LOCAL lock_timeout = '50ms'")
    con = await open_one(places_of(house)[0][0])
    async with con.transaction():
        await con.execute("LOCK TABLE fanout IN ROW EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailableError, match="run the same command again"):
            await back_up(house, house.folder / "backup")
    await con.close()
    assert (await back_up(house, house.folder / "backup")).number == 1
    await house.pull_down()


# --- there and back -----------------------------------------------------------------------------


async def test_a_backup_of_any_store_restores_into_files_of_the_other_form(house: House) -> None:
    two_files = not house.apart
    await furnish(house.store)
    folder, target = house.folder / "backup", house.folder / "restored"
    made = await back_up(house, folder)
    async with moment(house) as snapshot:
        before = await figures(snapshot)
    done = await restore(folder, house.key, target, two_files=two_files)
    assert (done.number, done.rows, done.conversations) == (1, made.rows, 1)
    with SqliteSnapshot(database_paths(target, two_files=two_files)) as copy:
        assert await figures(copy) == before
    assert not (target / "restoring").exists()
    store = open_embedded(target, house.key, two_files=two_files, clock=StoppedClock(NOW))
    await _opens_and_goes_on(store)


async def test_a_backup_of_any_store_restores_into_postgresql_of_the_other_form(
    house: House, postgresql: Postgresql
) -> None:
    two_databases = not house.apart
    await furnish(house.store)
    folder = house.folder / "backup"
    made = await back_up(house, folder)
    async with moment(house) as snapshot:
        before = await figures(snapshot)
    places = await empty_places(postgresql, two_databases=two_databases)
    done = await restore_served(folder, house.key, places)
    assert (done.number, done.rows, done.conversations) == (1, made.rows, 1)
    async with postgres_snapshot(places) as copy:
        assert await figures(copy) == before
    await _opens_and_goes_on(await open_places(places, house.key))


async def _opens_and_goes_on(store: Store) -> None:
    """See that what `furnish` kept opens in *store*, and that positions are those of a restore."""
    assert [(one.conv, one.ok) for one in await chains(store)] == [(CONV, True)]
    room = await store.conversations.room(CONV)
    assert room is not None
    (data,) = await store.mailbox.account_data(BOB, after=0)
    assert (data.type, data.body) == ("m.direct", b"x")
    epochs = await store.conversations.epochs(CONV, BOB, [1, 2])
    assert [epoch.wrap is not None for epoch in epochs] == [True, True]
    old = await store.mailbox.inbox(BOB, after=0, limit=99)
    assert old
    assert {row.pos >> RESTORE_BITS for row in old} == {0}
    head = room.head
    said = event(CONV, ALICE, (BOB,))
    done = await store.conversations.append(Append(CONV, (head.hh, head.revision), (said,)))
    assert done.events[0].seq == head.last_seq + 1
    new = await store.mailbox.inbox(BOB, after=old[-1].pos, limit=99)
    assert [row.pos >> RESTORE_BITS for row in new] == [least_count(NOW)]
    assert [(one.conv, one.ok) for one in await chains(store)] == [(CONV, True)]
    await store.close()


async def test_the_same_backup_restored_again_gives_out_no_position_twice(
    embedded: SqliteHouse,
) -> None:
    await furnish(embedded.store)
    folder = embedded.folder / "backup"
    await back_up(embedded, folder)
    first = await restore(folder, embedded.key, embedded.folder / "first")
    again = await restore(folder, embedded.key, embedded.folder / "again", now=NOW + 600_000)
    assert again.restores > first.restores > 0


async def test_what_was_written_is_not_written_again(house: House) -> None:
    await furnish(house.store)
    folder = house.folder / "backup"
    first = await back_up(house, folder)
    before = {path: path.stat().st_mtime_ns for path in files(folder / "parts")}
    second = await back_up(house, folder)
    assert first.written == first.parts
    # What was told meanwhile may have left the outbox; nothing came.
    assert (second.number, second.written) == (2, 0)
    assert {path: path.stat().st_mtime_ns for path in before} == before


async def test_old_backups_and_the_parts_that_only_they_named_go(embedded: SqliteHouse) -> None:
    folder = embedded.folder / "backup"
    for _ in range(3):
        await found(embedded.store, ALICE, BOB)
        await back_up(embedded, folder, keep=2)
    opened = open_folder(folder, embedded.key)
    assert opened.numbers() == [2, 3]
    named = {name.hex() for n in (2, 3) for name in opened.manifest(n)[1].parts}
    assert {path.name for path in files(folder / "parts")} == named
    assert (
        await restore(folder, embedded.key, embedded.folder / "two", number=2)
    ).conversations == 2
    assert (await restore(folder, embedded.key, embedded.folder / "three")).conversations == 3


async def test_a_part_that_was_damaged_meanwhile_is_written_anew(embedded: SqliteHouse) -> None:
    await furnish(embedded.store)
    folder = embedded.folder / "backup"
    await back_up(embedded, folder)
    harmed = files(folder / "parts")[0]
    harmed.write_bytes(b"rust")
    assert (await back_up(embedded, folder)).written == 1
    await restore(folder, embedded.key, embedded.folder / "restored", number=1)


# --- while people write -------------------------------------------------------------------------


async def test_what_was_acknowledged_before_a_backup_is_in_it_and_the_rest_is_of_one_moment(
    house: House,
) -> None:
    store, folder = house.store, house.folder / "backup"
    rooms = [await found(store, *pair) for pair in ((ALICE, BOB), (BOB, CAROL), (CAROL, ALICE))]
    acknowledged: dict[str, set[str]] = {at.conv: set() for at in rooms}
    stopping, many = asyncio.Event(), asyncio.Event()

    async def write(at: Committed, sender: str, to: str) -> None:
        while not stopping.is_set():
            said = event(at.conv, sender, (to,))
            at = await say(store, at, said)
            acknowledged[at.conv].add(said.fields.event_id)
            if min(map(len, acknowledged.values())) >= 20:
                many.set()

    writers = [
        asyncio.create_task(write(at, *pair))
        for at, pair in zip(rooms, ((ALICE, BOB), (BOB, CAROL), (CAROL, ALICE)), strict=True)
    ]
    before: dict[str, set[str]] = {}
    for _ in range(3):
        await many.wait()
        before = {conv: set(ids) for conv, ids in acknowledged.items()}
        await _back_up_beside(house, folder)
    stopping.set()
    await asyncio.gather(*writers)
    await restore(folder, house.key, house.folder / "restored", two_files=house.apart)
    copy = open_embedded(house.folder / "restored", house.key, two_files=house.apart)
    for conv, ids in before.items():
        kept = await copy.conversations.events(
            conv, after=0, before=1 << 40, limit=99_999, newest_first=False
        )
        numbers = [one.seq for one in kept]
        assert ids <= {one.fields.event_id for one in kept}
        # What people were told is what there is: nothing skipped, nothing twice, in order.
        for user in (ALICE, BOB, CAROL):
            inbox = await copy.mailbox.inbox(user, after=0, limit=99_999)
            told = [row.seq for row in inbox if row.conv == conv]
            if told:
                assert told == numbers[-len(told) :]
    assert all(one.ok for one in await chains(copy))
    await copy.close()


async def _back_up_beside(house: House, folder: Path) -> None:
    """Make a backup in a thread with a loop of its own, as another process would."""
    await asyncio.to_thread(lambda: asyncio.run(back_up(house, folder)))


@pytest.fixture(params=["two files", "two databases"])
async def apart(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: Postgresql
) -> AsyncIterator[House]:
    """A house whose two sides have a database each."""
    house: House
    if request.param == "two files":
        house = SqliteHouse(tmp_path, two_files=True)
    else:
        house = await PostgresHouse.built(postgresql, tmp_path, two_databases=True)
    yield house
    await house.pull_down()


async def test_what_people_were_not_told_yet_is_told_once_after_a_restore(
    apart: House, postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await found(apart.store, ALICE, BOB)
    at = await say(apart.store, at, member_event(at.conv, BOB, BOB, "join", (ALICE,)))
    with monkeypatch.context() as people_away:

        def away(*_: object) -> None:
            raise StoreUnavailableError("people are away")

        people_away.setattr("halfdoor.store.sqlite.projection.Projector.project", away)
        people_away.setattr("halfdoor.store.postgres.outbox.project", away)
        with pytest.raises(StoreUnavailableError):
            await say(apart.store, at, event(at.conv, ALICE, (BOB,)))
        # This is the state a backup may meet between the two transactions of any append.
        folder = apart.folder / "backup"
        await back_up(apart, folder)
    _, manifest = open_folder(folder, apart.key).manifest()
    waiting = {section.name: section.rows for section in manifest.sections}
    assert waiting["conversations.fanout"] > 0

    async def check(copy: Store) -> None:
        for user, first in ((ALICE, 1), (BOB, 3)):
            rows = await copy.mailbox.inbox(user, after=0, limit=99)
            assert [row.seq for row in rows] == list(range(first, 6))
        assert all(one.ok for one in await chains(copy))
        await copy.close()

    for two_files in (False, True):
        target = apart.folder / f"restored {two_files}"
        await restore(folder, apart.key, target, two_files=two_files)
        for _ in range(2):
            await check(open_embedded(target, apart.key, two_files=two_files))
        with SqliteSnapshot(database_paths(target, two_files=two_files)) as snapshot:
            assert (await tallies(snapshot))["conversations.fanout"].rows == 0
    for two_databases in (False, True):
        places = await empty_places(postgresql, two_databases=two_databases)
        await restore_served(folder, apart.key, places)
        await check(await open_places(places, apart.key))
