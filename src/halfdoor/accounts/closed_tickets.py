"""The way to the notices for people whose account a decision ended: they have no session.

Whoever proves who they are at a login is refused with a ticket. For an hour it opens what they are
told and takes one appeal; it opens no conversation, and nothing about it is stored.
"""

import hmac
from typing import Final, final

from halfdoor.ids import BadId, base64url, unbase64url
from halfdoor.sealing.labels import enc, mac

TICKET_MS: Final = 3_600_000
_PREFIX: Final = "hdn1."
_STAMP_BYTES: Final = 8
_MAC_BYTES: Final = 32


@final
class ClosedTickets:
    """Makes tickets and reads them; a ticket is a secret of the person it was made for."""

    def __init__(self, k_lookup: bytes) -> None:
        """*k_lookup* is 32 random bytes that the account key wraps (SEALING §2)."""
        self._k_lookup = k_lookup

    def make(self, user: str, now: int) -> str:
        """Return a ticket for *user* that ends an hour after *now* (ms)."""
        until = now + TICKET_MS
        stamp = until.to_bytes(_STAMP_BYTES, "big")
        return _PREFIX + base64url(stamp + self._mac(user, until) + user.encode())

    def user_of(self, ticket: str, now: int) -> str | None:
        """Return for whom *ticket* was made; None where it is none of ours, or over."""
        if not ticket.startswith(_PREFIX):
            return None
        try:
            raw = unbase64url(ticket.removeprefix(_PREFIX))
            user = raw[_STAMP_BYTES + _MAC_BYTES :].decode()
        except (BadId, UnicodeDecodeError):
            return None
        until = int.from_bytes(raw[:_STAMP_BYTES], "big")
        found = raw[_STAMP_BYTES : _STAMP_BYTES + _MAC_BYTES]
        if not hmac.compare_digest(found, self._mac(user, until)):
            return None
        return user if now < until else None

    def _mac(self, user: str, until: int) -> bytes:
        return mac(self._k_lookup, enc("closed-ticket", user, until))

    def __repr__(self) -> str:
        return "ClosedTickets(…)"
