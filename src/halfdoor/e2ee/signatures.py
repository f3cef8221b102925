"""Signatures on keys that are there already (CS-API, POST /keys/signatures/upload)."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from halfdoor.e2ee.announcer import Announcer
from halfdoor.e2ee.errors import (
    BadKeysError,
    BadSignatureError,
    KeyRelayError,
    TooManyKeysError,
    UnknownKeyError,
    WrongOwnerError,
)
from halfdoor.e2ee.key_checks import (
    check_signature,
    public_key_of,
    says_the_same,
    signatures_of,
    signing_key_of,
)
from halfdoor.e2ee.key_store import KeyStore, SignatureRow, UserKeys
from halfdoor.e2ee.queries import Acquainted

MOST_AT_ONCE: Final = 500

Refused = dict[str, dict[str, KeyRelayError]]


class Signatures:
    """Takes what somebody signed: their own devices and keys, and other people's master keys."""

    def __init__(self, store: KeyStore, acquainted: Acquainted, announcer: Announcer) -> None:
        """Keep signatures in *store*; *announcer* tells of them."""
        self._store = store
        self._acquainted = acquainted
        self._announcer = announcer

    async def upload(self, signer: str, body: Mapping[str, Any]) -> Refused:
        """Keep the signatures in *body*; return why, by user and key, those that are refused are.

        `BadKeysError` and `TooManyKeysError` for a body that is none.
        """
        wanted = _wanted(body)
        shared = await self._acquainted.sharing(signer, wanted)
        found = await self._store.keys_of(sorted(shared | {signer}))
        own = found.get(signer, UserKeys())
        refused: Refused = {}
        for user, signed in wanted.items():
            keys = found.get(user, UserKeys()) if user in shared or user == signer else UserKeys()
            rows: list[SignatureRow] = []
            for target, given in signed.items():
                try:
                    rows += check_signed(given, signer, own, user, keys, target)
                except KeyRelayError as error:
                    refused.setdefault(user, {})[target] = error
            if rows:
                # Others never see what somebody thinks of a third person's keys.
                only = None if user == signer else signer
                async with self._announcer.changing(user, only) as changing:
                    changing.happened = await self._store.add_signatures(signer, rows)
        return refused


def check_signed(
    given: Any, signer: str, own: UserKeys, user: str, keys: UserKeys, target: str
) -> list[SignatureRow]:
    """Return the signatures of *signer* on the key *target* of *user*, each checked; pure.

    *own* are the signer's keys, *keys* those of *user*. `KeyRelayError`.
    """
    if not isinstance(given, dict):
        raise BadKeysError("what is signed must be an object")
    stored = _target(user == signer, keys, target)
    if stored is None:
        raise UnknownKeyError("there is no such device or key")
    if not says_the_same(given, msgspec.json.decode(stored)):
        raise WrongOwnerError("this is not the key that is here")
    mine = signatures_of(given).get(signer, {})
    by = _signing_keys(own, own_device=target in own.devices) if user == signer else {}
    if user != signer and "user_signing" in own.cross:
        public = public_key_of(own.cross["user_signing"])
        by = {f"ed25519:{public}": public}
    rows = []
    for key_id, signature in mine.items():
        if key_id == f"ed25519:{target}":
            # What a key says of itself came with it.
            continue
        if key_id not in by:
            raise BadSignatureError("this key may not sign that one")
        check_signature(given, by[key_id], signature)
        rows.append(SignatureRow(signer, user, target, key_id, signature))
    if not rows:
        raise BadSignatureError("there is no signature of yours on it")
    return rows


def _target(is_own: bool, keys: UserKeys, target: str) -> bytes | None:
    if is_own and target in keys.devices:
        return keys.devices[target]
    master = keys.cross.get("master")
    return master if master is not None and public_key_of(master) == target else None


def _signing_keys(own: UserKeys, *, own_device: bool) -> dict[str, str]:
    """Return what may sign: the self-signing key a device, every device the master key."""
    if own_device:
        key = own.cross.get("self_signing")
        return {} if key is None else {f"ed25519:{public_key_of(key)}": public_key_of(key)}
    return {f"ed25519:{name}": signing_key_of(one, name) for name, one in own.devices.items()}


def _wanted(body: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        wanted = msgspec.convert(body, dict[str, dict[str, Any]])
    except msgspec.ValidationError:
        raise BadKeysError("the body names keys for each user") from None
    if sum(len(signed) for signed in wanted.values()) > MOST_AT_ONCE:
        raise TooManyKeysError("more signatures than are taken at once")
    return wanted
