"""Devices that wait for approval, as the syncs of a person's other devices tell of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from halfdoor.accounts.pending import short_code
from halfdoor.accounts.store import AccountStore


class WaitingDevices:
    """What the syncs of a person's live devices say of those that wait for approval."""

    def __init__(self, store: AccountStore) -> None:
        """Read accounts from *store*."""
        self._store = store

    async def waiting(self, user: str) -> Sequence[Mapping[str, Any]]:
        """Return one content for each waiting device (SEALING §2, new device)."""
        state = await self._store.state(user)
        if state is None:
            return []
        return [
            {
                "session": one.session,
                "device_id": one.device,
                "asked": one.asked,
                "code": short_code(one.kid),
            }
            for one in state.pending
            if one.approval is None
        ]

    async def waits(self, user: str, session: str) -> bool:
        """Tell whether this session still waits."""
        state = await self._store.state(user)
        found = state.waiting(session) if state is not None else None
        return found is not None and found.approval is None
