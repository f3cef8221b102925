"""The key of one Megolm message, which its recipient discloses to report it (MATRIX §4). Pure.

A Megolm ratchet gives each message an AES key, a MAC key and an IV of its own. Whoever has these 80
bytes can open that message and neither the one before nor the one behind. `cryptography` does the
work: the Python package of vodozemac takes only whole ratchets.
"""

from typing import Final, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from halfdoor.readers.review.megolm_message import MAC_BYTES, MegolmMessage, from_base64
from halfdoor.sealing.labels import Denied, kdf, mac, same_bytes

MESSAGE_KEY_BYTES: Final = 80
RATCHET_BYTES: Final = 128
# So many bytes at the beginning depend on an IV that whoever reports could choose: one AES block.
LOOSE_BYTES: Final = 16
_KEY_BYTES: Final = 32
_INFO: Final = b"MEGOLM_KEYS"


class DisclosedKey(msgspec.Struct, frozen=True):
    """What opens one message: AES-256 key, HMAC-SHA256 key, CBC initialisation vector."""

    aes: bytes
    mac: bytes
    iv: bytes

    @classmethod
    def from_bytes(cls, key: bytes) -> Self:
        """Take the 80 bytes of HKDF-SHA256(R_i, "MEGOLM_KEYS"); `Denied` for another length."""
        if len(key) != MESSAGE_KEY_BYTES:
            raise Denied
        return cls(key[:_KEY_BYTES], key[_KEY_BYTES : 2 * _KEY_BYTES], key[2 * _KEY_BYTES :])

    @classmethod
    def from_ratchet(cls, ratchet: bytes) -> Self:
        """Derive it from R_i, the 128 bytes of the ratchet at that message; else `Denied`.

        Then the IV is nobody's choice. But R_i opens everything that the session said later, too.
        """
        if len(ratchet) != RATCHET_BYTES:
            raise Denied
        return cls.from_bytes(kdf(ratchet, _INFO, MESSAGE_KEY_BYTES))

    def __repr__(self) -> str:
        return "DisclosedKey(…)"


def open_disclosed(session_id: str, message: MegolmMessage, key: DisclosedKey) -> bytes:
    """Return the plaintext of *message*, which the sender's session *session_id* signed.

    `Denied` unless signature, MAC and padding hold: another message of the session, another
    session, another key, and one changed bit are all the same.
    """
    # 1. The session said it: its name is its public key, so nobody else could have signed.
    signer = _public_key(session_id)
    covered = next((one for one in message.covered if _signed(signer, one, message)), None)
    if covered is None:
        raise Denied
    # 2. The key is that of this message.
    if not same_bytes(mac(key.mac, covered)[:MAC_BYTES], message.mac):
        raise Denied
    # 3. It opens.
    return _decrypted(key, message.ciphertext)


def _public_key(session_id: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(from_base64(session_id))
    except ValueError:
        raise Denied from None


def _signed(signer: Ed25519PublicKey, covered: bytes, message: MegolmMessage) -> bool:
    try:
        signer.verify(message.signature, covered + message.mac)
    except InvalidSignature:
        return False
    return True


def _decrypted(key: DisclosedKey, ciphertext: bytes) -> bytes:
    try:
        opening = Cipher(AES256(key.aes), CBC(key.iv)).decryptor()
        padded = opening.update(ciphertext) + opening.finalize()
        unpadding = PKCS7(8 * LOOSE_BYTES).unpadder()
        return unpadding.update(padded) + unpadding.finalize()
    except ValueError:
        raise Denied from None
