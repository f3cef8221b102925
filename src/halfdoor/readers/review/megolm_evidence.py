"""What a disclosed key proves of a stored `m.room.encrypted` event (MATRIX §4). Pure.

Everything but the disclosure is the server's own: the ciphertext as it was stored, under the
sender's sign-in, in its room.
"""

import enum
from typing import Any, Final

import msgspec

from halfdoor.readers.review.disclosed_key import LOOSE_BYTES, DisclosedKey, open_disclosed
from halfdoor.readers.review.disclosures import MessageKey, RatchetKey
from halfdoor.readers.review.megolm_message import parse_message
from halfdoor.readers.review.megolm_plaintext import read_plaintext
from halfdoor.sealing.labels import Denied, unb64

ENCRYPTED: Final = "m.room.encrypted"
ALGORITHM: Final = "m.megolm.v1.aes-sha2"
_COMMITMENT: Final = "org.halfdoor.franking.commitment"


class Proof(enum.Enum):
    """How it is known what an encrypted message said."""

    # Its key opens it: all but the first 16 bytes is what the sender's session signed.
    MESSAGE_KEY = "message_key"
    # The ratchet opens it: every byte is what the sender's session signed.
    RATCHET_KEY = "ratchet_key"
    # The sender committed to it, and this server marked the commitment when it came.
    FRANKING = "franking"
    # The same, but the key of the mark was destroyed since: the stored commitment alone proves it.
    COMMITMENT = "commitment"


class Disclosed(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted message that was opened. `content` is the JSON of what its sender wrote.

    `loose` are the first characters of the plaintext where whoever reported could have chosen them.
    """

    type: str
    content: bytes
    proof: Proof
    loose: str = ""

    def __repr__(self) -> str:
        return f"Disclosed({self.proof.value})"


class Stored(msgspec.Struct, frozen=True):
    """Of the content of a stored event what evidence is checked against.

    `commitment` is None where there is none, or none of the right form: a sender who writes
    nonsense there must not be safe from the other kinds of evidence.
    """

    ciphertext: str
    session_id: str
    commitment: bytes | None = None

    @classmethod
    def of(cls, content: bytes) -> "Stored":
        """Read the *content* (JSON) of an event; `Denied` if it is no Megolm message."""
        try:
            found = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Denied from None
        match found:
            case {"algorithm": str(kind), "ciphertext": str(text), "session_id": str(session)}:
                if kind == ALGORITHM:
                    return cls(text, session, _commitment(found.get(_COMMITMENT)))
        raise Denied


def _commitment(said: Any) -> bytes | None:
    try:
        return unb64(said) if isinstance(said, str) else None
    except Denied:
        return None


def opened_by_key(content: bytes, room: str, disclosure: MessageKey | RatchetKey) -> Disclosed:
    """Return what the stored *content* says, which was sent in *room*.

    `Denied` unless the sender's session signed it, the key is that of this message, and what comes
    out is an event of this room: a forged key gives noise, and a message that was carried over from
    another conversation names that one.
    """
    stored = Stored.of(content)
    whole = isinstance(disclosure, RatchetKey)
    key = (DisclosedKey.from_ratchet if whole else DisclosedKey.from_bytes)(disclosure.key)
    pt = open_disclosed(stored.session_id, parse_message(stored.ciphertext), key)
    plain = read_plaintext(pt)
    if plain.room_id != room:
        raise Denied
    return Disclosed(
        type=plain.type,
        content=plain.content,
        proof=Proof.RATCHET_KEY if whole else Proof.MESSAGE_KEY,
        loose="" if whole else pt[:LOOSE_BYTES].decode("utf-8", "replace"),
    )
