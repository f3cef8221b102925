"""What opens a user key: password, tokens, recovery key, approval; and sealing to each (§2)."""

from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import xor
from typing import Final, Literal, final

import base58
from argon2.low_level import Type, hash_secret_raw

from halfdoor import ids
from halfdoor.sealing.labels import Denied, MacKey, enc, extend, kdf, mac
from halfdoor.sealing.suites import XWING, PrivateKey, PublicKey
from halfdoor.sealing.symmetric import wrap

SALT_BYTES: Final = 16
SECRET_BYTES: Final = 32
_TOKEN_PREFIX: Final = {"acc": "hda1.", "ref": "hdr1."}
_RECOVERY_PREFIX: Final = b"\x8b\x01"
_RECOVERY_CHARACTERS: Final = 48

TokenKind = Literal["acc", "ref"]


@final
@dataclass(frozen=True, slots=True, repr=False)
class PasswordSecrets:
    """What one Argon2id run yields: the key of slot `pw`, and what the login compares."""

    kek: bytes
    verifier: bytes

    def __repr__(self) -> str:
        return "PasswordSecrets(…)"


def stretch(password: str, salt: bytes) -> bytes:
    """Return Argon2id of *password* (19 MiB, 2 passes, about 20 ms; RFC 9106)."""
    if len(salt) != SALT_BYTES:
        raise Denied
    try:
        secret = password.encode()
    except UnicodeEncodeError:
        secret = None
    if secret is None:
        raise Denied
    return hash_secret_raw(
        secret, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )


def password_secrets(password: str, salt: bytes) -> PasswordSecrets:
    """Return slot key and verifier of *password* under its 16-byte *salt*."""
    stretched = stretch(password, salt)
    return PasswordSecrets(
        kek=kdf(stretched, enc("kek/password")), verifier=kdf(stretched, enc("verifier/password"))
    )


def make_token(kind: TokenKind, ub: int, r: bytes) -> str:
    """Return the token of 32 random bytes *r* for a user in bucket *ub*; it is never stored."""
    if not 0 <= ub < ids.BUCKETS or len(r) != SECRET_BYTES:
        raise Denied
    return _TOKEN_PREFIX[kind] + ids.base64url(ub.to_bytes(2, "big") + r)


def read_token(text: str, kind: TokenKind) -> tuple[int, bytes]:
    """Return bucket and random bytes of a token of *kind*; any other text is `Denied`."""
    prefix = _TOKEN_PREFIX[kind]
    try:
        packed = ids.unbase64url(text.removeprefix(prefix))
    except ids.BadId:
        packed = b""
    ub, r = int.from_bytes(packed[:2], "big"), packed[2:]
    # Made again and compared, so that a token has one spelling and fits the slot's kind.
    if make_token(kind, ub, r) != text:
        raise Denied
    return ub, r


def token_kek(r: bytes) -> bytes:
    """Return the key of the slot that the token's random bytes *r* open."""
    return kdf(r, enc("kek/token"))


def token_lookup(k_lookup: bytes, r: bytes) -> bytes:
    """Return the value a token's row is found by, 32 bytes; it opens nothing."""
    return mac(k_lookup, enc("token/lookup", r))


def wrap_user_key(
    kek: bytes, uk: PrivateKey, user: str, slot: str, nonce: bytes | None = None
) -> bytes:
    """Return the slot's blob: *uk* under *kek*, bound to user, kid and slot name."""
    return wrap(kek, uk.raw, enc("uk-wrap", user, uk.kid, slot), nonce)


def wrap_pending_secret(
    kek: bytes, secret: bytes, user: str, slot: str, nonce: bytes | None = None
) -> bytes:
    """Return the blob that holds a pending session's secret in the user key's place."""
    kid = pending_private(secret).kid
    return wrap(kek, secret, enc("uk-wrap", user, kid, slot), nonce)


def recovery_text(secret: bytes) -> str:
    """Return the recovery key as people write it down: base58 in groups of four."""
    if len(secret) != SECRET_BYTES:
        raise Denied
    payload = _RECOVERY_PREFIX + secret
    text = base58.b58encode(payload + bytes([reduce(xor, payload)])).decode()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def read_recovery_text(text: str) -> bytes:
    """Return the secret of a recovery key, blanks ignored; a mistyped one is `Denied`."""
    compact = "".join(text.split())
    # Length first: base58 of a long text costs its square.
    if len(compact) != _RECOVERY_CHARACTERS:
        raise Denied
    try:
        payload = base58.b58decode(compact)
    except ValueError:
        payload = b""
    if payload[:2] != _RECOVERY_PREFIX or reduce(xor, payload) != 0:
        raise Denied
    return payload[2:-1]


def recovery_private(secret: bytes) -> PrivateKey:
    """Return the key pair of a recovery secret."""
    return _derived_key(secret, "recovery-key")


def pending_private(secret: bytes) -> PrivateKey:
    """Return the key pair of a session that waits for approval."""
    return _derived_key(secret, "pending-key")


def _derived_key(secret: bytes, label: str) -> PrivateKey:
    """Return the suite 2 key that *secret*, 32 bytes, stands for under *label*."""
    if len(secret) != SECRET_BYTES:
        raise Denied
    return PrivateKey.from_bytes(XWING, kdf(secret, enc(label), 96))


def seal_recovery(uk: PrivateKey, user: str, recovery_pub: PublicKey) -> bytes:
    """Return slot `rec`: the user key sealed to its recovery key."""
    return recovery_pub.seal(enc("uk-rec", user, uk.kid), uk.raw)


def seal_approval(uk: PrivateKey, user: str, session: str, pending_pub: PublicKey) -> bytes:
    """Return the user key sealed to the pending *session* that a live one approved."""
    return pending_pub.seal(enc("uk-approve", user, uk.kid, session, pending_pub.kid), uk.raw)


def seal_previous(old_uk: PrivateKey, user: str, new_pub: PublicKey) -> bytes:
    """Return the old user key sealed to its successor, so that history stays readable."""
    return new_pub.seal(enc("uk-prev", user, old_uk.kid, new_pub.kid), old_uk.raw)


def seal_account_data(
    uk: PrivateKey, user: str, kind: str, room: str, pt: bytes, nonce: bytes | None = None
) -> bytes:
    """Return account data the server has no rule about, sealed; *room* is "" for global."""
    info = enc("account-data", user, kind, room)
    return wrap(kdf(uk.raw, info), pt, info, nonce)


@lru_cache(maxsize=16_384)
def _event_id_head(sender: str, device: str, conv: str, endpoint: str) -> bytes:
    """Return what the ids of all requests of one kind into one conversation begin with."""
    return enc("event-id", sender, device, conv, endpoint)


def transaction_event_id(
    k_id: MacKey, sender: str, device: str, conv: str, endpoint: str, txn: str
) -> str:
    """Return the event id of a request with a transaction id: the same again on a retry."""
    drawn = k_id.mac(extend(_event_id_head(sender, device, conv, endpoint), txn))
    return ids.make_id("$", ids.bucket(conv), drawn[: ids.RANDOM_BYTES])
