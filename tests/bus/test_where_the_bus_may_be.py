"""A bus is in this machine, or proves its name; what it knows us by is nobody else's to read."""

import base64
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halfdoor.bus.credentials import read_credentials
from halfdoor.bus.errors import BusError, UnsafeBusError
from halfdoor.bus.place import BusPlace


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nats://bus.example:4222", "is another machine: begin its address with tls://"),
        ("nats://10.1.2.3", "is another machine"),
        ("nats://127.0.0.1,nats://bus.example", "is another machine"),
        ("nats://node:secret@127.0.0.1", "holds a password"),
    ],
)
def test_an_unprotected_bus_is_refused(url: str, words: str) -> None:
    with pytest.raises(UnsafeBusError, match=words) as refused:
        BusPlace(url)
    assert "secret" not in str(refused.value)


def test_credentials_that_others_may_read_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("a-token")
    file.chmod(0o644)
    with pytest.raises(UnsafeBusError, match="chmod 600"):
        BusPlace("nats://127.0.0.1", credentials_file=file)


def test_tls_checks_the_name() -> None:
    place = BusPlace("tls://bus.example:4222")
    assert place.tls is not None
    assert place.tls.check_hostname
    assert place.tls.verify_mode is ssl.CERT_REQUIRED
    assert BusPlace("nats://[::1]:4223").servers == ("nats://[::1]:4223",)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1", "must be nats://HOST:PORT"),
        ("nats://", "must be nats://HOST:PORT"),
        ("tls://a.example,nats://127.0.0.1", "all begin with"),
        ("nats://127.0.0.1:port", "no number"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, words: str) -> None:
    with pytest.raises(BusError, match=words):
        BusPlace(url)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(BusError, match=r"credentials.*missing"):
        BusPlace("nats://127.0.0.1", credentials_file=missing)
    with pytest.raises(UnsafeBusError, match=r"certificate.*missing"):
        BusPlace("tls://bus.example", ca_file=missing)


def seed_of(raw: bytes) -> str:
    """Return a seed as NATS writes it: base32 of a prefix for a user's key, and a checksum."""
    body = bytes([18 << 3 | 20 << 3 >> 5, (20 << 3 & 31) << 3]) + raw
    return base64.b32encode(body + _crc(body).to_bytes(2, "little")).decode().rstrip("=")


def _crc(data: bytes) -> int:
    """CRC-16 as XMODEM has it."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def credentials(seed: str) -> str:
    return (
        f"-----BEGIN NATS USER JWT-----\ncanary.jwt.sig\n------END NATS USER JWT------\n\n"
        f"************************* IMPORTANT *************************\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )


def test_a_credentials_file_signs_what_the_server_asks() -> None:
    raw = bytes(range(32))
    seed = seed_of(raw)
    # The published example of the format begins so.
    assert seed.startswith("SU")
    found = read_credentials(credentials(seed))
    assert found.options["user_jwt_cb"]() == b"canary.jwt.sig"
    signature = base64.b64decode(found.options["signature_cb"]("nonce"))
    Ed25519PrivateKey.from_private_bytes(raw).public_key().verify(signature, b"nonce")
    assert "canary" not in repr(found)
    assert seed not in repr(found)


def test_a_line_is_a_name_with_a_password_or_a_token() -> None:
    assert read_credentials("node:a:b\n").options == {"user": "node", "password": "a:b"}
    assert read_credentials("a-token\n").options == {"token": "a-token"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "two\nlines",
        "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------",
        credentials("SUA"),
        credentials("SU" + "1" * 56),
        credentials("SA" + seed_of(bytes(32))[2:]),
    ],
)
def test_credentials_that_are_none_are_refused_without_being_shown(text: str) -> None:
    with pytest.raises(BusError) as refused:
        read_credentials(text)
    assert "SU" not in str(refused.value)
    assert refused.value.__cause__ is None
