"""AES-256-GCM with the nonce in front: `nonce12 ‖ ciphertext`, the form of every small wrap."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from halfdoor.sealing.labels import Denied

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


def cipher(key: bytes) -> AESGCM:
    """Return AES-256-GCM under *key*; a shorter key would silently be a weaker cipher."""
    if len(key) != KEY_BYTES:
        raise Denied
    return AESGCM(key)


def decrypt(aead: AESGCM, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """Return the plaintext of *data*, or `Denied` without cause or context."""
    try:
        return aead.decrypt(nonce, data, aad)
    except (InvalidTag, ValueError):
        pass
    raise Denied


def wrap(key: bytes, data: bytes, aad: bytes, nonce: bytes | None = None) -> bytes:
    """Return `nonce12 ‖ AES-256-GCM(key, data, aad)`; only tests and re-makers give a nonce."""
    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    return nonce + cipher(key).encrypt(nonce, data, aad)


def unwrap(key: bytes, blob: bytes, aad: bytes) -> bytes:
    """Return what `wrap` sealed, else `Denied`."""
    return decrypt(cipher(key), blob[:NONCE_BYTES], blob[NONCE_BYTES:], aad)
