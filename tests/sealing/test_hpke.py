"""HPKE keys: against an independent implementation, and against the published X-Wing vector."""

import hashlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId

from halfdoor.sealing.labels import enc, expand, mac
from halfdoor.sealing.suites import X25519, XWING, PrivateKey, PublicKey

Expect = Callable[[], AbstractContextManager[None]]

ORACLE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES256_GCM)
KEYS = {suite: PrivateKey.generate(suite) for suite in (X25519, XWING)}


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=40))
def test_another_implementation_opens_what_we_seal(pt: bytes, info: bytes) -> None:
    key = KEYS[X25519]
    blob = key.public.seal(info, pt)
    private = ORACLE.kem.deserialize_private_key(key.raw)
    assert ORACLE.create_recipient_context(blob[1:33], private, info).open(blob[33:]) == pt


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=100), st.binary(max_size=40))
def test_we_open_what_another_implementation_seals(pt: bytes, info: bytes) -> None:
    key = KEYS[X25519]
    public = ORACLE.kem.deserialize_public_key(key.public.raw)
    enc_bytes, context = ORACLE.create_sender_context(public, info)
    assert key.open(info, b"\x01" + enc_bytes + context.seal(pt)) == pt


def rfc9180_key_schedule(kem: int, shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of base mode, HKDF-SHA256, AES-256-GCM: RFC 9180 §4 and §5.1, plainly."""
    suite = b"HPKE" + kem.to_bytes(2, "big") + (1).to_bytes(2, "big") + (2).to_bytes(2, "big")

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    def labeled_expand(prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
        return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, length)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")
    return labeled_expand(secret, b"key", context, 32), labeled_expand(
        secret, b"base_nonce", context, 12
    )


def test_the_published_x_wing_vector_is_our_suite_2() -> None:
    file = Path(__file__).parents[1] / "vectors" / "sealing.json"
    published = {
        name: bytes.fromhex(value.removeprefix("hex:"))
        for name, value in json.loads(file.read_text())["values"]["xwing"].items()
        if name != "source"
    }
    # X-Wing expands its seed with SHAKE-256 to the private key that HPKE stores expanded.
    key = PrivateKey.from_bytes(XWING, hashlib.shake_256(published["seed"]).digest(96))
    assert key.public.raw[:32] == published["pk_first"]
    assert key.public.raw[-32:] == published["pk_last"]
    # The shared secret is not to be had from outside, but only it gives this key and nonce.
    info = enc("test", 1)
    aes_key, nonce = rfc9180_key_schedule(0x647A, published["ss"], info)
    sealed = AESGCM(aes_key).encrypt(nonce, b"hello", b"")
    assert key.open(info, b"\x02" + published["ct"] + sealed) == b"hello"


@pytest.mark.parametrize("suite", [X25519, XWING])
def test_one_flipped_bit_anywhere_opens_nothing(denied: Expect, suite: int) -> None:
    key = KEYS[suite]
    blob = key.public.seal(b"info", b"secret")
    for n in [*range(0, len(blob), 37), len(blob) - 1]:
        flipped = bytearray(blob)
        flipped[n] ^= 0x10
        with denied():
            key.open(b"info", bytes(flipped))
    for cut in (0, 1, 33, len(blob) - 1):
        with denied():
            key.open(b"info", blob[:cut])
    with denied():
        key.open(b"other", blob)


def test_a_blob_of_another_suite_is_refused_by_its_first_byte(denied: Expect) -> None:
    blob = KEYS[X25519].public.seal(b"", b"x")
    for suite in (0, 2, 3, 255):
        with denied():
            KEYS[X25519].open(b"", bytes([suite]) + blob[1:])


@pytest.mark.parametrize("suite", [0, 3, 255])
def test_an_unknown_suite_is_never_guessed(denied: Expect, suite: int) -> None:
    for known in (X25519, XWING):
        with denied():
            PublicKey(suite, KEYS[known].public.raw)
        with denied():
            PrivateKey.from_bytes(suite, KEYS[known].raw)
    with denied():
        PrivateKey.generate(suite)


@pytest.mark.parametrize("suite", [X25519, XWING])
def test_a_key_of_another_length_is_refused(denied: Expect, suite: int) -> None:
    key = KEYS[suite]
    for raw in (b"", key.raw[:-1], key.raw + b"\x00"):
        with denied():
            PrivateKey.from_bytes(suite, raw)
    for raw in (b"", key.public.raw[:-1], key.public.raw + b"\x00"):
        with denied():
            PublicKey(suite, raw)
    with denied():
        PublicKey.from_bytes(b"")


def test_a_public_key_that_breaks_its_own_rules_is_refused(denied: Expect) -> None:
    with denied():
        PublicKey(XWING, b"\xff" * 1216)
    # All zero is a point of low order: whatever is sealed to it, everybody could open.
    with denied():
        PublicKey(X25519, bytes(32)).seal(b"", b"x")


def test_a_public_key_reads_back_and_never_changes() -> None:
    for key in KEYS.values():
        public = PublicKey.from_bytes(key.public.to_bytes())
        assert public == key.public
        assert hash(public) == hash(key.public)
        assert key.open(b"i", public.seal(b"i", b"x")) == b"x"
        for name in ("kid", "raw", "suite"):
            with pytest.raises(AttributeError, match=name):
                setattr(public, name, b"")
    assert KEYS[X25519].public != KEYS[XWING].public
    assert KEYS[X25519].public != "a key"
