"""A person's own signing keys (CS-API, POST /keys/device_signing/upload)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakValueDictionary

from halfdoor.e2ee.announcer import Announcer
from halfdoor.e2ee.errors import BadKeysError, MissingKeysError, TakenKeyError, WrongOwnerError
from halfdoor.e2ee.key_checks import (
    USAGES,
    check_cross_signing_key,
    check_signature,
    kept,
    public_key_of,
    signature_of,
    signatures_of,
    signing_key_of,
)
from halfdoor.e2ee.key_store import KeyStore, Usage, UserKeys

Prove = Callable[[], Awaitable[object]]


class CrossSigning:
    """Takes master, self-signing and user-signing keys."""

    def __init__(self, store: KeyStore, announcer: Announcer) -> None:
        """Keep keys in *store*; *announcer* tells of new ones."""
        self._store = store
        self._announcer = announcer
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def upload(self, user: str, body: Mapping[str, Any], prove: Prove) -> None:
        """Keep the keys in *body*; the same again changes nothing.

        The first are taken as they come (MSC3967): nobody could have trusted others. To replace or
        add any later, whoever asks must *prove* who they are. `KeyRelayError`, and what it raises.
        """
        lock = self._turns.setdefault(user, asyncio.Lock())
        # Two that came at once would both be the first.
        async with lock:
            found = (await self._store.keys_of([user])).get(user, UserKeys())
            keys = check_cross_signing(body, user, found)
            if all(found.cross.get(usage) == key for usage, key in keys.items()):
                return
            if found.cross:
                await prove()
            async with self._announcer.changing(user) as changing:
                await self._store.put_cross_signing(user, keys)
                changing.happened = True


def check_cross_signing(body: Mapping[str, Any], user: str, found: UserKeys) -> dict[Usage, bytes]:
    """Return the keys in *body* as they are kept; pure. *found* are those that are there.

    The master key signs the others, and the person's own devices may sign it. `KeyRelayError`.
    """
    given = {usage: body[name] for usage in USAGES if body.get(name := f"{usage}_key") is not None}
    if not given:
        raise MissingKeysError("there is no key in it")
    publics = {usage: check_cross_signing_key(key, user, usage) for usage, key in given.items()}
    if len(set(publics.values())) < len(publics):
        raise BadKeysError("each use has its own key")
    if set(publics.values()) & set(found.devices):
        raise TakenKeyError("a device has the name of this key")
    master = publics.get("master")
    if master is None:
        if "master" not in found.cross:
            raise MissingKeysError("the master key comes first")
        master = public_key_of(found.cross["master"])
    made: dict[Usage, bytes] = {}
    for usage, key in given.items():
        if usage == "master":
            made[usage] = kept(key, _by_devices(key, user, found, master))
            continue
        key_id = f"ed25519:{master}"
        signature = signature_of(key, user, key_id)
        check_signature(key, master, signature)
        made[usage] = kept(key, {user: {key_id: signature}})
    return made


def _by_devices(
    key: Mapping[str, Any], user: str, found: UserKeys, master: str
) -> dict[str, dict[str, str]]:
    """Return the signatures of the person's own devices on their master key, each checked."""
    signed: dict[str, str] = {}
    for key_id, signature in signatures_of(key).get(user, {}).items():
        algorithm, _, device = key_id.partition(":")
        if device == master:
            continue
        if algorithm != "ed25519" or device not in found.devices:
            raise WrongOwnerError("the master key is signed by a device that has no keys here")
        check_signature(key, signing_key_of(found.devices[device], device), signature)
        signed[key_id] = signature
    return {user: signed} if signed else {}
