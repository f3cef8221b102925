"""The `to_device` section of /sync: each message until its device came back with the next token.

The token names the position up to which messages were given (`SyncToken.told`); only when it comes
back are they deleted, so a lost answer loses nothing (MATRIX §2, item 9).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from halfdoor.e2ee.to_device import AT_ONCE
from halfdoor.e2ee.to_device_store import ToDeviceStore
from halfdoor.messaging.reading import Reader

_BOUND: Final = 40_000


class PendingDevices(Protocol):
    """What waits for this person's approval (SEALING §2, new device)."""

    async def waiting(self, user: str) -> Sequence[Mapping[str, Any]]:
        """Return the contents of the to-device events to show, one for each waiting device."""

    async def waits(self, user: str, session: str) -> bool:
        """Tell whether this session still waits."""


class DeviceSection:
    """Finds what waits for a device, and remembers which queues are empty."""

    def __init__(self, store: ToDeviceStore, pending: PendingDevices) -> None:
        """Read messages from *store*; *pending* tells of devices that wait for approval."""
        self._store = store
        self._pending = pending
        # Up to which position nothing waits for a device. It stays true whatever other processes
        # do: a message comes at the end of its person's stream, under the lock of that stream.
        self._clear: dict[tuple[str, str], int] = {}

    async def acknowledge(self, reader: Reader, told: int) -> None:
        """Delete what *reader*'s device has: it came back with a token that says so."""
        if self._clear.get((reader.user, reader.device), -1) >= told:
            return
        oldest = await self._store.oldest(reader.user, reader.device)
        if oldest is not None and oldest <= told:
            await self._store.drop(reader.user, reader.device, told)
        self._note(reader, told)

    def stays_clear(self, reader: Reader, since: int, end: int) -> bool:
        """Tell, and remember, that nothing waits up to *end*: no inbox row after *since* said so.

        It asks nobody; False says nothing.
        """
        if self._clear.get((reader.user, reader.device), -1) < since:
            return False
        self._note(reader, end)
        return True

    async def after(
        self, reader: Reader, told: int, end: int
    ) -> tuple[list[Mapping[str, Any]], int]:
        """Return the oldest messages with told < pos <= end, and up to where these are all."""
        found = await self._store.waiting(
            reader.user, reader.device, after=told, upto=end, limit=AT_ONCE + 1
        )
        clear = self._clear.get((reader.user, reader.device), 0)
        if not found and clear >= told:
            self._note(reader, end)
        upto = end if len(found) <= AT_ONCE else found[AT_ONCE - 1].pos
        events: list[Mapping[str, Any]] = [
            {"type": one.type, "sender": one.sender, "content": msgspec.Raw(one.content)}
            for one in (waiting.message for waiting in found[:AT_ONCE])
            if one is not None
        ]
        return events, upto

    async def pending(self, user: str) -> list[Mapping[str, Any]]:
        """Return an event for each device that waits for approval."""
        return [
            {"type": "org.halfdoor.pending", "sender": user, "content": content}
            for content in await self._pending.waiting(user)
        ]

    def _note(self, reader: Reader, position: int) -> None:
        key = (reader.user, reader.device)
        if position > self._clear.get(key, -1):
            self._clear[key] = position
            if len(self._clear) > _BOUND:
                del self._clear[next(iter(self._clear))]
