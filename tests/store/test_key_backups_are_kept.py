"""Backed up keys: the newest backup alone takes them, the better copy stays, a number is used once.

On each store.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace
from tests.store.houses import House
from tests.store.test_accounts_store import full

from halfdoor.accounts.changes import change_of
from halfdoor.apps.work import Work
from halfdoor.e2ee.key_backup import BackedUpKey, UnknownBackupError, WrongVersionError
from halfdoor.e2ee.key_backup_store import (
    MAX_BACKUPS,
    MAX_KEYS,
    AlgorithmChangedError,
    Backup,
    BackupFullError,
    Description,
    KeptKey,
    KeyBackupStore,
    Standing,
)
from halfdoor.e2ee.key_store import SignedOutError
from halfdoor.sealing.labels import Denied
from halfdoor.store.key_backup_steps import AT_ONCE
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.renewal import QUEUE
from halfdoor.store.sqlite.accounts import SqliteAccounts

ALICE, BOB = "@alice:a.example", "@bob:a.example"
ROOM, OTHER = "!a:a.example", "!b:a.example"
ABOUT = Description("m.megolm_backup.v1.curve25519-aes-sha2", {"public_key": "canary-public"})


def accounts(house: House) -> SqliteAccounts | PostgresAccounts:
    store = house.store
    if isinstance(store, PostgresStore):
        return PostgresAccounts(store.database, store.keys)
    return SqliteAccounts(store.database, store.keys)


async def settle(house: House, *users: str) -> KeyBackupStore:
    """Give each of *users* an account with the devices D and E."""
    for user in users or (ALICE,):
        await accounts(house).commit(full(user))
    return house.store.key_backups


def key(
    session: str = "s1", index: int = 0, *, room: str = ROOM, verified: bool = False, size: int = 8
) -> KeptKey:
    data = {"ciphertext": "canary-words" + "x" * size}
    return KeptKey(room, session, msgspec.json.encode(BackedUpKey(index, 0, verified, data)))


def several(count: int, room: str = ROOM) -> list[KeptKey]:
    return [key(f"s{number:05}", room=room) for number in range(count)]


async def all_of(backups: KeyBackupStore, version: int, user: str = ALICE) -> Sequence[KeptKey]:
    return await backups.page(user, version, ("", ""), 100_000)


async def rows(house: House, table: str, user: str = ALICE) -> int:
    asked = f"SELECT count(*) FROM {table} WHERE user_id = ?"  # noqa: S608
    ((found,),) = await house.ask(asked, user, people=True)
    assert isinstance(found, int)
    return found


# --- what is refused ------------------------------------------------------------------------


async def test_there_is_nothing_before_a_backup_was_begun(house: House) -> None:
    backups = await settle(house)
    assert await backups.backups(ALICE) == []
    for refused in (
        backups.put(ALICE, "D", 1, [key()]),
        backups.drop(ALICE, "D", 1),
        backups.describe(ALICE, "D", 1, ABOUT),
        backups.delete(ALICE, "D", 1),
    ):
        with pytest.raises(UnknownBackupError):
            await refused
    assert await all_of(backups, 1) == []
    assert await backups.key(ALICE, 1, ROOM, "s1") is None


async def test_a_device_that_was_signed_out_meanwhile_writes_nothing(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key()])
    for refused in (
        backups.create(ALICE, "GONE", ABOUT),
        backups.put(ALICE, "GONE", version, [key("s2")]),
        backups.drop(ALICE, "GONE", version),
        backups.describe(ALICE, "GONE", version, ABOUT),
        backups.delete(ALICE, "GONE", version),
    ):
        with pytest.raises(SignedOutError):
            await refused
    assert await backups.backups(ALICE) == [Backup(version, ABOUT, Standing(1, 1))]
    assert await all_of(backups, version) == [key()]


async def test_only_the_newest_backup_takes_keys_and_says_which_that_is(house: House) -> None:
    backups = await settle(house)
    old = await backups.create(ALICE, "D", ABOUT)
    new = await backups.create(ALICE, "E", ABOUT)
    with pytest.raises(WrongVersionError) as refused:
        await backups.put(ALICE, "D", old, [key()])
    assert refused.value.current == str(new)
    with pytest.raises(UnknownBackupError):
        await backups.put(ALICE, "D", new + 1, [key()])
    assert await all_of(backups, old) == []


async def test_another_persons_backup_is_none_of_ones_own(house: House) -> None:
    backups = await settle(house, ALICE, BOB)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key()])
    assert await backups.backups(BOB) == []
    assert await all_of(backups, version, BOB) == []
    with pytest.raises(UnknownBackupError):
        await backups.drop(BOB, "D", version)
    with pytest.raises(UnknownBackupError):
        await backups.delete(BOB, "D", version)
    assert await all_of(backups, version) == [key()]


async def test_a_backup_keeps_its_algorithm(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    with pytest.raises(AlgorithmChangedError):
        await backups.describe(ALICE, "D", version, Description("m.other", {}))
    newer = Description(ABOUT.algorithm, {"public_key": "canary-public", "signatures": {}})
    await backups.describe(ALICE, "D", version, newer)
    assert (await backups.backups(ALICE))[0].about == newer


async def test_beyond_the_limit_no_key_of_the_request_is_kept(either: House) -> None:
    backups = await settle(either)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key("here")])
    full_up = "UPDATE key_backup SET keys = ? WHERE user_id = ?"
    await either.change(full_up, MAX_KEYS - 1, ALICE, people=True)
    backups = either.store.key_backups
    with pytest.raises(BackupFullError):
        await backups.put(ALICE, "D", version, [key("s1"), key("s2")])
    assert await all_of(backups, version) == [key("here")]
    # A better copy of what is there takes no more room.
    better = key("here", verified=True)
    assert (await backups.put(ALICE, "D", version, [better])).count == MAX_KEYS - 1
    assert (await backups.put(ALICE, "D", version, [key("s1")])).count == MAX_KEYS
    with pytest.raises(BackupFullError):
        await backups.put(ALICE, "D", version, [key("s2")])


async def test_there_are_not_more_bytes_in_a_backup_than_an_answer_may_hold(
    either: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfdoor.store.key_backup_steps.MAX_BYTES", 1_000)
    backups = await settle(either)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key("s1", size=500)])
    with pytest.raises(BackupFullError):
        await backups.put(ALICE, "D", version, [key("s2", size=500)])
    await backups.drop(ALICE, "D", version)
    await backups.put(ALICE, "D", version, [key("s2", size=500)])


async def test_there_is_an_end_to_the_backups_of_one_person(either: House) -> None:
    backups = await settle(either)
    for _ in range(MAX_BACKUPS):
        await backups.create(ALICE, "D", ABOUT)
    with pytest.raises(BackupFullError):
        await backups.create(ALICE, "D", ABOUT)
    await backups.delete(ALICE, "D", 1)
    assert await backups.create(ALICE, "D", ABOUT) == MAX_BACKUPS + 1


async def test_a_row_that_was_moved_or_changed_does_not_open(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key()])
    moved = "UPDATE key_backup_key SET session = 'other' WHERE user_id = ?"
    assert await house.change(moved, ALICE, people=True) == 1
    with pytest.raises(Denied):
        await house.store.key_backups.key(ALICE, version, ROOM, "other")


# --- what is kept ---------------------------------------------------------------------------


async def test_every_change_changes_the_mark_and_the_count_and_no_other_does(
    house: House,
) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    assert await backups.put(ALICE, "D", version, []) == Standing(0, 0)
    assert await backups.put(ALICE, "D", version, [key("s1"), key("s2")]) == Standing(1, 2)
    assert await backups.put(ALICE, "E", version, [key("s2"), key("s3")]) == Standing(2, 3)
    # The same copies again, and worse ones.
    assert await backups.put(ALICE, "D", version, [key("s1"), key("s2", 5)]) == Standing(2, 3)
    assert await backups.put(ALICE, "D", version, [key("s1", verified=True)]) == Standing(3, 3)
    assert await backups.drop(ALICE, "D", version, (ROOM, "s3")) == Standing(4, 2)
    assert await backups.drop(ALICE, "D", version, (ROOM, "s3")) == Standing(4, 2)
    assert await backups.drop(ALICE, "D", version, (OTHER,)) == Standing(4, 2)
    assert await backups.drop(ALICE, "D", version, (ROOM,)) == Standing(5, 0)
    assert (await backups.backups(ALICE))[0].standing == Standing(5, 0)


async def test_the_better_copy_stays_whatever_comes_first(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    good, worse, verified = key("s", 3), key("s", 4), key("s", 9, verified=True)
    for copy, stays in ((worse, worse), (good, good), (worse, good), (verified, verified)):
        await backups.put(ALICE, "D", version, [copy])
        assert await backups.key(ALICE, version, ROOM, "s") == stays.body
    await backups.put(ALICE, "D", version, [good])
    assert await (await again(house)).key(ALICE, version, ROOM, "s") == verified.body


async def again(house: House) -> KeyBackupStore:
    return (await house.reopen()).key_backups


async def test_keys_come_back_in_pages_by_room_and_session(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    mine = [*several(4, ROOM), *several(3, OTHER)]
    await backups.put(ALICE, "D", version, list(reversed(mine)))
    found: list[KeptKey] = []
    after = ("", "")
    while page := await backups.page(ALICE, version, after, 2):
        found += page
        after = (page[-1].room, page[-1].session)
    assert found == mine
    assert await backups.page(ALICE, version, ("", ""), 9, OTHER) == several(3, OTHER)
    assert await backups.page(ALICE, version, (OTHER, "s00000"), 1, OTHER) == several(3, OTHER)[1:2]


async def test_many_keys_are_written_and_deleted_in_parts_and_counted_whole(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    many = 2 * AT_ONCE + 3
    assert await backups.put(ALICE, "D", version, several(many)) == Standing(1, many)
    assert await backups.put(ALICE, "D", version, several(many)) == Standing(1, many)
    await backups.put(ALICE, "D", version, several(2, OTHER))
    assert (await backups.drop(ALICE, "D", version, (ROOM,))).count == 2
    assert await all_of(backups, version) == several(2, OTHER)
    ((size,),) = await house.ask("SELECT size FROM key_backup", people=True)
    ((held,),) = await house.ask("SELECT sum(length(sealed)) FROM key_backup_key", people=True)
    assert size == held
    await backups.drop(ALICE, "D", version)
    assert await house.ask("SELECT size, keys FROM key_backup", people=True) == [(0, 0)]


async def test_a_deleted_backup_takes_its_keys_along_and_its_number_never_comes_again(
    house: House,
) -> None:
    backups = await settle(house)
    first = await backups.create(ALICE, "D", ABOUT)
    second = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", second, several(AT_ONCE + 1))
    await backups.delete(ALICE, "D", second)
    assert await rows(house, "key_backup_key") == 0
    with pytest.raises(UnknownBackupError):
        await backups.delete(ALICE, "D", second)
    # The one before is the newest again.
    await backups.put(ALICE, "D", first, [key()])
    await backups.delete(ALICE, "D", first)
    assert await backups.backups(ALICE) == []
    assert await backups.create(ALICE, "D", ABOUT) == second + 1
    # A number is remembered by the one above it.
    assert await rows(house, "key_backup") == 1


async def test_what_was_left_of_a_deletion_that_broke_off_goes_with_the_next_backup(
    house: House,
) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, several(3))
    cut = "UPDATE key_backup SET sealed = NULL WHERE user_id = ?"
    await house.change(cut, ALICE, people=True)
    backups = house.store.key_backups
    assert await backups.backups(ALICE) == []
    assert await backups.create(ALICE, "D", ABOUT) == version + 1
    assert await rows(house, "key_backup_key") == 0


async def test_of_many_at_once_each_gets_its_own_number_and_no_key_is_lost(house: House) -> None:
    backups = await settle(house)
    numbers = await asyncio.gather(*(backups.create(ALICE, "D", ABOUT) for _ in range(5)))
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    await asyncio.gather(*(backups.put(ALICE, "D", 5, [one]) for one in several(8)))
    assert await all_of(backups, 5) == several(8)
    assert (await backups.backups(ALICE))[-1].standing == Standing(8, 8)


# --- where it lies, and how it goes ---------------------------------------------------------


async def test_nothing_of_a_backup_lies_in_the_database_as_it_is(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key()])
    raw = await house.raw()
    assert b"canary-words" not in raw
    assert b"canary-public" not in raw
    assert "canary" not in repr(key())
    assert "canary" not in repr(backups)


async def test_backups_open_after_the_account_key_was_renewed(house: House) -> None:
    backups = await settle(house)
    gone = await backups.create(ALICE, "D", ABOUT)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, several(70))
    await backups.delete(ALICE, "D", gone)
    await house.store.renewal.begin(house.clock.now_ms())
    work = Work(house.store.jobs, {QUEUE: house.store.renewal}, house.clock)
    for _ in range(9):
        await work.go_on(seconds=30)
        house.clock.now += 700_000
    assert await house.store.renewal.progress() is None
    assert house.store.keys.former_accounts == []
    backups = await again(house)
    assert await backups.backups(ALICE) == [Backup(version, ABOUT, Standing(1, 70))]
    assert await all_of(backups, version) == several(70)


async def test_an_account_that_is_closed_keeps_no_backup(house: House) -> None:
    backups = await settle(house, ALICE, BOB)
    for user in (ALICE, BOB):
        await backups.put(user, "D", await backups.create(user, "D", ABOUT), [key()])
    state = await accounts(house).state(ALICE)
    assert state is not None
    closed = replace(state.account, deactivated=True, kid=None, public=None)
    await accounts(house).commit(replace(change_of(state), account=closed, drop_devices=("D", "E")))
    assert await rows(house, "key_backup") == await rows(house, "key_backup_key") == 0
    assert await all_of(backups, 1, BOB) == [key()]
    with pytest.raises(SignedOutError):
        await backups.create(ALICE, "D", ABOUT)


async def test_a_device_that_signs_out_leaves_the_backup_to_the_others(house: House) -> None:
    backups = await settle(house)
    version = await backups.create(ALICE, "D", ABOUT)
    await backups.put(ALICE, "D", version, [key()])
    state = await accounts(house).state(ALICE)
    assert state is not None
    await accounts(house).commit(
        replace(change_of(state), drop_sessions=("ali-S",), drop_devices=("D",))
    )
    assert await all_of(backups, version) == [key()]


async def test_erasure_leaves_nothing_of_a_backup(house: House) -> None:
    backups = await settle(house, ALICE, BOB)
    for user in (ALICE, BOB):
        await backups.put(user, "D", await backups.create(user, "D", ABOUT), [key()])
    assert await house.store.erasures.drop_rest(ALICE)
    assert await rows(house, "key_backup") == await rows(house, "key_backup_key") == 0
    assert await rows(house, "key_backup_key", BOB) == 1
