"""HPKE keys of the two suites, and sealing to them (RFC 9180 base mode; SEALING §1)."""

import os
from typing import Any, Final, Self, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from halfdoor.sealing.labels import Denied, H, enc

X25519: Final = 1
XWING: Final = 2

_SEED_BYTES: Final = 64
_MLKEM_PUBLIC_BYTES: Final = 1184
_PRIVATE_BYTES: Final = {X25519: 32, XWING: 96}
_PUBLIC_BYTES: Final = {X25519: 32, XWING: 1216}
_HPKE: Final = {
    X25519: Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
    XWING: Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
}


@final
class PublicKey:
    """Someone who can be sealed to; immutable, and equal to any other reading of its bytes."""

    __slots__ = ("_key", "kid", "raw", "suite")

    suite: int
    raw: bytes
    kid: bytes

    def __init__(self, suite: int, raw: bytes, *, key: Any = None) -> None:
        """Read *raw*: 32 bytes (suite 1) or 1,216 (suite 2). *key* is its parsed form, if known."""
        if len(raw) != _PUBLIC_BYTES.get(suite):
            raise Denied
        self.suite = suite
        self.raw = raw
        self.kid = H(enc("kid", suite, raw))
        self._key = key or _read_public(suite, raw)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read `suite ‖ raw`; an unknown suite is `Denied`, never guessed."""
        return cls(int.from_bytes(data[:1], "big"), data[1:])

    def to_bytes(self) -> bytes:
        """Return `suite ‖ raw`, the stored form."""
        return bytes([self.suite]) + self.raw

    def seal(self, info: bytes, pt: bytes) -> bytes:
        """Return `suite ‖ enc ‖ ct`; *info*, an `enc`, binds the context. Holds the GIL."""
        try:
            return bytes([self.suite]) + _HPKE[self.suite].encrypt(pt, self._key, info)
        except ValueError:  # A point of low order, which agrees on nothing secret.
            pass
        raise Denied

    def __setattr__(self, name: str, value: object) -> None:
        # A key that could change under its kid would let a reader be swapped after the check.
        if hasattr(self, name):
            raise AttributeError(f"{name} of a public key never changes")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and other.kid == self.kid

    def __hash__(self) -> int:
        return hash(self.kid)

    def __repr__(self) -> str:
        return f"PublicKey(suite={self.suite}, kid={self.kid.hex()})"


@final
class PrivateKey:
    """Someone who can open. The ML-KEM seed is expanded once, when the key is read."""

    __slots__ = ("_key", "public", "raw", "suite")

    suite: int
    raw: bytes
    public: PublicKey

    def __init__(self, suite: int, raw: bytes) -> None:
        """Read *raw*: 32 bytes (suite 1), or ML-KEM seed 64 ‖ X25519 32 (suite 2)."""
        if len(raw) != _PRIVATE_BYTES.get(suite):
            raise Denied
        self.suite = suite
        self.raw = raw
        self._key: Any
        if suite == X25519:
            point = X25519PrivateKey.from_private_bytes(raw)
            self._key = point
            public = point.public_key().public_bytes_raw()
        else:
            lattice = MLKEM768PrivateKey.from_seed_bytes(raw[:_SEED_BYTES])
            point = X25519PrivateKey.from_private_bytes(raw[_SEED_BYTES:])
            self._key = MLKEM768X25519PrivateKey(lattice, point)
            public = lattice.public_key().public_bytes_raw() + point.public_key().public_bytes_raw()
        self.public = PublicKey(suite, public, key=self._key.public_key())

    @classmethod
    def generate(cls, suite: int) -> Self:
        """Return a fresh key of *suite*."""
        return cls(suite, os.urandom(_PRIVATE_BYTES.get(suite, 0)))

    @classmethod
    def from_bytes(cls, suite: int, raw: bytes) -> Self:
        """Read a key from its *raw* bytes; a wrong length or suite is `Denied`."""
        return cls(suite, raw)

    @property
    def kid(self) -> bytes:
        """The name of this key, 32 bytes."""
        return self.public.kid

    def open(self, info: bytes, blob: bytes) -> bytes:
        """Return what was sealed to this key under *info*, else `Denied`."""
        # The byte is compared with the key, not looked up: no blob can choose its suite.
        if blob[:1] != bytes([self.suite]):
            raise Denied
        try:
            return _HPKE[self.suite].decrypt(blob[1:], self._key, info)
        except (InvalidTag, ValueError):
            pass
        raise Denied

    def __repr__(self) -> str:
        return f"PrivateKey(kid={self.kid.hex()})"


def _read_public(suite: int, raw: bytes) -> X25519PublicKey | MLKEM768X25519PublicKey:
    """Return the library's key of *raw*, whose length fits *suite*."""
    if suite == X25519:
        return X25519PublicKey.from_public_bytes(raw)
    try:
        lattice = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
    except ValueError:  # Coefficients beyond the modulus (FIPS 203 §7.2).
        lattice = None
    if lattice is None:
        raise Denied
    return MLKEM768X25519PublicKey(
        lattice, X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:])
    )
