"""A new recovery key for somebody who is signed in (SEALING §2, slot `rec`)."""

from typing import final

from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import ForbiddenError
from halfdoor.accounts.keyring import Keyring
from halfdoor.accounts.pending import check_writes
from halfdoor.accounts.recovery_key import RecoveryKey
from halfdoor.accounts.session import Session
from halfdoor.accounts.signin import recovery_slot
from halfdoor.accounts.store import AccountState, AccountStore, Change


@final
class Recovery:
    """Makes recovery keys; the one before opens nothing any more."""

    def __init__(self, store: AccountStore, changes: Changes, keyring: Keyring) -> None:
        self._store = store
        self._changes = changes
        self._keyring = keyring

    async def make(self, session: Session) -> RecoveryKey:
        """Make a recovery key with its kit; the session is live and in a request."""
        check_writes(session)
        return await self._changes.make(session.user, lambda state: self._decide(state, session))

    async def has_way_back(self, user: str) -> bool:
        """Tell whether anything but signed-in sessions opens the account of *user*."""
        state = await self._store.state(user)
        return state is not None and way_back(state)

    def _decide(self, state: AccountState, session: Session) -> tuple[Change, RecoveryKey]:
        kid = state.account.kid
        if kid is None or session.kid != kid:
            raise ForbiddenError("this session may only read: the account was started over")
        recovery = self._keyring.make_recovery(session.id, session.user)
        return replace(change_of(state), put_slots=(recovery_slot(recovery, kid),)), recovery


def way_back(state: AccountState) -> bool:
    """Tell whether a recovery key, or the password that opens the login, opens the user key."""
    kid = state.account.kid
    password = state.slot("pw", kid)
    opens = password is not None and state.login is not None and password.salt == state.login.salt
    return opens or state.slot("rec", kid) is not None
