"""Keys that sign notes: their names, ids and text form (C2SP signed-note, tlog-cosignature)."""

import re
from enum import IntEnum
from hashlib import sha256
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from halfdoor.merkle import base64_text
from halfdoor.merkle.errors import RefusedError

_KEY_ID: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
MOST_NAME_BYTES: Final = 255


class Kind(IntEnum):
    """Signature types that are understood here."""

    ED25519 = 0x01
    COSIGNATURE = 0x04
    COSIGNATURE_ML_DSA_44 = 0x06


KEY_BYTES: Final = {
    Kind.ED25519: 32,
    Kind.COSIGNATURE: 32,
    Kind.COSIGNATURE_ML_DSA_44: 1312,
}
# With the eight bytes of time that a cosignature begins with.
SIGNATURE_BYTES: Final = {
    Kind.ED25519: 64,
    Kind.COSIGNATURE: 8 + 64,
    Kind.COSIGNATURE_ML_DSA_44: 8 + 2420,
}


class VerifierKey(NamedTuple):
    """A public key with the name and the type of signature it is good for."""

    name: str
    kind: Kind
    public: bytes

    @property
    def id(self) -> bytes:
        """The key id, 4 bytes."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as a vkey: `name+id+base64(type ‖ key)`."""
        return f"{self.name}+{self.id.hex()}+{base64_text.text(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Return the key of a vkey; `RefusedError` where it is malformed or of an unknown type."""
        name, plus, rest = vkey.partition("+")
        key_id, second, encoded = rest.partition("+")
        check_name(name, "vkey")
        if not plus or not second or _KEY_ID.fullmatch(key_id) is None:
            raise RefusedError("vkey", "it is not name+id+key")
        material = base64_text.parse(encoded, "vkey")
        try:
            kind = Kind(material[0] if material else 0)
        except ValueError:
            raise RefusedError("vkey", "it is of a type that is not known here") from None
        key = cls(name, kind, material[1:])
        if len(key.public) != KEY_BYTES[kind]:
            raise RefusedError("vkey", f"its key is not {KEY_BYTES[kind]} bytes long")
        if key.id.hex() != key_id:
            raise RefusedError("vkey", "its id is not that of its key")
        return key

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether *signature* (without id and time) is this key's over *message*."""
        try:
            if self.kind is Kind.COSIGNATURE_ML_DSA_44:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def check_name(name: str, check: str) -> None:
    """Refuse with *check* a key name that is empty, long, or holds a space, plus or control."""
    if not name or len(name.encode()) > MOST_NAME_BYTES:
        raise RefusedError(check, "the name of a key is missing or longer than 255 bytes")
    if "+" in name or any(one.isspace() or not one.isprintable() for one in name):
        raise RefusedError(check, "the name of a key holds a space, a plus or a control character")
