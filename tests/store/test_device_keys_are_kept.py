"""Public keys of devices and people: each handed out once, in order, and none can be swapped."""

import asyncio
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from tests.e2ee.key_fakes import FakeKeyStore
from tests.store.houses import House
from tests.store.postgres_houses import PostgresHouse
from tests.store.test_accounts_store import full

from halfdoor.accounts.changes import change_of
from halfdoor.accounts.errors import ErasedError
from halfdoor.apps.work import Work
from halfdoor.e2ee.key_store import (
    DeviceCounts,
    KeyConflictError,
    KeyStore,
    OneTimeKey,
    SignatureRow,
    SignedOutError,
    UserKeys,
)
from halfdoor.sealing.outer import RowMacError
from halfdoor.store import e2ee_key_rows
from halfdoor.store.erasing import QUEUE as ERASE
from halfdoor.store.erasing import SIGNATURES
from halfdoor.store.jobs import Job
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore, open_store
from halfdoor.store.renewal import QUEUE
from halfdoor.store.sqlite.accounts import SqliteAccounts

ALICE, BOB = "@alice:a.example", "@bob:a.example"
CURVE = "signed_curve25519"
PEOPLE_TABLES = ("device_key", "one_time_key", "fallback_key", "cross_key", "key_signature")


def accounts(house: House) -> SqliteAccounts | PostgresAccounts:
    store = house.store
    if isinstance(store, PostgresStore):
        return PostgresAccounts(store.database, store.keys)
    return SqliteAccounts(store.database, store.keys)


async def settle(house: House, *users: str) -> KeyStore:
    """Give each of *users* an account with the devices D and E."""
    for user in users or (ALICE,):
        await accounts(house).commit(full(user))
    return house.store.device_keys


def one(number: int, text: str = "key") -> OneTimeKey:
    return OneTimeKey(CURVE, f"AAA{number}", f'{{"key":"{text}{number}"}}'.encode())


def several(count: int, since: int = 0) -> list[OneTimeKey]:
    return [one(number) for number in range(since, since + count)]


def cross(public: str) -> bytes:
    return msgspec.json.encode({"keys": {f"ed25519:{public}": public}, "usage": ["master"]})


def signed(user: str, target: str, signature: str = "sig", signer: str = ALICE) -> SignatureRow:
    return SignatureRow(signer, user, target, "ed25519:PUB", signature)


async def drained(keys: KeyStore, user: str = ALICE, device: str = "D") -> list[OneTimeKey]:
    found = []
    while (key := await keys.claim(user, device, CURVE)) is not None:
        found.append(key)
    return found


async def count(house: House, table: str) -> int:
    ((rows,),) = await house.ask(f"SELECT count(*) FROM {table}", people=True)  # noqa: S608
    assert isinstance(rows, int)
    return rows


async def fill(house: House) -> KeyStore:
    """Put rows of ALICE and BOB into each table."""
    keys = await settle(house, ALICE, BOB)
    for user in (ALICE, BOB):
        await keys.put_device_keys(user, "D", f'{{"of":"{user}"}}'.encode())
        await keys.add_one_time_keys(user, "D", several(3), 50)
        await keys.set_fallback_keys(user, "D", [one(9, "last")])
        await keys.put_cross_signing(user, {"master": cross(f"M{user[1]}")})
        both = [signed(ALICE, "D", signer=user), signed(BOB, "Mb", signer=user)]
        assert await keys.add_signatures(user, both)
    return keys


# --- refusals -------------------------------------------------------------------------------


async def test_the_keys_of_a_device_never_change(house: House) -> None:
    keys = await settle(house)
    assert await keys.put_device_keys(ALICE, "D", b'{"a":1}')
    assert not await keys.put_device_keys(ALICE, "D", b'{"a":1}')
    with pytest.raises(KeyConflictError):
        await keys.put_device_keys(ALICE, "D", b'{"a":2}')
    assert await keys.keys_of([ALICE, BOB]) == {ALICE: UserKeys(devices={"D": b'{"a":1}'})}


async def test_an_id_that_stands_for_another_key_is_refused_and_nothing_is_added(
    house: House,
) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(2), 50)
    with pytest.raises(KeyConflictError):
        await keys.add_one_time_keys(ALICE, "D", [one(7), one(1, "other")], 50)
    with pytest.raises(KeyConflictError):
        await keys.add_one_time_keys(ALICE, "D", [one(8), one(8, "other")], 50)
    assert await drained(keys) == several(2)


async def test_a_key_that_was_handed_out_comes_back_under_no_content(house: House) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(2), 50)
    assert await keys.claim(ALICE, "D", CURVE) == one(0)
    with pytest.raises(KeyConflictError):
        await keys.add_one_time_keys(ALICE, "D", [one(0, "other")], 50)
    # The client did not hear that its upload had arrived: nothing is added twice.
    await keys.add_one_time_keys(ALICE, "D", several(2), 50)
    assert await drained(keys) == [one(1)]


async def test_of_the_keys_that_were_handed_out_the_newest_are_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in {type(house.store.device_keys).__module__, e2ee_key_rows.__name__}:
        monkeypatch.setattr(f"{module}.REMEMBERED", 2)
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(5), 50)
    assert await drained(keys) == several(5)
    assert await count(house, "one_time_key") == 2
    with pytest.raises(KeyConflictError):
        await keys.add_one_time_keys(ALICE, "D", [one(3, "other")], 50)


async def test_nothing_is_kept_for_a_device_that_was_signed_out(house: House) -> None:
    keys = await settle(house)
    with pytest.raises(SignedOutError):
        await keys.put_device_keys(ALICE, "GONE", b"{}")
    with pytest.raises(SignedOutError):
        await keys.add_one_time_keys(ALICE, "GONE", several(1), 50)
    with pytest.raises(SignedOutError):
        await keys.set_fallback_keys(ALICE, "GONE", several(1))
    assert await keys.claim(ALICE, "GONE", CURVE) is None
    assert {await count(house, table) for table in PEOPLE_TABLES} == {0}


@pytest.mark.parametrize("table", PEOPLE_TABLES)
@pytest.mark.parametrize("column", ["sealed", "mac"])
async def test_a_row_that_was_changed_from_outside_is_refused(
    house: House, table: str, column: str
) -> None:
    await fill(house)
    # Bob's row with Alice's content, as who can write the database swaps a key.
    theirs = await house.ask(
        f"SELECT {column} FROM {table} WHERE user_id = ?",  # noqa: S608
        ALICE,
        people=True,
    )
    swap = f"UPDATE {table} SET {column} = ? WHERE user_id = ?"  # noqa: S608
    assert await house.change(swap, bytes(theirs[0][0]), BOB, people=True)
    keys = house.store.device_keys
    with pytest.raises(RowMacError):
        await read_all(keys, BOB)
    await read_all(keys, ALICE)


async def read_all(keys: KeyStore, user: str) -> None:
    await keys.keys_of([user])
    await keys.signatures(ALICE, [user])
    await keys.signatures(BOB, [user])
    await keys.counts(user, "D")
    await drained_once(keys, user)


async def drained_once(keys: KeyStore, user: str) -> None:
    """Take every one-time key and, once, the fallback key."""
    for _ in range(4):
        await keys.claim(user, "D", CURVE)


async def test_a_key_that_was_handed_out_cannot_be_put_back_from_outside(house: House) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(2), 50)
    await keys.claim(ALICE, "D", CURVE)
    assert await house.change("UPDATE one_time_key SET given = 0 WHERE n = 1", people=True) == 1
    with pytest.raises(RowMacError):
        await house.store.device_keys.claim(ALICE, "D", CURVE)


async def test_who_was_erased_gets_no_keys_and_signs_nothing(house: House) -> None:
    keys = await settle(house, ALICE, BOB)
    job = Job(ub=1, id="job", queue=ERASE, run_at=1, payload=b"x")
    await house.store.erasures.ask(ALICE, job)
    with pytest.raises(ErasedError):
        await keys.put_cross_signing(ALICE, {"master": cross("M")})
    assert not await keys.add_signatures(ALICE, [signed(BOB, "D")])
    assert not await keys.add_signatures(BOB, [signed(ALICE, "D", signer=BOB)])


# --- one-time keys --------------------------------------------------------------------------


async def test_keys_are_handed_out_in_the_order_of_their_upload(house: House) -> None:
    keys = await settle(house)
    first = [one(5), one(3), one(4)]
    await keys.add_one_time_keys(ALICE, "D", first, 50)
    await keys.add_one_time_keys(ALICE, "D", [one(1), one(3)], 50)
    assert await keys.claim(ALICE, "D", CURVE) == one(5)
    await house.reopen()
    assert await drained(house.store.device_keys) == [one(3), one(4), one(1)]


async def test_one_algorithm_does_not_take_the_keys_of_another(house: House) -> None:
    keys = await settle(house)
    other = OneTimeKey("curve25519", "AAA1", b'"plain"')
    await keys.add_one_time_keys(ALICE, "D", [other, one(1)], 50)
    assert await keys.counts(ALICE, "D") == DeviceCounts(one_time={"curve25519": 1, CURVE: 1})
    assert await drained(keys) == [one(1)]
    assert await keys.counts(ALICE, "D") == DeviceCounts(one_time={"curve25519": 1})
    assert await keys.claim(ALICE, "E", "curve25519") is None


async def test_what_is_beyond_the_limit_is_left_out_and_room_is_made_by_claims(
    house: House,
) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(5), 3)
    await keys.add_one_time_keys(ALICE, "D", several(5), 3)
    assert await keys.counts(ALICE, "D") == DeviceCounts(one_time={CURVE: 3})
    await keys.claim(ALICE, "D", CURVE)
    await keys.add_one_time_keys(ALICE, "D", several(5), 3)
    assert await drained(keys) == [one(1), one(2), one(3)]


async def test_many_who_claim_at_once_get_a_key_each(house: House) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(12), 50)
    found = await asyncio.gather(*(keys.claim(ALICE, "D", CURVE) for _ in range(16)))
    given = [key.id for key in found if key is not None]
    assert sorted(given) == sorted(key.id for key in several(12))
    assert found.count(None) == 4


async def test_uploads_and_claims_at_once_lose_nothing_and_double_nothing(house: House) -> None:
    keys = await settle(house)
    parts = [several(4, since) for since in range(0, 24, 4)]
    found = await asyncio.gather(
        *(keys.add_one_time_keys(ALICE, "D", part, 50) for part in (*parts, *parts)),
        *(keys.claim(ALICE, "D", CURVE) for _ in range(10)),
    )
    given = [key.id for key in found if key is not None]
    given += [key.id for key in await drained(keys)]
    assert sorted(given) == sorted(key.id for key in several(24))


async def test_two_servers_never_hand_out_the_same_key(served: PostgresHouse) -> None:
    keys = await settle(served)
    await keys.add_one_time_keys(ALICE, "D", several(10), 50)
    first, people = served.addresses
    other = await open_store(first, served.key, people=people, clock=served.clock)
    sides = (keys, other.device_keys)
    try:
        found = await asyncio.gather(
            *(side.claim(ALICE, "D", CURVE) for _ in range(6) for side in sides)
        )
    finally:
        await other.close()
    given = [key.id for key in found if key is not None]
    assert sorted(given) == sorted(key.id for key in several(10))


# --- fallback keys --------------------------------------------------------------------------


async def test_the_fallback_key_is_given_where_no_other_is_left_and_is_used_then(
    house: House,
) -> None:
    keys = await settle(house)
    await keys.add_one_time_keys(ALICE, "D", several(1), 50)
    await keys.set_fallback_keys(ALICE, "D", [one(9)])
    assert await keys.counts(ALICE, "D") == DeviceCounts({CURVE: 1}, (CURVE,))
    assert [await keys.claim(ALICE, "D", CURVE) for _ in range(3)] == [one(0), one(9), one(9)]
    assert await keys.counts(ALICE, "D") == DeviceCounts()
    # The same again is no new key.
    await keys.set_fallback_keys(ALICE, "D", [one(9)])
    assert await keys.counts(ALICE, "D") == DeviceCounts()
    await keys.set_fallback_keys(ALICE, "D", [one(10)])
    assert await keys.counts(ALICE, "D") == DeviceCounts({}, (CURVE,))
    assert await keys.claim(ALICE, "D", CURVE) == one(10)


# --- cross-signing --------------------------------------------------------------------------


async def test_cross_signing_keys_are_replaced_one_by_one(house: House) -> None:
    keys = await settle(house)
    await keys.put_cross_signing(ALICE, {"master": cross("M"), "self_signing": cross("S")})
    await keys.put_cross_signing(ALICE, {"self_signing": cross("T")})
    store = await house.reopen()
    found = (await store.device_keys.keys_of([ALICE]))[ALICE]
    assert found == UserKeys(cross={"master": cross("M"), "self_signing": cross("T")})


async def test_signatures_go_with_the_key_that_is_replaced_and_no_others(house: House) -> None:
    keys = await settle(house, ALICE, BOB)
    await keys.put_cross_signing(BOB, {"master": cross("M"), "user_signing": cross("U")})
    mine = [signed(BOB, "M"), signed(BOB, "U"), signed(BOB, "D"), signed(ALICE, "M")]
    assert await keys.add_signatures(ALICE, mine)
    await keys.put_cross_signing(BOB, {"master": cross("M"), "user_signing": cross("U")})
    assert len(await keys.signatures(ALICE, [ALICE, BOB])) == 4
    await keys.put_cross_signing(BOB, {"master": cross("N")})
    left = [signed(ALICE, "M"), signed(BOB, "D"), signed(BOB, "U")]
    assert await keys.signatures(ALICE, [BOB, ALICE]) == left


async def test_the_same_signature_again_is_nothing_new(house: House) -> None:
    keys = await settle(house, ALICE, BOB)
    assert await keys.add_signatures(ALICE, [signed(BOB, "M")])
    assert not await keys.add_signatures(ALICE, [signed(BOB, "M")])
    assert not await keys.add_signatures(ALICE, [])
    assert await keys.add_signatures(ALICE, [signed(BOB, "M"), signed(BOB, "M", "newer")])
    assert await keys.signatures(ALICE, [BOB]) == [signed(BOB, "M", "newer")]
    assert await keys.signatures(BOB, [BOB]) == []


# --- what goes ------------------------------------------------------------------------------


async def test_a_device_that_is_deleted_takes_its_keys_along_in_the_same_moment(
    house: House,
) -> None:
    keys = await fill(house)
    await keys.put_device_keys(ALICE, "E", b'{"e":1}')
    state = await accounts(house).state(ALICE)
    assert state is not None
    change = replace(change_of(state), drop_sessions=("ali-S",), drop_devices=("D",))
    await accounts(house).commit(change)
    assert (await keys.keys_of([ALICE]))[ALICE].devices == {"E": b'{"e":1}'}
    assert await keys.claim(ALICE, "D", CURVE) is None
    assert await keys.counts(ALICE, "D") == DeviceCounts()
    assert await keys.signatures(BOB, [ALICE]) == []
    assert await keys.claim(BOB, "D", CURVE) == one(0)
    assert not await keys.drop_device(ALICE, "D")


async def test_a_device_can_lose_its_keys_alone(house: House) -> None:
    keys = await fill(house)
    assert await keys.drop_device(ALICE, "D")
    assert not await keys.drop_device(ALICE, "D")
    assert not (await keys.keys_of([ALICE]))[ALICE].devices
    assert await keys.put_device_keys(ALICE, "D", b'{"new":1}')
    assert await keys.claim(BOB, "D", CURVE) == one(0)


async def test_an_account_that_is_closed_keeps_no_key(house: House) -> None:
    keys = await fill(house)
    state = await accounts(house).state(ALICE)
    assert state is not None
    closed = replace(state.account, deactivated=True, kid=None, public=None)
    change = replace(change_of(state), account=closed, drop_devices=("D", "E"))
    await accounts(house).commit(change)
    assert set(await keys.keys_of([ALICE, BOB])) == {BOB}
    for table in PEOPLE_TABLES:
        asked = f"SELECT count(*) FROM {table} WHERE user_id = ?"  # noqa: S608
        ((mine,),) = await house.ask(asked, ALICE, people=True)
        ((theirs,),) = await house.ask(asked, BOB, people=True)
        assert (mine, theirs > 0) == (0, True)


async def test_erasure_leaves_no_key_and_finds_signatures_on_the_keys_of_others(
    house: House,
) -> None:
    keys = await fill(house)
    erasures = house.store.erasures
    scanned = await erasures.scan(SIGNATURES, SIGNATURES.before)
    by_alice = [row for row in scanned if row[SIGNATURES.names] == ALICE]
    assert len(by_alice) == 2
    await erasures.drop_scanned(SIGNATURES, by_alice)
    assert await erasures.drop_rest(ALICE)
    assert set(await keys.keys_of([ALICE, BOB])) == {BOB}
    for table in PEOPLE_TABLES:
        rows = await house.ask(f"SELECT * FROM {table}", people=True)  # noqa: S608
        assert rows
        assert not any(ALICE in tuple(row) for row in rows)


async def test_keys_open_after_the_account_key_was_renewed(house: House) -> None:
    keys = await fill(house)
    assert await keys.claim(ALICE, "D", CURVE) == one(0)
    before = await keys.keys_of([ALICE, BOB])
    await house.store.renewal.begin(house.clock.now_ms())
    work = Work(house.store.jobs, {QUEUE: house.store.renewal}, house.clock)
    for _ in range(9):
        await work.go_on(seconds=30)
        house.clock.now += 700_000
    assert await house.store.renewal.progress() is None
    keys = (await house.reopen()).device_keys
    assert await keys.keys_of([ALICE, BOB]) == before
    assert len(await keys.signatures(BOB, [ALICE, BOB])) == 2
    with pytest.raises(KeyConflictError):
        await keys.add_one_time_keys(ALICE, "D", [one(0, "other")], 50)
    assert [await keys.claim(ALICE, "D", CURVE) for _ in range(3)] == [
        one(1),
        one(2),
        one(9, "last"),
    ]


async def test_no_key_lies_in_the_database_as_it_is_nor_in_a_repr(house: House) -> None:
    keys = await settle(house)
    await keys.put_device_keys(ALICE, "D", b'{"canary-of-a-device-key":1}')
    await keys.add_one_time_keys(ALICE, "D", [one(1, "canary-of-a-device-key")], 50)
    assert b"canary-of-a-device-key" not in await house.raw()
    assert "canary" not in repr(keys)


# --- the store in memory says the same ------------------------------------------------------


async def test_the_store_in_memory_keeps_the_same_promises(house: House) -> None:
    told = [await story(await settle(house, ALICE, BOB)), await story(FakeKeyStore())]
    assert told[0] == told[1]


async def story(keys: KeyStore) -> list[Any]:
    """Do a bit of everything and return all answers."""
    said: list[Any] = [
        await keys.put_device_keys(ALICE, "D", b"{}"),
        await keys.put_device_keys(ALICE, "D", b"{}"),
    ]
    await keys.add_one_time_keys(ALICE, "D", several(4), 3)
    await keys.set_fallback_keys(ALICE, "D", [one(9)])
    said.append(await keys.counts(ALICE, "D"))
    said += [await keys.claim(ALICE, "D", CURVE) for _ in range(5)]
    await keys.set_fallback_keys(ALICE, "D", [one(9)])
    said.append(await keys.counts(ALICE, "D"))
    for attempt in (
        keys.put_device_keys(ALICE, "D", b'{"a":1}'),
        keys.add_one_time_keys(ALICE, "D", [one(20), one(0, "other")], 9),
    ):
        with pytest.raises(KeyConflictError):
            await attempt
    await keys.put_cross_signing(BOB, {"master": cross("M"), "user_signing": cross("U")})
    said.append(await keys.add_signatures(ALICE, [signed(BOB, "M"), signed(BOB, "U")]))
    said.append(await keys.add_signatures(ALICE, [signed(BOB, "M")]))
    await keys.put_cross_signing(BOB, {"master": cross("N")})
    said += [await keys.signatures(ALICE, [BOB]), await keys.keys_of([ALICE, BOB])]
    said += [await keys.drop_device(ALICE, "D"), await keys.drop_device(ALICE, "D")]
    said.append(await keys.keys_of([ALICE, BOB]))
    return said
