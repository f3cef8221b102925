"""Opening one event, with its epoch's key or with its own (SEALING §3)."""

from typing import final

from halfdoor.sealing.envelope import (
    HEAD_BYTES,
    NONCE,
    SALT_BYTES,
    SEALED,
    EventFields,
    EventKeys,
    event_commit,
    event_ctx,
    event_head,
)
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.symmetric import cipher, decrypt


@final
class EventOpener:
    """Opens events of one epoch; counts as the epoch key and lives as briefly."""

    __slots__ = ("_keys",)

    def __init__(self, cek: bytes, hh: bytes) -> None:
        self._keys = EventKeys(cek, hh)

    def open(self, fields: EventFields, body: bytes) -> bytes:
        """Return the content of *body*; one changed bit in it or in *fields* is `Denied`."""
        key, ctx = self._checked(fields, body)
        return decrypt(cipher(key), NONCE, body[HEAD_BYTES:], ctx)

    def key(self, fields: EventFields, body: bytes) -> bytes:
        """Return the key of this event alone, for a report, if it is the key of this *body*."""
        return self._checked(fields, body)[0]

    def _checked(self, fields: EventFields, body: bytes) -> tuple[bytes, bytes]:
        """Return key and ctx of a body that commits to them."""
        key, ctx = self._keys.derive(fields, body[1 : 1 + SALT_BYTES])
        _check_head(key, ctx, body)
        return key, ctx

    def __repr__(self) -> str:
        return "EventOpener(…)"


def open_event_with_key(key: bytes, hh: bytes, fields: EventFields, body: bytes) -> bytes:
    """Return the content of *body* as a reviewer does, with the one key that was reported."""
    ctx = event_ctx(event_head(hh), fields, body[1 : 1 + SALT_BYTES])
    _check_head(key, ctx, body)
    return decrypt(cipher(key), NONCE, body[HEAD_BYTES:], ctx)


def _check_head(key: bytes, ctx: bytes, body: bytes) -> None:
    """Refuse a body of another version, or one that commits to another key or other fields."""
    if body[:1] != SEALED:
        raise Denied
    # Without the commitment one body could open to two texts under two keys (AES-GCM).
    if event_commit(key, ctx) != body[1 + SALT_BYTES : HEAD_BYTES]:
        raise Denied
