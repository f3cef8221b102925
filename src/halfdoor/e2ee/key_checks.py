"""Whether keys have their form, their owner and their signature (CS-API, "Key management"). Pure.

The server reads nothing with them. It checks so that no client stores what the next cannot use.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from halfdoor.e2ee.errors import (
    BadKeysError,
    BadSignatureError,
    TooManyKeysError,
    WrongOwnerError,
)
from halfdoor.e2ee.key_store import OneTimeKey, Usage
from halfdoor.sealing.labels import Denied, canonical

ONE_TIME: Final = "signed_curve25519"
USAGES: Final[tuple[Usage, ...]] = ("master", "self_signing", "user_signing")
# Clients keep 50 or 100 ready; of a request that carries more, nothing is taken.
MOST_AT_ONCE: Final = 500
_MOST_BYTES: Final = 8_192
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_KEY_ID: Final = re.compile(r"[A-Za-z0-9+/_=-]{1,255}")
_UNSIGNED: Final = frozenset({"signatures", "unsigned"})

T = TypeVar("T")

Signatures = Mapping[str, Mapping[str, str]]
_Names = Annotated[list[str], msgspec.Meta(max_length=32)]
_Keys = Annotated[dict[str, str], msgspec.Meta(max_length=8)]


class _DeviceKeys(msgspec.Struct, frozen=True):
    user_id: str
    device_id: str
    algorithms: _Names
    keys: _Keys
    signatures: dict[str, dict[str, str]]


class _OneTimeKey(msgspec.Struct, frozen=True):
    key: str
    signatures: dict[str, dict[str, str]]
    fallback: bool = False


class _CrossSigningKey(msgspec.Struct, frozen=True):
    user_id: str
    usage: _Names
    keys: Annotated[dict[str, str], msgspec.Meta(min_length=1, max_length=1)]
    signatures: dict[str, dict[str, str]] = {}


def check_device_keys(given: Any, user: str, device: str) -> bytes:
    """Return the identity keys of *device* as they are kept: canonical, signed by itself alone.

    `BadKeysError`, `WrongOwnerError`, `BadSignatureError`.
    """
    read = _shaped(given, _DeviceKeys, "device_keys")
    if (read.user_id, read.device_id) != (user, device):
        raise WrongOwnerError("device_keys belong to another person or device")
    for name in read.keys:
        if name.partition(":")[2] != device:
            raise WrongOwnerError("device_keys name a key of another device")
    decoded(read.keys.get(f"curve25519:{device}", ""))
    key_id = f"ed25519:{device}"
    signature = signature_of(given, user, key_id)
    check_signature(given, read.keys.get(key_id, ""), signature)
    return kept(given, {user: {key_id: signature}})


def check_one_time_keys(
    given: Any, user: str, device: str, signing_key: str, *, fallback: bool
) -> list[OneTimeKey]:
    """Return one-time keys, or fallback keys, in the order they came.

    Each is signed by the device, whose ed25519 key is *signing_key*. `BadKeysError`,
    `BadSignatureError`, `TooManyKeysError`.
    """
    if not isinstance(given, dict):
        raise BadKeysError("one-time keys must be an object")
    if len(given) > MOST_AT_ONCE:
        raise TooManyKeysError("more one-time keys than are taken at once")
    found = []
    for name, key in given.items():
        algorithm, _, key_id = name.partition(":")
        if algorithm != ONE_TIME or not _KEY_ID.fullmatch(key_id):
            raise BadKeysError("one-time keys are named signed_curve25519:ID")
        read = _shaped(key, _OneTimeKey, "a one-time key")
        decoded(read.key)
        if fallback and not read.fallback:
            raise BadKeysError("a fallback key says that it is one")
        signed_by = f"ed25519:{device}"
        signature = signature_of(key, user, signed_by)
        check_signature(key, signing_key, signature)
        found.append(OneTimeKey(algorithm, key_id, kept(key, {user: {signed_by: signature}})))
    return found


def check_cross_signing_key(given: Any, user: str, usage: Usage) -> str:
    """Return the public key in a cross-signing key for *usage*, unpadded base64.

    `BadKeysError`, `WrongOwnerError`. Who signed it is for the caller to check.
    """
    read = _shaped(given, _CrossSigningKey, f"{usage}_key")
    if read.user_id != user:
        raise WrongOwnerError(f"{usage}_key belongs to another person")
    if usage not in read.usage:
        raise BadKeysError(f"{usage}_key does not say that this is its use")
    [(name, public)] = read.keys.items()
    decoded(public)
    if name != f"ed25519:{public}":
        raise BadKeysError(f"{usage}_key is not named by its key")
    return public


def check_signature(signed: Mapping[str, Any], public: str, signature: str) -> None:
    """Check that *signature* on the object *signed* was made by *public* (both base64).

    `BadSignatureError`; `BadKeysError` for a key, or an object, that is none.
    """
    key = Ed25519PublicKey.from_public_bytes(decoded(public))
    said = _said(signed)
    try:
        key.verify(decoded(signature, _SIGNATURE_BYTES), said)
    except (InvalidSignature, BadKeysError):
        raise BadSignatureError("a signature was not made by the key it names") from None


def signatures_of(signed: Mapping[str, Any]) -> Signatures:
    """Return the signatures on an object, by user and key; `BadKeysError` for another shape."""
    try:
        return msgspec.convert(signed.get("signatures", {}), dict[str, dict[str, str]])
    except msgspec.ValidationError:
        raise BadKeysError("signatures name keys for each user") from None


def signature_of(signed: Any, user: str, key_id: str) -> str:
    """Return the signature by the key *key_id* of *user*; `BadSignatureError` without one."""
    found = signatures_of(signed).get(user, {}).get(key_id)
    if found is None:
        raise BadSignatureError("the signature by its own key is missing")
    return found


def public_key_of(stored: bytes) -> str:
    """Return the public key in a cross-signing key as it is kept."""
    [public] = msgspec.json.decode(stored, type=_CrossSigningKey).keys.values()
    return public


def signing_key_of(stored: bytes, device: str) -> str:
    """Return the ed25519 key in the identity keys of *device* as they are kept."""
    return msgspec.json.decode(stored, type=_DeviceKeys).keys[f"ed25519:{device}"]


def says_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two objects agree in all that is signed."""
    return _said(one) == _said(other)


def kept(given: Mapping[str, Any], signatures: Signatures) -> bytes:
    """Return *given* as it is kept, with these signatures alone; `TooManyKeysError` if too long."""
    said = {name: value for name, value in given.items() if name not in _UNSIGNED}
    made = as_canonical({**said, "signatures": signatures} if signatures else said)
    if len(made) > _MOST_BYTES:
        raise TooManyKeysError("a key is longer than is kept")
    return made


def as_canonical(value: Any) -> bytes:
    """Return canonical JSON (Matrix, "Canonical JSON"); `BadKeysError` for what it cannot say."""
    try:
        return canonical(value)
    except Denied:
        raise BadKeysError("keys hold whole numbers and text alone") from None


def decoded(text: str, length: int = _KEY_BYTES) -> bytes:
    """Return the *length* bytes of unpadded base64, which has one spelling; `BadKeysError`."""
    try:
        found = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        found = b""
    if len(found) != length or b64encode(found).rstrip(b"=").decode() != text:
        raise BadKeysError(f"a key or signature is not unpadded base64 of {length} bytes")
    return found


def _said(signed: Mapping[str, Any]) -> bytes:
    return as_canonical({name: item for name, item in signed.items() if name not in _UNSIGNED})


def _shaped(given: Any, shape: type[T], name: str) -> T:
    if not isinstance(given, dict):
        raise BadKeysError(f"{name} must be an object")
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError:
        raise BadKeysError(f"{name} does not have the form of such a key") from None
