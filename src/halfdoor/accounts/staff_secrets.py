"""Secrets of staff on their way to a browser, and the keyed hashes their rows are found by."""

import hmac
import os
from typing import Final, final

import msgspec

from halfdoor.accounts.staff_records import TokenKind
from halfdoor.ids import BadId, base64url, unbase64url
from halfdoor.sealing.labels import enc, mac

SECRET_BYTES: Final = 32
_PREFIX: Final[dict[TokenKind, str]] = {"invitation": "hdi1.", "session": "hds1."}
_TEXT_CHARS: Final = 43
_STAMP_BYTES: Final = 8
# A ceremony waits for a person with their key in hand.
CHALLENGE_MS: Final = 300_000


@final
class NewSecret(msgspec.Struct, frozen=True):
    """A secret that was just made: `text` to hand over, `lookup` for its row."""

    text: str
    lookup: bytes

    def __repr__(self) -> str:
        return "NewSecret(…)"


@final
class StaffSecrets:
    """Makes and reads secrets; holds the key that lookups are made with, and no secret."""

    def __init__(self, k_lookup: bytes) -> None:
        """*k_lookup* is 32 random bytes that the account key wraps (SEALING §2)."""
        self._k_lookup = k_lookup

    def make(self, kind: TokenKind) -> NewSecret:
        """Return a fresh secret of 256 bits."""
        drawn = os.urandom(SECRET_BYTES)
        return NewSecret(_PREFIX[kind] + base64url(drawn), self._lookup(kind, drawn))

    def read(self, kind: TokenKind, text: str) -> bytes | None:
        """Return the lookup of *text*, None where it is no secret of *kind*."""
        drawn = _drawn(kind, text)
        return None if drawn is None else self._lookup(kind, drawn)

    def mark(self, session: str) -> str:
        """Return the mark that every form of *session* carries, "" for what is no session.

        It proves nothing but that its bearer was shown a page under that session.
        """
        drawn = _drawn("session", session)
        return "" if drawn is None else base64url(mac(drawn, enc("staff/csrf")))

    def passkey(self, credential: bytes) -> bytes:
        """Return the lookup of a passkey by its credential id."""
        return mac(self._k_lookup, enc("staff/passkey", credential))

    def challenge(self, purpose: str, now: int) -> bytes:
        """Return a challenge for *purpose* that says itself when it ends: nothing is stored.

        So nobody who merely asks for challenges makes the database write.
        """
        stamp = (now + CHALLENGE_MS).to_bytes(_STAMP_BYTES, "big") + os.urandom(SECRET_BYTES)
        return stamp + self._challenge_mac(purpose, stamp)

    def ends(self, challenge: bytes, purpose: str, now: int) -> int | None:
        """Return when *challenge* ends, None where it is not ours, for something else, or over."""
        stamp, found = challenge[:-SECRET_BYTES], challenge[-SECRET_BYTES:]
        if not hmac.compare_digest(found, self._challenge_mac(purpose, stamp)):
            return None
        until = int.from_bytes(stamp[:_STAMP_BYTES], "big")
        return until if now < until else None

    def used(self, challenge: bytes) -> bytes:
        """Return the lookup under which it is kept that a challenge was used."""
        return self._lookup("challenge", challenge)

    def _challenge_mac(self, purpose: str, stamp: bytes) -> bytes:
        return mac(self._k_lookup, enc("staff/challenge", purpose, stamp))

    def _lookup(self, kind: TokenKind, drawn: bytes) -> bytes:
        return mac(self._k_lookup, enc("staff/token", kind, drawn))

    def __repr__(self) -> str:
        return "StaffSecrets(…)"


def _drawn(kind: TokenKind, text: str) -> bytes | None:
    """Return the bytes behind *text*, which has exactly one spelling."""
    head, tail = _PREFIX[kind], text.removeprefix(_PREFIX[kind])
    if not text.startswith(head) or len(tail) != _TEXT_CHARS or not tail.isascii():
        return None
    try:
        drawn = unbase64url(tail)
    except BadId:
        return None
    return drawn if base64url(drawn) == tail else None
