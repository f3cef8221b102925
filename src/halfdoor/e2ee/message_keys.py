"""The key of one encrypted message, from a client's exported session, to report that message.

For whoever reports with a client that cannot do it: this runs on their own machine, and never in a
server. vodozemac turns the ratchet.
"""

import base64
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import vodozemac

from halfdoor.e2ee.session_export import ExportedSession
from halfdoor.sealing.labels import b64, kdf

_INFO: Final = b"MEGOLM_KEYS"
_KEY_BYTES: Final = 80
# Version and index stand before the ratchet, the public key behind it.
_RATCHET: Final = slice(5, 133)


class EvidenceError(Exception):
    """An event that none of the sessions opens; says why."""


class _Content(msgspec.Struct, frozen=True):
    algorithm: str
    ciphertext: str
    session_id: str


class EncryptedEvent(msgspec.Struct, frozen=True):
    """An encrypted event as clients show its source; `room_id` is absent in some of them."""

    event_id: str
    content: _Content
    room_id: str | None = None
    sender: str | None = None
    type: str = "m.room.encrypted"


class Evidence(msgspec.Struct, frozen=True):
    """What is handed over: `given` stands in `org.halfdoor.evidence`; `opens` is what it opens."""

    given: dict[str, str]
    room_id: str
    event_id: str
    opens: str

    def __repr__(self) -> str:
        return f"Evidence({self.event_id!r})"


def read_event(text: str) -> EncryptedEvent:
    """Return an event from its source (JSON); `EvidenceError` if it is not an encrypted one."""
    try:
        found: Any = msgspec.json.decode(text)
        if isinstance(found, dict) and isinstance(found.get("encrypted"), dict):
            # Some clients show both forms side by side.
            found = found["encrypted"]
        event = msgspec.convert(found, EncryptedEvent)
    except (msgspec.MsgspecError, UnicodeError):
        raise EvidenceError("That is not the source of an encrypted event.") from None
    if event.type != "m.room.encrypted" or event.content.algorithm != "m.megolm.v1.aes-sha2":
        raise EvidenceError("That event is not encrypted by Megolm.")
    return event


def evidence_of(
    event: EncryptedEvent, sessions: Iterable[ExportedSession], *, strong: bool = False
) -> Evidence:
    """Return what proves *event* and opens no other message; `EvidenceError`.

    *strong* hands over the ratchet: then every character is proven, and whoever reads the evidence
    could open what the same device said later in that session, too.
    """
    wanted = event.content.session_id
    session = next((one for one in sessions if one.session_id == wanted), None)
    if session is None:
        raise EvidenceError("The file has no key for that message: export once more, then try.")
    if event.room_id not in {None, session.room_id}:
        raise EvidenceError("The session of that message is one of another conversation.")
    try:
        inbound = vodozemac.InboundGroupSession.import_session(
            vodozemac.ExportedSessionKey(session.session_key)
        )
        message = vodozemac.MegolmMessage.from_base64(event.content.ciphertext)
        opens = bytes(inbound.decrypt(message).plaintext)
        exported = inbound.export_at(message.message_index())
    except ValueError as error:
        raise EvidenceError(f"The key does not open that message: {error}") from None
    if exported is None:
        raise EvidenceError("The file's key begins behind that message.")
    text = exported.to_base64()
    ratchet = base64.b64decode(text + "=" * (-len(text) % 4))[_RATCHET]
    kind, key = (
        ("ratchet_key", ratchet) if strong else ("message_key", kdf(ratchet, _INFO, _KEY_BYTES))
    )
    return Evidence(
        given={"event_id": event.event_id, "kind": kind, "key": b64(key)},
        room_id=session.room_id,
        event_id=event.event_id,
        opens=opens.decode("utf-8", "replace"),
    )
