"""Who has which keys, for whoever may know (CS-API, POST /keys/query)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from halfdoor.e2ee.errors import BadKeysError, TooManyKeysError
from halfdoor.e2ee.key_store import KeyStore, SignatureRow, UserKeys

MOST_PEOPLE: Final = 1_000
_SHOWN: Final = ("master", "self_signing")


class Acquainted(Protocol):
    """Tells who may know whose keys."""

    async def sharing(self, user: str, others: Collection[str]) -> set[str]:
        """Return those of *others* who share a room with *user*, joined or invited, or are them."""


class DeviceNames(Protocol):
    """Tells what people call their devices."""

    async def names(self, user: str) -> Mapping[str, str | None]:
        """Return the names of the devices of *user*, by id."""


class Queries:
    """Answers with public keys; people who are not acquainted look as if they had no devices."""

    def __init__(self, store: KeyStore, acquainted: Acquainted, names: DeviceNames) -> None:
        """Read from *store*."""
        self._store = store
        self._acquainted = acquainted
        self._names = names

    async def query(self, asker: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to *body*: keys of devices, and cross-signing keys, by user.

        `BadKeysError`, `TooManyKeysError`.
        """
        wanted = _wanted(body)
        shown = sorted(await self._acquainted.sharing(asker, wanted))
        found, signatures = await asyncio.gather(
            self._store.keys_of(shown), self._signatures(asker, shown)
        )
        # "Ada's phone" is nothing for strangers.
        names = await self._names.names(asker) if asker in found else {}
        devices: dict[str, dict[str, Any]] = {user: {} for user in shown}
        answer: dict[str, Any] = {
            "device_keys": devices,
            "master_keys": {},
            "self_signing_keys": {},
            "user_signing_keys": {},
            "failures": {},
        }
        for user, keys in found.items():
            signed = signatures.get(user, {})
            for device, stored in keys.devices.items():
                if device in (wanted[user] or keys.devices):
                    shows = with_signatures(stored, signed.get(device, ()))
                    if user == asker and names.get(device) is not None:
                        shows["unsigned"] = {"device_display_name": names[device]}
                    devices[user][device] = shows
            self._add_cross(answer, asker, user, keys, signed)
        return answer

    def _add_cross(
        self,
        answer: dict[str, Any],
        asker: str,
        user: str,
        keys: UserKeys,
        signed: Mapping[str, Sequence[SignatureRow]],
    ) -> None:
        for usage, stored in keys.cross.items():
            if usage in _SHOWN or user == asker:
                [public] = msgspec.json.decode(stored)["keys"].values()
                shows = with_signatures(stored, signed.get(public, ()))
                answer[f"{usage}_keys"][user] = shows

    async def _signatures(
        self, asker: str, users: Sequence[str]
    ) -> dict[str, dict[str, list[SignatureRow]]]:
        """Return signatures by user and target: by the owner, and by who asks; nobody else's."""
        others = [user for user in users if user != asker]
        found = await asyncio.gather(
            self._store.signatures(asker, users),
            *[self._store.signatures(user, [user]) for user in others],
        )
        sorted_: dict[str, dict[str, list[SignatureRow]]] = {}
        for rows in found:
            for row in rows:
                sorted_.setdefault(row.user, {}).setdefault(row.target, []).append(row)
        return sorted_


def with_signatures(stored: bytes, rows: Sequence[SignatureRow]) -> dict[str, Any]:
    """Return a key as it is kept, with signatures that were made on it later."""
    shows: dict[str, Any] = msgspec.json.decode(stored)
    for row in rows:
        by = shows.setdefault("signatures", {}).setdefault(row.signer, {})
        by[row.key_id] = row.signature
    return shows


def _wanted(body: Mapping[str, Any]) -> dict[str, list[str]]:
    given = body.get("device_keys")
    # Some clients still say {} for all devices, as the specification did once.
    if isinstance(given, dict):
        given = {user: devices or [] for user, devices in given.items()}
    try:
        wanted = msgspec.convert(given, dict[str, list[str]])
    except msgspec.ValidationError:
        raise BadKeysError("device_keys name a list of devices for each user") from None
    if len(wanted) > MOST_PEOPLE:
        raise TooManyKeysError("one request names too many people")
    return wanted
