"""Closing an account for good: all slots, tokens and wraps go (SEALING §2)."""

from typing import final

from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.news import News
from halfdoor.accounts.pending import check_live
from halfdoor.accounts.session import Session
from halfdoor.accounts.store import AccountState, AccountStore, Change


@final
class Deactivate:
    """Closes accounts. The name stays taken, so that nobody can pose as who wrote there."""

    def __init__(self, store: AccountStore, changes: Changes, news: News) -> None:
        self._store = store
        self._changes = changes
        self._news = news

    async def own(self, session: Session) -> None:
        """Close one's own account; the caller has asked for proof, the session is live."""
        check_live(session)
        await self.account(session.user)

    async def account(self, user: str) -> None:
        """Close an account, as its owner or an administrator; a second time changes nothing."""
        await self.close(user)
        await self._news.deactivated(user)

    async def close(self, user: str) -> None:
        """Close an account and no more: its conversations are left by whoever asked for this."""
        gone = await self._changes.make(user, _closed)
        await self._store.set_profile(user, {})
        if gone:
            await self._news.devices_gone(user, gone)


def _closed(state: AccountState) -> tuple[Change | None, tuple[str, ...]]:
    if state.account.deactivated:
        return None, ()
    devices = tuple(one.id for one in state.devices)
    change = replace(
        change_of(state),
        account=replace(state.account, deactivated=True, kid=None, public=None),
        drop_login=True,
        drop_slots=tuple((one.name, one.kid) for one in state.slots),
        drop_sessions=tuple(one.id for one in state.sessions),
        drop_devices=devices,
        drop_former=tuple(one.kid for one in state.former),
        drop_start_over=True,
    )
    return change, devices
