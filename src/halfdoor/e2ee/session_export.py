"""Megolm sessions as clients export them: the file that Element and others write. Pure.

The passphrase-protected form is spec.matrix.org, "Key export format"; some clients write its JSON
without protection. Both are read.
"""

import base64
import binascii
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from halfdoor.sealing.labels import mac, same_bytes

_HEAD: Final = "-----BEGIN MEGOLM SESSION DATA-----"
_FOOT: Final = "-----END MEGOLM SESSION DATA-----"
_VERSION: Final = 1
_SALT: Final = slice(1, 17)
_IV: Final = slice(17, 33)
_ROUNDS: Final = slice(33, 37)
_HEAD_BYTES: Final = 37
_MAC_BYTES: Final = 32
# Clients write 100,000 to 500,000; a file that asks for far more would stop this machine for hours.
_MOST_ROUNDS: Final = 20_000_000


class ExportError(Exception):
    """A file that holds no exported sessions, or does not open; says which."""


class ExportedSession(msgspec.Struct, frozen=True):
    """One session. `session_key` is base64 of version, index, ratchet and public key."""

    room_id: str
    session_id: str
    session_key: str
    algorithm: str = "m.megolm.v1.aes-sha2"

    def __repr__(self) -> str:
        return f"ExportedSession({self.session_id!r})"


def is_protected(text: str) -> bool:
    """Tell whether a passphrase is needed to read *text*."""
    return text.lstrip().startswith(_HEAD)


def read_sessions(text: str, passphrase: str | None = None) -> list[ExportedSession]:
    """Return the sessions in an exported file; `ExportError` for anything else."""
    if is_protected(text):
        if passphrase is None:
            raise ExportError("The file is protected by a passphrase.")
        data = _opened(text, passphrase)
    else:
        data = text.encode()
    try:
        return msgspec.json.decode(data, type=list[ExportedSession])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ExportError("The file holds no exported sessions.") from None


def _opened(text: str, passphrase: str) -> bytes:
    """Return the JSON in a protected file."""
    _, _, rest = text.partition(_HEAD)
    body, foot, _ = rest.partition(_FOOT)
    try:
        raw = base64.b64decode("".join(body.split()).rstrip("=") + "==")
    except (binascii.Error, ValueError):
        raw = b""
    if not foot or len(raw) < _HEAD_BYTES + _MAC_BYTES or raw[0] != _VERSION:
        raise ExportError("The file is cut short, or of a form that is not known here.")
    rounds = int.from_bytes(raw[_ROUNDS], "big")
    if not 0 < rounds <= _MOST_ROUNDS:
        raise ExportError("The file asks for more work than any client's does.")
    keys = PBKDF2HMAC(SHA512(), 64, raw[_SALT], rounds).derive(passphrase.encode())
    if not same_bytes(mac(keys[32:], raw[:-_MAC_BYTES]), raw[-_MAC_BYTES:]):
        raise ExportError("The passphrase is wrong, or the file was changed.")
    opening = Cipher(AES256(keys[:32]), CTR(raw[_IV])).decryptor()
    return opening.update(raw[_HEAD_BYTES:-_MAC_BYTES]) + opening.finalize()
