"""What our own clients do for franking (SEALING §7), written apart from the server's code."""

import base64
import hmac
import json
import os
from hashlib import sha256
from typing import Any

from tests.readers.review.megolm import Talk

COMMITMENT = "org.halfdoor.franking.commitment"


def enc(label: str, *fields: bytes | str) -> bytes:
    """SEALING §1, for bytes and text."""
    parts = [one.encode() if isinstance(one, str) else one for one in fields]
    body = b"".join(len(one).to_bytes(4, "big") + one for one in parts)
    return b"halfdoor/v1/" + label.encode() + b"\0" + body


def commit(kf: bytes, sender: str, room: str, event_type: str, content: object) -> bytes:
    """C: HMAC over sender, room and the canonical JSON of type and content."""
    said = json.dumps(
        {"content": content, "type": event_type},
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    ).encode()
    return hmac.digest(kf, enc("frank/content", sender, room, said), sha256)


class FrankedMessage:
    """One message, as its sender's client writes it and its recipient's client opens it."""

    def __init__(
        self, talk: Talk, sender: str, content: dict[str, Any], kf: bytes | None = None
    ) -> None:
        self.kf = os.urandom(32) if kf is None else kf
        self.content = content
        self.c = commit(self.kf, sender, talk.room, "m.room.message", content)
        opening = {"key": base64.b64encode(self.kf).decode(), "commitment": b64(self.c)}
        plain = {
            "type": "m.room.message",
            "content": content,
            "room_id": talk.room,
            "org.halfdoor.franking": opening,
        }
        # What is sent: the commitment stands in the clear event too.
        self.event = {**talk.encrypt(json.dumps(plain).encode()), COMMITMENT: b64(self.c)}


def can_be_reported(plain: dict[str, Any], event: dict[str, Any], sender: str, room: str) -> bool:
    """Tell whether a recipient could prove this message; else their client says so, openly.

    *plain* is the decrypted message, *event* as it came. Where C is gone from the content, it is
    looked for beside it.
    """
    opening = plain.get("org.halfdoor.franking", {})
    beside = event.get("unsigned", {}).get("org.halfdoor.franking", {})
    outer = event["content"].get(COMMITMENT, beside.get("commitment"))
    kf = base64.b64decode(opening.get("key", ""))
    c = b64(commit(kf, sender, room, plain["type"], plain["content"]))
    return len(kf) == 32 and c == opening.get("commitment") == outer == beside.get("commitment")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
