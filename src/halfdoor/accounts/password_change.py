"""Changing a password: by its owner, or by an administrator, who opens nothing (SEALING §2)."""

from typing import final

from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import DeactivatedError, ForbiddenError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.news import News
from halfdoor.accounts.passwords import Passwords, about
from halfdoor.accounts.pending import check_live
from halfdoor.accounts.records import LoginRecord, SlotRecord
from halfdoor.accounts.session import Session
from halfdoor.accounts.store import AccountState, Change
from halfdoor.sealing.slots import PasswordSecrets


@final
class PasswordChange:
    """Replaces logins."""

    def __init__(
        self, changes: Changes, keyring: Keyring, passwords: Passwords, news: News
    ) -> None:
        self._changes = changes
        self._keyring = keyring
        self._passwords = passwords
        self._news = news

    async def change(self, session: Session, password: str, *, logout_others: bool) -> None:
        """Give one's own account the new *password*; the caller has asked for proof.

        A live session wraps the user key for it in the same transaction. A waiting one changes the
        login alone, and may not log the others out (`PendingError`).
        """
        if logout_others:
            check_live(session)
        if session.closed:
            raise ForbiddenError("this session may only read: the account was started over")
        await self._passwords.check_strength(password, about(session.user))
        login, secrets = await self._passwords.make(password)
        gone = await self._changes.make(
            session.user,
            lambda state: self._decide(state, session, login, secrets, logout_others),
        )
        if gone:
            await self._news.devices_gone(session.user, gone)

    async def reset(self, user: str, password: str) -> None:
        """Give *user* a new login, as an administrator: history stays closed to it.

        No slot is added, changed or dropped: the next password login waits for approval.
        """
        await self._passwords.check_strength(password, about(user))
        login, _ = await self._passwords.make(password)

        def decide(state: AccountState) -> tuple[Change, None]:
            if state.account.deactivated:
                raise DeactivatedError("this account was closed")
            return replace(change_of(state), login=login), None

        await self._changes.make(user, decide)

    def _decide(
        self,
        state: AccountState,
        session: Session,
        login: LoginRecord,
        secrets: PasswordSecrets,
        logout_others: bool,
    ) -> tuple[Change, tuple[str, ...]]:
        kid = state.account.kid
        change = replace(change_of(state), login=login)
        if not session.pending:
            if kid is None or session.kid != kid:
                raise ForbiddenError("this session may only read: the account was started over")
            blob = self._keyring.wrap(session.id, session.user, "pw", secrets.kek)
            slot = SlotRecord(name="pw", kid=kid, blob=blob, salt=login.salt)
            change = replace(change, put_slots=(slot,))
        if not logout_others:
            return change, ()
        others = tuple(one for one in state.sessions if one.id != session.id)
        devices = tuple(one.device for one in others)
        change = replace(
            change, drop_sessions=tuple(one.id for one in others), drop_devices=devices
        )
        return change, devices
