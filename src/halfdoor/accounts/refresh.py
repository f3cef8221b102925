"""Refreshing: a new pair for a session, the old one kept until the new one is used (SEALING §2)."""

from typing import final

from msgspec.structs import replace

from halfdoor.accounts.approvals import open_approved
from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import NotFoundError, UnknownTokenError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.pairs import confirm, crowded, new_pair
from halfdoor.accounts.session import Lifetimes, Refreshed
from halfdoor.accounts.store import AccountState, AccountStore, Change
from halfdoor.accounts.tokens import Mint, ReadToken
from halfdoor.sealing.labels import Denied


@final
class Refresh:
    """Makes new pairs from refresh tokens."""

    def __init__(
        self,
        store: AccountStore,
        changes: Changes,
        keyring: Keyring,
        mint: Mint,
        lifetimes: Lifetimes,
    ) -> None:
        self._store = store
        self._changes = changes
        self._keyring = keyring
        self._mint = mint
        self._lifetimes = lifetimes

    async def refresh(self, text: str, now: int) -> Refreshed:
        """Return a new pair; may be repeated until the new access token is used.

        `UnknownTokenError` for a token that is none, is of the other kind, or was replaced.
        """
        token = self._mint.read(text, "ref")
        found = await self._store.find_token(token.ub, token.lookup)
        if found is None:
            raise UnknownTokenError
        user, state = found
        session = _session(state, token)
        with self._keyring.request(session):
            try:
                # The first use of a pair ends the pairs before it, its refresh token's too.
                await self._changes.make(user, lambda state: (_confirmed(state, token), None))
                return await self._changes.make(user, lambda state: self._decide(state, token, now))
            except NotFoundError:
                raise UnknownTokenError from None

    def _decide(self, state: AccountState, token: ReadToken, now: int) -> tuple[Change, Refreshed]:
        row = next((one for one in state.tokens if one.lookup == token.lookup), None)
        session = state.session(row.session) if row is not None else None
        account = state.account
        if row is None or session is None or row.kind != "ref" or account.deactivated:
            raise UnknownTokenError
        user, kek = account.user, token.kek()
        # 1. Open what the slot holds: the user key, or an approved one, or the pending secret.
        kid, pending = row.kid, row.pending
        try:
            if not row.pending:
                self._keyring.unlock(session.id, user, row.kid, row.slot, row.blob, kek)
            else:
                approved = open_approved(state, row, kek, self._keyring)
                if approved is not None:
                    kid, pending = approved, False
                else:
                    self._keyring.unlock_pending(session.id, user, row.kid, row.slot, row.blob, kek)
        except Denied:
            raise UnknownTokenError from None
        # 2. Seal it to the new pair. The old pair stays until the new one is used.
        seal = self._keyring.wrap_pending if pending else self._keyring.wrap
        before = "pend-" if pending else ""
        access, renewal = self._mint.make("acc", user), self._mint.make("ref", user)
        pair = new_pair(
            session,
            row.pair,
            (access, seal(session.id, user, f"{before}acc:{session.id}", access.kek)),
            (renewal, seal(session.id, user, f"{before}ref:{session.id}", renewal.kek)),
            kid=kid,
            pending=pending,
            expires=now + self._lifetimes.access_token,
        )
        change = replace(
            change_of(state),
            put_tokens=pair,
            put_sessions=(
                replace(
                    session,
                    pairs=session.pairs + 1,
                    last_used=now,
                    kid=None if pending else kid,
                ),
            ),
            drop_tokens=crowded(state, row),
        )
        return change, Refreshed(
            access_token=access.text,
            refresh_token=renewal.text,
            expires_in_ms=self._lifetimes.access_token,
        )


def _session(state: AccountState, token: ReadToken) -> str:
    row = next((one for one in state.tokens if one.lookup == token.lookup), None)
    if row is None:
        raise UnknownTokenError
    return row.session


def _confirmed(state: AccountState, token: ReadToken) -> Change | None:
    row = next((one for one in state.tokens if one.lookup == token.lookup), None)
    return confirm(state, row) if row is not None else None
