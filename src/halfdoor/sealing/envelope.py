"""The envelope of one event: its clear fields bound to its sealed content (SEALING §3)."""

import os
from functools import lru_cache
from hashlib import sha256
from typing import Final, final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from halfdoor.sealing.labels import Denied, H, MacKey, canonical, extend, prefix

CLEAR: Final = b"\x00"
SEALED: Final = b"\x01"
SALT_BYTES: Final = 16
COMMIT_BYTES: Final = 32
HEAD_BYTES: Final = 1 + SALT_BYTES + COMMIT_BYTES
# Every event has a key of its own, so its one nonce may be zero.
NONCE: Final = bytes(12)

_EVENT: Final = prefix("event")
_COMMIT: Final = prefix("event-commit")


class EventFields(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """What the server must see of an event. *ts* in ms; *device* "" where there is none."""

    event_id: str
    sender: str
    device: str
    ts: int
    type: str
    state_key: str | None = None
    rel_type: str | None = None
    target: str | None = None
    redacts: str | None = None

    @property
    def bound(self) -> bytes:
        """The part that ctx and chain encode alike; kept, since sealing needs it three times."""
        # Not `cached_property`, which takes a lock the first time: here that is every message.
        kept: bytes | None = self.__dict__.get("bound")
        if kept is None:
            kept = bound(self.event_id, self.sender, self.device, self.ts, clear_hash(self))
            self.__dict__["bound"] = kept
        return kept


def bound(event_id: str, sender: str, device: str, ts: int, clear_hash: bytes) -> bytes:
    """Return `EventFields.bound` of an event of which only the hash of its clear part is left."""
    return extend(b"", event_id, sender, device, ts, clear_hash)


def clear_hash(fields: EventFields) -> bytes:
    """Return H(JSON(clear)) of an event, 32 bytes; null and "" differ."""
    return _clear_hash(
        fields.type, fields.state_key, fields.rel_type, fields.target, fields.redacts
    )


@lru_cache(maxsize=4096)
def _clear_hash(
    event_type: str,
    state_key: str | None,
    rel_type: str | None,
    target: str | None,
    redacts: str | None,
) -> bytes:
    """Kept because nearly all messages share one clear object: that of plain text."""
    return H(
        canonical(
            {
                "type": event_type,
                "state_key": state_key,
                "rel_type": rel_type,
                "target": target,
                "redacts": redacts,
            }
        )
    )


@final
class EventKeys:
    """Derives the key of each event of one epoch. Its hash states stand for the epoch key."""

    __slots__ = ("_head", "_mac")

    def __init__(self, cek: bytes, hh: bytes) -> None:
        self._mac = MacKey(cek)
        self._head = event_head(hh)

    def derive(self, fields: EventFields, salt: bytes) -> tuple[bytes, bytes]:
        """Return key and ctx of the event *fields* under its *salt*."""
        ctx = event_ctx(self._head, fields, salt)
        # HKDF-Expand of one block (RFC 5869 §2.3).
        return self._mac.mac(ctx + b"\x01"), ctx

    def __repr__(self) -> str:
        return "EventKeys(…)"


@final
class EventSealer:
    """Seals events under one epoch; counts as the epoch key and lives as briefly."""

    __slots__ = ("_keys",)

    def __init__(self, cek: bytes, hh: bytes) -> None:
        self._keys = EventKeys(cek, hh)

    def seal(self, fields: EventFields, pt: bytes, salt: bytes | None = None) -> bytes:
        """Return the body of *pt*; only tests give a *salt*. After this the content is gone."""
        salt = os.urandom(SALT_BYTES) if salt is None else salt
        key, ctx = self._keys.derive(fields, salt)
        return b"".join((SEALED, salt, event_commit(key, ctx), AESGCM(key).encrypt(NONCE, pt, ctx)))

    def __repr__(self) -> str:
        return "EventSealer(…)"


def seal_event(
    cek: bytes, hh: bytes, fields: EventFields, pt: bytes, salt: bytes | None = None
) -> bytes:
    """Return the body of one event; `EventSealer` spares the set-up for many."""
    return EventSealer(cek, hh).seal(fields, pt, salt)


def event_head(hh: bytes) -> bytes:
    """Return the part of ctx that all events of the epoch *hh* share."""
    return extend(_EVENT, hh)


def event_ctx(head: bytes, fields: EventFields, salt: bytes) -> bytes:
    """Return ctx: epoch, event and clear fields in one string that key and seal depend on."""
    return extend(head + fields.bound, salt)


def event_commit(key: bytes, ctx: bytes) -> bytes:
    """Return the commitment that lets a body be opened with no key but its own."""
    return sha256(extend(_COMMIT, key, ctx)).digest()


def clear_body(content: bytes) -> bytes:
    """Return the body of an event stored in clear, because the server acts on it."""
    return CLEAR + content


def is_clear(body: bytes) -> bool:
    """Tell whether *body* is stored in clear."""
    return body[:1] == CLEAR


def clear_content(body: bytes) -> bytes:
    """Return the content of a body stored in clear; a sealed one is `Denied`."""
    if not is_clear(body):
        raise Denied
    return body[1:]
