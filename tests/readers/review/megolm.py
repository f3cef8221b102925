"""Megolm sessions as clients have them, and what their owners may disclose of a message."""

import base64
import json
from typing import Any

import vodozemac
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROOM = "!room:a.example"
ALGORITHM = "m.megolm.v1.aes-sha2"


class Talk:
    """One sender's session, and the same session as a recipient got it."""

    def __init__(self, room: str = ROOM) -> None:
        self.room = room
        self.sender = vodozemac.GroupSession()
        self.recipient = vodozemac.InboundGroupSession(self.sender.session_key)

    def say(self, text: str, **more: Any) -> dict[str, Any]:
        """Return the content of the `m.room.encrypted` event that says *text*."""
        return self.encrypt(plain(text, self.room, **more))

    def encrypt(self, pt: bytes) -> dict[str, Any]:
        """Return the content of the event whose plaintext is *pt*."""
        return {
            "algorithm": ALGORITHM,
            "ciphertext": self.sender.encrypt(pt).to_base64(),
            "session_id": self.sender.session_id,
            "sender_key": "any",
            "device_id": "ANY",
        }

    def ratchet(self, index: int) -> bytes:
        """Return R_i: 128 bytes behind version and index of an exported session."""
        exported = self.recipient.export_at(index)
        assert exported is not None
        text = exported.to_base64()
        return base64.b64decode(text + "=" * (-len(text) % 4))[5:133]

    def key(self, index: int) -> bytes:
        """Return the 80 bytes that open message *index*, derived by another library's HKDF call."""
        return HKDF(SHA256(), 80, None, b"MEGOLM_KEYS").derive(self.ratchet(index))


def plain(text: str, room: str, **more: Any) -> bytes:
    """Return what a client encrypts to say *text* in *room*."""
    content = {"msgtype": "m.text", "body": text}
    event = {"type": "m.room.message", "content": content, "room_id": room, **more}
    return json.dumps(event).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
