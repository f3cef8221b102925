"""Franking: evidence from end-to-end encrypted conversations (SEALING §7)."""

from datetime import UTC, datetime
from typing import Any, Final

from halfdoor.sealing.labels import Denied, canonical, enc, mac, same_bytes

KEY_BYTES: Final = 32


def franking_month(ts: int) -> str:
    """Return the name of the key that marks events of *ts* (ms since 1970), such as 2026-11."""
    return datetime.fromtimestamp(ts // 1000, UTC).strftime("%Y-%m")


def frank_commit(kf: bytes, sender: str, room: str, event_type: str, content: Any) -> bytes:
    """Return C, the sender's commitment to an event under the fresh key *kf*, 32 bytes.

    A *kf* of another length is `Denied`, because HMAC pads: two keys could share one C.
    """
    if len(kf) != KEY_BYTES:
        raise Denied
    body = canonical({"type": event_type, "content": content})
    return mac(kf, enc("frank/content", sender, room, body))


def frank_tag(
    k: bytes,
    key_id: str,
    *,
    c: bytes,
    sender: str,
    device: str,
    room: str,
    event_id: str,
    ts: int,
    ct_hash: bytes,
) -> bytes:
    """Return T, the server's mark on an accepted event under its monthly key *k*, 32 bytes.

    *ct_hash* is SHA-256 of the UTF-8 bytes of the event's `ciphertext` string; *ts* in ms.
    """
    return mac(k, enc("frank/server", key_id, c, sender, device, room, event_id, ts, ct_hash))


def check_frank(
    k: bytes,
    key_id: str,
    tag: bytes,
    *,
    kf: bytes,
    event_type: str,
    content: Any,
    sender: str,
    device: str,
    room: str,
    event_id: str,
    ts: int,
    ct_hash: bytes,
) -> bytes:
    """Return C of a report whose *tag* this server made for exactly these facts, else `Denied`."""
    c = frank_commit(kf, sender, room, event_type, content)
    expected = frank_tag(
        k,
        key_id,
        c=c,
        sender=sender,
        device=device,
        room=room,
        event_id=event_id,
        ts=ts,
        ct_hash=ct_hash,
    )
    if not same_bytes(expected, tag):
        raise Denied
    return c
