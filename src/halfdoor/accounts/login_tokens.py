"""Login tokens: short-lived, used once, made by a signed-in session for another device."""

import os
from typing import Final, final

from halfdoor import ids
from halfdoor.accounts.errors import ForbiddenError
from halfdoor.accounts.pending import check_live
from halfdoor.accounts.records import LoginToken
from halfdoor.accounts.session import Lifetimes, Session
from halfdoor.accounts.store import AccountStore
from halfdoor.sealing.labels import enc, mac

# Beside `hda1.` and `hdr1.`: it opens no slot, so the new session waits for approval.
_PREFIX: Final = "hdl1."


@final
class LoginTokens:
    """Makes and takes login tokens. The store has only what they are found by."""

    def __init__(self, store: AccountStore, k_lookup: bytes, lifetimes: Lifetimes) -> None:
        self._store = store
        self._k_lookup = k_lookup
        self._lifetimes = lifetimes

    async def make(self, session: Session, now: int) -> tuple[str, int]:
        """Return a login token for *session*'s account, and for how many ms it is good."""
        check_live(session)
        drawn = os.urandom(ids.RANDOM_BYTES)
        text = ids.make_id(_PREFIX, ids.bucket(session.user), drawn)
        lifetime = self._lifetimes.login_token
        await self._store.put_login_token(
            LoginToken(lookup=self._lookup(drawn), user=session.user, expires=now + lifetime)
        )
        return text, lifetime

    async def take(self, text: str, now: int) -> str:
        """Return whose token *text* is, and use it up; `ForbiddenError` if it is good no more."""
        try:
            ub, drawn = ids.read_id(_PREFIX, text)
        except ids.BadId:
            ub, drawn = -1, b""
        found = await self._store.take_login_token(ub, self._lookup(drawn)) if ub >= 0 else None
        if found is None or found.expires <= now:
            raise ForbiddenError("this login token is not good any more")
        return found.user

    def _lookup(self, drawn: bytes) -> bytes:
        return mac(self._k_lookup, enc("token/login", drawn))

    def __repr__(self) -> str:
        return "LoginTokens(…)"
