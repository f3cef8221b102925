"""Slots of the user key: each opens for its own secret, user, session and kind only."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import reduce
from operator import xor

import base58
import pytest

from halfdoor import ids
from halfdoor.sealing import slots
from halfdoor.sealing.labels import MacKey, enc
from halfdoor.sealing.opening import user_keys
from halfdoor.sealing.suites import XWING, PrivateKey
from halfdoor.sealing.symmetric import wrap

Expect = Callable[[], AbstractContextManager[None]]

ALICE = "@alice:a.example"
BOB = "@bob:a.example"
R = bytes(range(32))


def test_a_new_login_after_an_admin_reset_does_not_open_the_old_slot(
    denied: Expect, alice: PrivateKey
) -> None:
    """SEALING §8 no. 27: the reset changes the verifier; the slot stays under the old password."""
    old = slots.password_secrets("old", bytes(16))
    blob = slots.wrap_user_key(old.kek, alice, ALICE, "pw")
    new = slots.password_secrets("reset by an admin", bytes(16))
    with denied():
        user_keys.open_user_key(new.kek, blob, ALICE, alice.kid, "pw")
    with denied():
        user_keys.open_user_key(old.verifier, blob, ALICE, alice.kid, "pw")
    assert user_keys.open_user_key(old.kek, blob, ALICE, alice.kid, "pw").raw == alice.raw


def test_the_value_that_finds_a_token_opens_nothing(denied: Expect, alice: PrivateKey) -> None:
    """SEALING §8 no. 27: a database holds the lookup value, never the key."""
    kek, lookup = slots.token_kek(R), slots.token_lookup(bytes(32), R)
    blob = slots.wrap_user_key(kek, alice, ALICE, "acc:S1")
    for key in (lookup, R):
        with denied():
            user_keys.open_user_key(key, blob, ALICE, alice.kid, "acc:S1")


def test_a_slot_cannot_be_moved_between_sessions_kinds_or_users(
    denied: Expect, alice: PrivateKey, bob: PrivateKey
) -> None:
    """SEALING §8 no. 27."""
    kek = slots.token_kek(R)
    blob = slots.wrap_user_key(kek, alice, ALICE, "acc:S1")
    for user, kid, slot in (
        (ALICE, alice.kid, "acc:S2"),
        (ALICE, alice.kid, "ref:S1"),
        (BOB, alice.kid, "acc:S1"),
        (ALICE, bob.kid, "acc:S1"),
    ):
        with denied():
            user_keys.open_user_key(kek, blob, user, kid, slot)
    assert user_keys.open_user_key(kek, blob, ALICE, alice.kid, "acc:S1").kid == alice.kid


def test_a_slot_that_holds_another_key_than_its_row_names_is_refused(
    denied: Expect, alice: PrivateKey, bob: PrivateKey
) -> None:
    kek = slots.token_kek(R)
    info = enc("uk-wrap", ALICE, alice.kid, "pw")
    for inside in (bob.raw, b"", alice.raw[:95]):
        with denied():
            user_keys.open_user_key(kek, wrap(kek, inside, info), ALICE, alice.kid, "pw")


def test_a_short_key_is_no_weaker_cipher_but_refused(denied: Expect, alice: PrivateKey) -> None:
    for length in (0, 16, 24, 31, 33):
        with denied():
            slots.wrap_user_key(bytes(length), alice, ALICE, "pw")
        with denied():
            user_keys.open_user_key(bytes(length), bytes(200), ALICE, alice.kid, "pw")


def test_a_cut_blob_is_refused_at_any_length(denied: Expect, alice: PrivateKey) -> None:
    kek = slots.token_kek(R)
    blob = slots.wrap_user_key(kek, alice, ALICE, "pw")
    for length in (0, 5, 12, 27, len(blob) - 1):
        with denied():
            user_keys.open_user_key(kek, blob[:length], ALICE, alice.kid, "pw")


def test_a_salt_has_16_bytes_and_a_password_is_text(denied: Expect) -> None:
    for salt in (bytes(15), bytes(17), b""):
        with denied():
            slots.password_secrets("x", salt)
    with denied():
        slots.password_secrets("\ud800", bytes(16))


def test_a_token_has_one_spelling_and_one_kind(denied: Expect) -> None:
    access, refresh = slots.make_token("acc", 7, R), slots.make_token("ref", 7, R)
    assert slots.read_token(access, "acc") == slots.read_token(refresh, "ref") == (7, R)
    for text in (
        refresh,
        "",
        "hda1.",
        access[:-1],
        access + "A",
        access + "=",
        access.replace("hda1.", "hda2."),
        access.removeprefix("hda1."),
        "hda1." + access,
        " " + access,
        access + "\n",
        "hda1.é" + access[6:],
    ):
        with denied():
            slots.read_token(text, "acc")


@pytest.mark.parametrize("ub", [-1, 4096])
def test_a_token_names_a_bucket_there_is(denied: Expect, ub: int) -> None:
    with denied():
        slots.make_token("acc", ub, R)


def test_a_token_carries_32_bytes(denied: Expect) -> None:
    for r in (b"", R[:-1], R + b"\x00"):
        with denied():
            slots.make_token("acc", 7, r)


def recovery_key(payload: bytes) -> str:
    return base58.b58encode(payload + bytes([reduce(xor, payload)])).decode()


def test_a_recovery_key_reads_back_and_a_mistyped_one_does_not(denied: Expect) -> None:
    text = slots.recovery_text(R)
    assert text.startswith("Es")
    assert slots.read_recovery_text(text) == R
    assert slots.read_recovery_text(f"\t{text.replace(' ', '')}\n") == R
    for n in range(len(text.replace(" ", ""))):
        letters = list(text.replace(" ", ""))
        letters[n] = "z" if letters[n] != "z" else "y"
        with denied():
            slots.read_recovery_text("".join(letters))


def test_a_well_made_recovery_key_of_another_length_or_kind_is_refused(denied: Expect) -> None:
    for payload in (b"\x8b\x01" + R[:-1], b"\x8b\x01" + R + b"\x00", b"\x8b\x02" + R):
        with denied():
            slots.read_recovery_text(recovery_key(payload))
    assert slots.read_recovery_text(recovery_key(b"\x8b\x01" + R)) == R
    for text in ("", "0" * 48, "é" * 48):
        with denied():
            slots.read_recovery_text(text)


def test_a_secret_of_another_length_makes_no_key(denied: Expect) -> None:
    for make in (slots.recovery_text, slots.recovery_private, slots.pending_private):
        for secret in (b"", R[:-1], R + b"\x00"):
            with denied():
                make(secret)


def test_the_recovery_key_opens_its_own_users_key_only(
    denied: Expect, alice: PrivateKey, bob: PrivateKey
) -> None:
    recovery = slots.recovery_private(R)
    blob = slots.seal_recovery(alice, ALICE, recovery.public)
    assert user_keys.open_recovery(recovery, blob, ALICE, alice.kid).raw == alice.raw
    for user, kid in ((BOB, alice.kid), (ALICE, bob.kid)):
        with denied():
            user_keys.open_recovery(recovery, blob, user, kid)
    with denied():
        user_keys.open_recovery(slots.pending_private(R), blob, ALICE, alice.kid)
    forged = recovery.public.seal(enc("uk-rec", ALICE, alice.kid), bob.raw)
    with denied():
        user_keys.open_recovery(recovery, forged, ALICE, alice.kid)


def test_an_approval_serves_one_pending_session(denied: Expect, alice: PrivateKey) -> None:
    """SEALING §8 no. 53, as far as keys decide it."""
    pending = slots.pending_private(R)
    blob = slots.seal_approval(alice, ALICE, "S9", pending.public)
    opened = user_keys.open_approval(pending, blob, ALICE, alice.kid, "S9")
    assert opened.raw == alice.raw
    with denied():
        user_keys.open_approval(pending, blob, ALICE, alice.kid, "S8")
    with denied():
        user_keys.open_approval(slots.pending_private(R[::-1]), blob, ALICE, alice.kid, "S9")


def test_a_pending_slot_holds_the_secret_of_the_key_it_names(denied: Expect) -> None:
    kek, kid = slots.token_kek(R), slots.pending_private(R).kid
    blob = slots.wrap_pending_secret(kek, R, ALICE, "pend-acc:S9")
    assert user_keys.open_pending(kek, blob, ALICE, kid, "pend-acc:S9") == R
    with denied():
        user_keys.open_pending(kek, blob, ALICE, kid, "pend-ref:S9")
    for inside in (R[::-1], R[:-1]):
        forged = wrap(kek, inside, enc("uk-wrap", ALICE, kid, "pend-acc:S9"))
        with denied():
            user_keys.open_pending(kek, forged, ALICE, kid, "pend-acc:S9")


def test_the_key_before_opens_under_its_successor(
    denied: Expect, alice: PrivateKey, bob: PrivateKey
) -> None:
    new = PrivateKey.generate(XWING)
    blob = slots.seal_previous(alice, ALICE, new.public)
    assert user_keys.open_previous(new, blob, ALICE, alice.kid).raw == alice.raw
    with denied():
        user_keys.open_previous(new, blob, ALICE, bob.kid)
    with denied():
        user_keys.open_previous(bob, blob, ALICE, alice.kid)


def test_account_data_opens_for_its_own_type_and_room(denied: Expect, alice: PrivateKey) -> None:
    blob = slots.seal_account_data(alice, ALICE, "m.tag", "!r:x", b"{}")
    assert user_keys.open_account_data(alice, blob, ALICE, "m.tag", "!r:x") == b"{}"
    for user, kind, room in (
        (BOB, "m.tag", "!r:x"),
        (ALICE, "m.direct", "!r:x"),
        (ALICE, "m.tag", ""),
    ):
        with denied():
            user_keys.open_account_data(alice, blob, user, kind, room)


def test_a_retry_has_the_id_of_the_request_it_repeats() -> None:
    request = ("K" * 32, "S", "D", "!r:x", "send/m.room.message", "t1")

    def event_id(*parts: str) -> str:
        k_id, sender, device, conv, endpoint, txn = parts
        return slots.transaction_event_id(
            MacKey(k_id.encode()), sender, device, conv, endpoint, txn
        )

    assert event_id(*request) == event_id(*request)
    assert ids.read_id("$", event_id(*request))[0] == ids.bucket("!r:x")
    for n in range(len(request)):
        other = [*request]
        other[n] += "'"
        assert event_id(*other) != event_id(*request)
