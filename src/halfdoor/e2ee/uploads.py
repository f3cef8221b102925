"""A device hands in its keys (CS-API, POST /keys/upload)."""

from collections.abc import Mapping
from typing import Any, Final

from halfdoor.e2ee.announcer import Announcer
from halfdoor.e2ee.errors import MissingKeysError, TakenKeyError
from halfdoor.e2ee.key_checks import check_device_keys, check_one_time_keys, signing_key_of
from halfdoor.e2ee.key_counts import KeyCounts, one_time
from halfdoor.e2ee.key_store import KeyConflictError, KeyStore

# So many one-time keys of a device wait to be handed out; clients keep fewer.
MOST_WAITING: Final = 250
_FALLBACK: Final = ("fallback_keys", "org.matrix.msc2732.fallback_keys")


class Uploads:
    """Takes the identity keys, one-time keys and fallback keys of devices."""

    def __init__(self, store: KeyStore, announcer: Announcer, counts: KeyCounts) -> None:
        """Keep keys in *store*; *announcer* tells of new devices."""
        self._store = store
        self._announcer = announcer
        self._counts = counts

    async def upload(self, user: str, device: str, body: Mapping[str, Any]) -> dict[str, int]:
        """Keep what *body* holds, none of it where some is bad; return one-time keys left.

        `KeyRelayError`.
        """
        given = body.get("device_keys")
        held = await self._held(user, device)
        keys = held if given is None else check_device_keys(given, user, device)
        if given is not None and held is not None and keys != held:
            raise TakenKeyError("the keys of a device never change")
        single = body.get("one_time_keys") or {}
        fallback = body.get(_FALLBACK[0]) or body.get(_FALLBACK[1]) or {}
        if keys is None and (single or fallback):
            raise MissingKeysError("the keys of the device itself come first")
        if keys is not None:
            # 1. Check all of it before anything is kept.
            signing = signing_key_of(keys, device)
            singles = check_one_time_keys(single, user, device, signing, fallback=False)
            fallbacks = check_one_time_keys(fallback, user, device, signing, fallback=True)
            try:
                # 2. One-time keys before the device is told of: who hears of it claims one.
                if singles:
                    await self._store.add_one_time_keys(user, device, singles, MOST_WAITING)
                if fallbacks:
                    await self._store.set_fallback_keys(user, device, fallbacks)
                if held is None:
                    async with self._announcer.changing(user) as changing:
                        changing.happened = await self._store.put_device_keys(user, device, keys)
            except KeyConflictError:
                raise TakenKeyError("there is another key of this id") from None
            finally:
                self._counts.forget(user, device)
        return one_time(await self._store.counts(user, device))

    async def _held(self, user: str, device: str) -> bytes | None:
        found = (await self._store.keys_of([user])).get(user)
        return found.devices.get(device) if found is not None else None
