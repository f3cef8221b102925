"""The keys of attachments that clients encrypt themselves: Matrix's `EncryptedFile`. Pure.

CS-API, "Sending encrypted attachments": AES-256-CTR, and SHA-256 of the ciphertext beside it.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from halfdoor.sealing.labels import Denied

_KEY_BYTES: Final = 32
_IV_BYTES: Final = 16
_DEPTH: Final = 32


class AttachmentKey(msgspec.Struct, frozen=True):
    """What opens one attachment; `sha256` is that of its ciphertext, `type` its sender's word."""

    key: bytes
    iv: bytes
    sha256: bytes
    type: str | None = None

    def opening(self) -> CipherContext:
        """Return what decrypts it piece by piece, from the beginning."""
        return Cipher(AES256(self.key), CTR(self.iv)).decryptor()

    def __repr__(self) -> str:
        return "AttachmentKey(…)"


def attachment_key(content: Mapping[str, Any], media_id: str) -> AttachmentKey | None:
    """Return the key that *content* holds of the file *media_id*; None where it holds none.

    `Denied` for one of another form.
    """
    for found, said in _encrypted_files(content, 0):
        address = found.get("url")
        if isinstance(address, str) and address.endswith(f"/{media_id}"):
            kind = said.get("mimetype") if isinstance(said, Mapping) else None
            return _key(found, kind if isinstance(kind, str) else None)
    return None


def _encrypted_files(value: Any, depth: int) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield each encrypted file in an event's content, with what is said of it."""
    if depth > _DEPTH or not isinstance(value, Mapping):
        return
    for name, about in (("file", "info"), ("thumbnail_file", "thumbnail_info")):
        if isinstance(value.get(name), Mapping):
            yield value[name], value.get(about)
    for one in value.values():
        yield from _encrypted_files(one, depth + 1)


def _key(found: Mapping[str, Any], kind: str | None) -> AttachmentKey:
    match found:
        case {"key": {"alg": "A256CTR", "k": str(k)}, "iv": str(iv), "hashes": {"sha256": str(h)}}:
            key = AttachmentKey(_unpadded(k.translate(_URL)), _unpadded(iv), _unpadded(h), kind)
            if (len(key.key), len(key.iv), len(key.sha256)) == (_KEY_BYTES, _IV_BYTES, _KEY_BYTES):
                return key
    raise Denied


_URL: Final = str.maketrans("-_", "+/")


def _unpadded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Denied from None
