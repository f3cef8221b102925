"""What whoever reports discloses of an encrypted message: its key, or what opens a commitment.

`kind` tells them apart in JSON; bytes are base64 with padding (SEALING §1). Unknown fields are
refused: so nobody can send along a picture, which a reporter must never have to do (SAFETY §5.11).
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from halfdoor.sealing.labels import Denied

# An event has at most 64 KiB, so what is disclosed of one has not much more.
MAX_BYTES: Final = 100_000


class MessageKey(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="message_key"
):
    """The 80 bytes that open one Megolm message and no other (MATRIX §4)."""

    key: bytes

    def __repr__(self) -> str:
        return "MessageKey(…)"


class RatchetKey(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ratchet_key"
):
    """R_i, 128 bytes: proves every byte, and could open what the session said later as well."""

    key: bytes

    def __repr__(self) -> str:
        return "RatchetKey(…)"


class Franking(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="franking"
):
    """Key and content that the sender committed to, and the server's mark (SEALING §7).

    Sender, device, room, id, time and ciphertext are not asked for: the server has its own.
    """

    key: bytes
    type: str
    content: dict[str, Any]
    key_id: str
    tag: bytes

    def __repr__(self) -> str:
        return "Franking(…)"


class FileHash(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="file_hash"
):
    """SHA-256 of a file that the message named, from whoever hands over no key. Not checkable."""

    sha256: bytes


Disclosure = MessageKey | RatchetKey | Franking | FileHash


def encode_disclosures(given: Sequence[Disclosure]) -> bytes:
    """Return all that was disclosed of one message as it is sealed to the case."""
    return msgspec.json.encode(given)


def decode_disclosures(data: bytes) -> list[Disclosure]:
    """Return what was sealed to the case; anything else is `Denied`."""
    try:
        return msgspec.json.decode(data, type=list[Disclosure])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Denied from None
