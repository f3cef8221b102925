"""Opening what holds a user key, and what a user key alone opens (SEALING §2)."""

from halfdoor.sealing.labels import Denied, enc, kdf
from halfdoor.sealing.slots import pending_private
from halfdoor.sealing.suites import XWING, PrivateKey
from halfdoor.sealing.symmetric import unwrap


def open_user_key(kek: bytes, blob: bytes, user: str, kid: bytes, slot: str) -> PrivateKey:
    """Return the user key in a slot; *kid* is the one the slot's row names."""
    return _checked(unwrap(kek, blob, enc("uk-wrap", user, kid, slot)), kid)


def open_pending(kek: bytes, blob: bytes, user: str, kid: bytes, slot: str) -> bytes:
    """Return the secret of a pending session from its slot (`pend-acc:`, `pend-ref:`)."""
    secret = unwrap(kek, blob, enc("uk-wrap", user, kid, slot))
    if pending_private(secret).kid != kid:
        raise Denied
    return secret


def open_recovery(recovery: PrivateKey, blob: bytes, user: str, kid: bytes) -> PrivateKey:
    """Return the user key in slot `rec`, opened with the recovery key."""
    return _checked(recovery.open(enc("uk-rec", user, kid), blob), kid)


def open_approval(
    pending: PrivateKey, blob: bytes, user: str, kid: bytes, session: str
) -> PrivateKey:
    """Return the user key that a live session sealed to the pending *session*."""
    return _checked(pending.open(enc("uk-approve", user, kid, session, pending.kid), blob), kid)


def open_previous(uk: PrivateKey, blob: bytes, user: str, old_kid: bytes) -> PrivateKey:
    """Return the user key that *uk* replaced."""
    return _checked(uk.open(enc("uk-prev", user, old_kid, uk.kid), blob), old_kid)


def open_account_data(uk: PrivateKey, blob: bytes, user: str, kind: str, room: str) -> bytes:
    """Return sealed account data; *room* is "" for global."""
    info = enc("account-data", user, kind, room)
    return unwrap(kdf(uk.raw, info), blob, info)


def _checked(raw: bytes, kid: bytes) -> PrivateKey:
    """Return the key of *raw* if it is the one that was named."""
    key = PrivateKey.from_bytes(XWING, raw)
    # Whoever made the blob chose what lies inside: it must be the key of the name on it.
    if key.kid != kid:
        raise Denied
    return key
