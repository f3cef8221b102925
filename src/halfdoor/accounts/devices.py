"""Devices and their end: list, rename, delete, log out (Matrix C-S, "Device management")."""

from collections.abc import Collection
from typing import final

from msgspec.structs import replace

from halfdoor.accounts.changes import Changes, change_of
from halfdoor.accounts.errors import NotFoundError
from halfdoor.accounts.news import News
from halfdoor.accounts.pending import check_live
from halfdoor.accounts.records import DeviceRecord
from halfdoor.accounts.session import Session
from halfdoor.accounts.signin import check_display_name
from halfdoor.accounts.store import AccountState, AccountStore, Change


@final
class Devices:
    """The devices of one's own account. A device ends with its session, and the other way round."""

    def __init__(self, store: AccountStore, changes: Changes, news: News) -> None:
        self._store = store
        self._changes = changes
        self._news = news

    async def all(self, user: str) -> list[DeviceRecord]:
        """Return the devices of *user*, oldest first."""
        state = await self._store.state(user)
        return sorted(state.devices, key=lambda one: one.created) if state is not None else []

    async def one(self, user: str, device: str) -> DeviceRecord:
        """Return one device; `NotFoundError` if it is not there."""
        state = await self._store.state(user)
        found = state.device(device) if state is not None else None
        if found is None:
            raise NotFoundError("there is no such device")
        return found

    async def rename(self, session: Session, device: str, display_name: str | None) -> None:
        """Give a device of one's own another name."""
        check_display_name(display_name)
        await self._changes.make(
            session.user, lambda state: (_renamed(state, device, display_name), None)
        )

    async def delete(self, session: Session, devices: Collection[str]) -> None:
        """Log these devices out; the caller has asked for user-interactive authentication.

        Unknown ones are passed over. A waiting session may end itself only (`PendingError`).
        """
        if set(devices) - {session.device}:
            # Whoever cannot open the account must not take its slots away (SEALING §8 no. 53).
            check_live(session)
        await self._end(session.user, frozenset(devices))

    async def logout(self, session: Session) -> None:
        """End the session and its device."""
        await self._end(session.user, frozenset({session.device}))

    async def logout_all(self, session: Session) -> None:
        """End every session of the account (`PendingError` for one that waits)."""
        check_live(session)
        await self._end(session.user, None)

    async def end_all(self, user: str) -> None:
        """End every session of *user*, who is not asked; `NotFoundError` for no account.

        The slots of password and recovery key stay: who is let in again can sign in.
        """
        await self._end(user, None)

    async def _end(self, user: str, devices: frozenset[str] | None) -> None:
        gone = await self._changes.make(user, lambda state: _ended(state, devices))
        if gone:
            await self._news.devices_gone(user, gone)


def _renamed(state: AccountState, device: str, display_name: str | None) -> Change:
    found = state.device(device)
    if found is None:
        raise NotFoundError("there is no such device")
    return replace(change_of(state), put_devices=(replace(found, display_name=display_name),))


def _ended(
    state: AccountState, devices: frozenset[str] | None
) -> tuple[Change | None, tuple[str, ...]]:
    """Return the change that ends *devices* (None: all), and which there were."""
    gone = tuple(one for one in state.devices if devices is None or one.id in devices)
    if not gone:
        return None, ()
    names = tuple(one.id for one in gone)
    sessions = tuple(one.id for one in state.sessions if one.device in names)
    return replace(change_of(state), drop_devices=names, drop_sessions=sessions), names
