"""What is decided about rows of public keys, without a database: swapped, repeated, replaced."""

import msgspec
import pytest
from tests.store.houses import SqliteHouse

from halfdoor.e2ee.key_store import KeyConflictError, OneTimeKey, SignatureRow, UserKeys
from halfdoor.ids import bucket
from halfdoor.sealing.labels import H
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.e2ee_key_records import FallbackKeyRow
from halfdoor.store.e2ee_key_rows import KeyRows, in_order, once, user_keys, with_fallback

ALICE, BOB = "@alice:a.example", "@bob:a.example"
AT = (bucket(ALICE), ALICE, "D")
KEY = OneTimeKey("curve", "AAA1", b'"key"')


@pytest.fixture
async def rows(embedded: SqliteHouse) -> KeyRows:
    return KeyRows(embedded.store.keys)


async def test_no_row_opens_in_another_place(rows: KeyRows) -> None:
    device = rows.put_device_key(AT, b"{}")[-2:]
    assert rows.device_key(ALICE, "D", device) == b"{}"
    for user, name in ((BOB, "D"), (ALICE, "E")):
        with pytest.raises(RowMacError):
            rows.device_key(user, name, device)
    cross = rows.put_cross_key(ALICE, "master", b"{}")[-2:]
    for user, usage in ((BOB, "master"), (ALICE, "user_signing")):
        with pytest.raises(RowMacError):
            rows.cross_key(user, usage, cross)
    fallback = rows.put_fallback_key(AT, "curve", FallbackKeyRow("A", b"1"))[-2:]
    with pytest.raises(RowMacError):
        rows.fallback_key(AT, "other", fallback)
    signed = rows.put_signature(ALICE, SignatureRow(ALICE, BOB, "M", "ed25519:K", "s"))[-2:]
    assert rows.signature(ALICE, BOB, "M", "ed25519:K", signed) == "s"
    for signer, target in ((BOB, "M"), (ALICE, "N")):
        with pytest.raises(RowMacError):
            rows.signature(signer, BOB, target, "ed25519:K", signed)


async def test_a_key_that_was_given_is_not_given_again_whatever_its_columns_say(
    rows: KeyRows,
) -> None:
    n, sealed, mac = rows.put_one_time_key(AT, KEY, 7)[-3:]
    given = rows.give(AT, "curve", (KEY.id, n, 0, sealed, mac))
    assert (given.key, given.n) == (KEY, 7)
    after = given.values[:2]
    for columns in ((7, 0), (8, 1), (8, 0)):
        with pytest.raises(RowMacError):
            rows.give(AT, "curve", (KEY.id, *columns, *after))
    for columns in ((6, 0), (7, 1)):
        with pytest.raises(RowMacError):
            rows.give(AT, "curve", (KEY.id, *columns, sealed, mac))


async def test_of_a_key_that_was_given_its_hash_is_left(rows: KeyRows) -> None:
    n, sealed, mac = rows.put_one_time_key(AT, KEY, 7)[-3:]
    given = rows.give(AT, "curve", (KEY.id, n, 0, sealed, mac))
    row = ("curve", KEY.id, 7, 1, *given.values[:2])
    assert rows.same_one_time_key(AT, KEY, row)
    for other in (b'"other"', H(KEY.key)):
        assert not rows.same_one_time_key(AT, OneTimeKey("curve", KEY.id, other), row)


async def test_only_the_public_key_that_is_replaced_goes(rows: KeyRows) -> None:
    key = msgspec.json.encode({"keys": {"ed25519:A": "A"}})
    row = rows.put_cross_key(ALICE, "master", key)[-2:]
    again = msgspec.json.encode({"keys": {"ed25519:A": "A"}, "signatures": {}})
    other = msgspec.json.encode({"keys": {"ed25519:B": "B"}})
    assert rows.replaced(ALICE, "master", None, other) == []
    assert rows.replaced(ALICE, "master", row, again) == []
    assert rows.replaced(ALICE, "master", row, other) == ["A"]


def test_two_keys_of_one_id_are_refused_and_the_same_twice_is_one() -> None:
    with pytest.raises(KeyConflictError):
        once([KEY, OneTimeKey("curve", KEY.id, b"other")])
    other = OneTimeKey("other", KEY.id, b"other")
    assert once([KEY, other, KEY]) == [KEY, other]


def test_a_fallback_key_is_new_where_its_id_or_its_content_is() -> None:
    used = FallbackKeyRow(KEY.id, KEY.key, used=True)
    assert with_fallback(used, KEY) is None
    for kept in (None, FallbackKeyRow("AAA0", KEY.key, used=True), FallbackKeyRow(KEY.id, b"")):
        assert with_fallback(kept, KEY) == FallbackKeyRow(KEY.id, KEY.key)


def test_who_has_no_key_is_left_out() -> None:
    assert user_keys({}, {}) is None
    assert user_keys({}, {"master": b"{}"}) == UserKeys(cross={"master": b"{}"})


def test_signatures_are_written_in_the_order_of_their_buckets() -> None:
    people = [f"@p{number}:a.example" for number in range(9)]
    found = in_order([SignatureRow(ALICE, one, "M", "ed25519:K", "s") for one in people])
    assert [one.user for one in found] == sorted(people, key=lambda one: (bucket(one), one))
