"""A custodian's own key pair, made on that person's own machine (SEALING §3, escrow sets).

The private part lies in one file under a passphrase: Argon2id with the second recommended
parameters of RFC 9106 §4, then AES-256-GCM bound to the public part.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from halfdoor.sealing.labels import b64, canonical, unb64
from halfdoor.sealing.shares import EscrowSet
from halfdoor.sealing.suites import X25519, PrivateKey

SHORTEST_PASSPHRASE: Final = 12

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
# A COSE_Key (RFC 9052 §7) of an Ed25519 public key (RFC 9053 §7.2): kty OKP, alg EdDSA, crv
# Ed25519 and, after this head, its 32 bytes.
_COSE_ED25519: Final = bytes.fromhex("a4010103272006215820")


class CustodianError(Exception):
    """A key file or passphrase that cannot be used; the text holds neither."""


class PublicPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One custodian as the escrow set document names them; binary in base64."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    organisation: str
    employer: str
    hpke: str
    approval_key: str
    notice_url: str


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file at home: the public part in clear, the private parts sealed by the passphrase."""

    v: Literal[1]
    public: PublicPart
    salt: str
    nonce: str
    sealed: str


class _Private(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hpke: str
    approval: str | None

    def __repr__(self) -> str:
        return "_Private(…)"


def make_key(
    *,
    name: str,
    organisation: str,
    employer: str,
    notice_url: str,
    passphrase: str,
    demonstration: bool,
) -> KeyFile:
    """A fresh key pair (suite 1) of the custodian *name*, sealed by *passphrase*.

    In a *demonstration* an Ed25519 approval key lies beside it under the same passphrase;
    otherwise the public part has no approval key, and a passkey has to be registered before
    anything can be approved. CustodianError for a passphrase under 12 characters.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise CustodianError(f"the passphrase needs at least {SHORTEST_PASSPHRASE} characters.")
    key = PrivateKey.generate(X25519)
    approval = Ed25519PrivateKey.generate() if demonstration else None
    cose = _COSE_ED25519 + approval.public_key().public_bytes_raw() if approval else b""
    public = PublicPart(
        name=name,
        organisation=organisation,
        employer=employer,
        hpke=b64(key.public.raw),
        approval_key=b64(cose),
        notice_url=notice_url,
    )
    private = _Private(
        hpke=b64(key.raw), approval=b64(approval.private_bytes_raw()) if approval else None
    )
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    sealed = _cipher(passphrase, salt).encrypt(
        nonce, msgspec.json.encode(private), _bound_to(public)
    )
    return KeyFile(v=1, public=public, salt=b64(salt), nonce=b64(nonce), sealed=b64(sealed))


def open_key(raw: bytes, passphrase: str) -> tuple[PublicPart, PrivateKey]:
    """The public part and the private key of the key file *raw*.

    CustodianError when it is no key file, the passphrase is wrong, or the two parts do not belong
    together.
    """
    try:
        file = msgspec.json.decode(raw, type=KeyFile)
        salt, nonce, sealed = unb64(file.salt), unb64(file.nonce), unb64(file.sealed)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise CustodianError("this is no custodian's key file.") from None
    try:
        opened = _cipher(passphrase, salt).decrypt(nonce, sealed, _bound_to(file.public))
    except InvalidTag:
        raise CustodianError("the passphrase is wrong, or the file was changed.") from None
    private = msgspec.json.decode(opened, type=_Private)
    key = PrivateKey(X25519, unb64(private.hpke))
    if b64(key.public.raw) != file.public.hpke:
        raise CustodianError("the public part belongs to another key.")
    return file.public, key


def escrow_document(
    *,
    entity: str,
    groups: Sequence[tuple[int, Sequence[PublicPart]]],
    open_until: int | None = None,
) -> EscrowSet:
    """The checked escrow set of *groups* (k and its custodians); EscrowSetError if it is none."""
    document: dict[str, Any] = {
        "v": 1,
        "entity": entity,
        "suite": X25519,
        "groups": [
            {"k": k, "custodians": [msgspec.to_builtins(one) for one in custodians]}
            for k, custodians in groups
        ],
        "open_until": open_until,
    }
    return EscrowSet.from_document(document)


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    key = hash_secret_raw(
        passphrase.encode(),
        salt,
        time_cost=3,
        memory_cost=65_536,
        parallelism=4,
        hash_len=32,
        type=Type.ID,
    )
    return AESGCM(key)


def _bound_to(public: PublicPart) -> bytes:
    return canonical(msgspec.to_builtins(public))
