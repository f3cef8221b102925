"""The one input form of every hash, key and seal (SEALING §1), and the one refusal."""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any, Final, final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

_INT_LIMIT: Final = 2**53
_HASH_BLOCK: Final = 64
_IPAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OPAD: Final = bytes(byte ^ 0x5C for byte in range(256))


@final
class Denied(Exception):  # noqa: N818 - the specification's name
    """It does not open, or may not be sealed; nobody is told why (SEALING §1)."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "denied"


class CheckError(Exception):
    """A check on public or presented facts failed; the message names the check."""


def H(data: bytes) -> bytes:  # noqa: N802 - the specification's name
    """Return SHA-256 of *data*, 32 bytes."""
    return sha256(data).digest()


@cache
def prefix(label: str) -> bytes:
    """Return what every `enc` under *label* begins with; callers pass constants only."""
    return b"halfdoor/v1/" + label.encode() + b"\x00"


def extend(head: bytes, *fields: str | int | bytes) -> bytes:
    """Append *fields* to a part of an `enc` already made, as `enc` itself would.

    Text is UTF-8, an integer 8 bytes big-endian (0 to 2^64-1), bytes stay as they are, each
    after its length in 4 bytes. Anything else, booleans and null among them, is `Denied`.
    """
    parts = [head]
    try:
        for field in fields:
            if type(field) is str:
                data = field.encode()
            elif type(field) is bytes:
                data = field
            elif type(field) is int:
                data = field.to_bytes(8, "big")
            else:
                break
            parts += (len(data).to_bytes(4, "big"), data)
        else:
            return b"".join(parts)
    except (UnicodeEncodeError, OverflowError):
        pass
    raise Denied


def enc(label: str, *fields: str | int | bytes) -> bytes:
    """Return the unambiguous encoding of *fields* under *label* (SEALING §1)."""
    return extend(prefix(label), *fields)


def canonical(value: Any) -> bytes:
    """Return JSON(*value*): RFC 8785 without floats, wide integers or keys beyond ASCII.

    Lists and tuples are arrays. What the restricted form does not know is `Denied`.
    """
    try:
        _check_value(value)
        return msgspec.json.encode(value, order="sorted")
    except (UnicodeEncodeError, RecursionError):
        pass
    raise Denied


def canonical_key(values: Sequence[str | int | bytes]) -> bytes:
    """Return JSON of a row's key: a list in which binary is base64, as `b64` writes it."""
    try:
        for value in values:
            if type(value) is not bytes:
                _check_value(value)
        return msgspec.json.encode(values)
    except UnicodeEncodeError:
        pass
    raise Denied


def parse_canonical(data: bytes) -> Any:
    """Return the value of *data*, which must be canonical JSON to the byte, else `Denied`."""
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError):
        value = _Unreadable
    # Written again and compared: blanks, key order, double keys, escapes, -0 and 1.0 all differ.
    if canonical(value) != data:
        raise Denied
    return value


class _Unreadable:
    """Stands for bytes that are no JSON; `canonical` knows no such value and refuses it."""


def _check_value(value: Any) -> None:
    """Refuse what JSON() may not hold."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        if not -_INT_LIMIT < value < _INT_LIMIT:
            raise Denied
    elif kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                raise Denied
            _check_value(item)
    elif kind is list or kind is tuple:
        for item in value:
            _check_value(item)
    else:
        raise Denied


def kdf(k: bytes, info: bytes, length: int = 32) -> bytes:
    """Return *length* bytes of HKDF-SHA256 over *k* with empty salt (RFC 5869)."""
    return HKDF(SHA256(), length, None, info).derive(k)


def expand(k: bytes, info: bytes, length: int = 32) -> bytes:
    """Return *length* bytes of HKDF-Expand alone; *k* must be uniform (RFC 5869 §2.3)."""
    return HKDFExpand(SHA256(), length, info).derive(k)


def mac(k: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA256 of *data* under *k*, 32 bytes (RFC 2104)."""
    # Not `hmac.digest`: that lets other threads in for every few bytes, and the event loop then
    # waits for its turn longer than the hash takes.
    return hmac.new(k, data, sha256).digest()


@final
class MacKey:
    """HMAC-SHA256 under one key that is asked often (RFC 2104): its two hash states stand ready.

    The same as `mac`, at half its price: the standard library's own object copies more.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, k: bytes) -> None:
        if len(k) > _HASH_BLOCK:
            raise Denied
        padded = k.ljust(_HASH_BLOCK, b"\0")
        self._inner = sha256(padded.translate(_IPAD))
        self._outer = sha256(padded.translate(_OPAD))

    def mac(self, data: bytes) -> bytes:
        """Return HMAC-SHA256 of *data*, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data)
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        return "MacKey(…)"


def b64(data: bytes) -> str:
    """Return RFC 4648 base64 with padding, the form of binary inside JSON."""
    return b64encode(data).decode()


def unb64(text: str) -> bytes:
    """Return the bytes of *text*; any but the one right spelling is `Denied`."""
    try:
        data = b64decode(text, validate=True)
    except (ValueError, TypeError):
        data = None
    if data is None or b64(data) != text:
        raise Denied
    return data


def same_bytes(a: bytes, b: bytes) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(a, b)
