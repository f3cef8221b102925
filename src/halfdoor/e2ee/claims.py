"""One-time keys are handed out (CS-API, POST /keys/claim)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from halfdoor.e2ee.errors import BadKeysError, TooManyKeysError
from halfdoor.e2ee.key_counts import KeyCounts
from halfdoor.e2ee.key_store import KeyStore
from halfdoor.e2ee.queries import Acquainted

MOST_DEVICES: Final = 1_000


class Claims:
    """Hands out each key once, the oldest first, and a fallback key where none is left."""

    def __init__(self, store: KeyStore, acquainted: Acquainted, counts: KeyCounts) -> None:
        """Take keys from *store*, for people who are *acquainted*."""
        self._store = store
        self._acquainted = acquainted
        self._counts = counts

    async def claim(self, asker: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a key for each device named in *body*; those without any are left out.

        `BadKeysError`, `TooManyKeysError`. Who shares no room with *asker* has no devices.
        """
        wanted = _wanted(body)
        found: dict[str, dict[str, Any]] = {}
        for user in await self._acquainted.sharing(asker, wanted):
            for device, algorithm in wanted[user].items():
                try:
                    key = await self._store.claim(user, device, algorithm)
                finally:
                    self._counts.forget(user, device)
                if key is not None:
                    name = f"{key.algorithm}:{key.id}"
                    found.setdefault(user, {})[device] = {name: msgspec.Raw(key.key)}
        return found


def _wanted(body: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    try:
        wanted = msgspec.convert(body.get("one_time_keys"), dict[str, dict[str, str]])
    except msgspec.ValidationError:
        raise BadKeysError("one_time_keys name an algorithm for each user and device") from None
    if sum(len(devices) for devices in wanted.values()) > MOST_DEVICES:
        raise TooManyKeysError("one request names too many devices")
    return wanted
