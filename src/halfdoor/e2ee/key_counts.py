"""How many keys a device has left, remembered: every sync answer says so (CS-API, /sync)."""

import time
from typing import Any, Final

import msgspec

from halfdoor.accounts.recent import Recent
from halfdoor.e2ee.key_checks import ONE_TIME
from halfdoor.e2ee.key_store import DeviceCounts, KeyStore

_BOUND: Final = 50_000
# Where other processes take uploads too, so long a device without keys is believed to have none.
_BELIEVED_SECONDS: Final = 10.0

Section = dict[str, Any]


class KeyCounts:
    """What sync says about the keys of a device.

    A device is remembered where this process is *alone*. Else another may hand out its keys, or
    take them: whoever has some is counted each time, whoever has none every few seconds.
    """

    def __init__(self, store: KeyStore, *, alone: bool) -> None:
        """Count in *store*."""
        self._store = store
        self._alone = alone
        self._known: Recent[tuple[str, str], tuple[Section, float]] = Recent(_BOUND)

    async def section(self, user: str, device: str) -> Section:
        """Return the two members of a sync answer; both always, also where nothing is left.

        Clients that do not find them upload for ever, or never (MATRIX §2, item 11).
        """
        found = self._known.at_hand((user, device))
        if found is not None and (self._alone or time.monotonic() < found[1]):
            return found[0]
        mark = self._known.mark()
        counts = await self._store.counts(user, device)
        section: Section = {
            "device_one_time_keys_count": msgspec.Raw(msgspec.json.encode(one_time(counts))),
            "device_unused_fallback_key_types": msgspec.Raw(msgspec.json.encode(counts.fallback)),
        }
        if self._alone or not await self._has_keys(user, device):
            until = time.monotonic() + _BELIEVED_SECONDS
            self._known.put_since(mark, (user, device), (section, until))
        return section

    def forget(self, user: str, device: str) -> None:
        """Count anew next time: keys of the device came or went."""
        self._known.forget((user, device))

    async def _has_keys(self, user: str, device: str) -> bool:
        found = (await self._store.keys_of([user])).get(user)
        return found is not None and device in found.devices


def one_time(counts: DeviceCounts) -> dict[str, int]:
    """Return one-time keys left by algorithm, a zero where there are none."""
    return {ONE_TIME: 0, **counts.one_time}
