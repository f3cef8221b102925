"""The relay's store of keys in memory, with the promises of the real ones."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from halfdoor.e2ee.key_store import (
    DeviceCounts,
    KeyConflictError,
    OneTimeKey,
    SignatureRow,
    SignedOutError,
    Usage,
    UserKeys,
    public_keys,
)

Device = tuple[str, str]


class FakeKeyStore:
    """A `KeyStore`; devices in `signed_out` are gone, and nothing is kept for them."""

    def __init__(self) -> None:
        self.signed_out: set[Device] = set()
        self._devices: dict[Device, bytes] = {}
        self._cross: dict[tuple[str, Usage], bytes] = {}
        # In upload order; those that were handed out are in `_given` too.
        self._one_time: dict[Device, dict[tuple[str, str], OneTimeKey]] = {}
        self._given: dict[Device, set[tuple[str, str]]] = {}
        self._fallback: dict[Device, dict[str, tuple[OneTimeKey, bool]]] = {}
        self._signatures: dict[tuple[str, str, str, str], SignatureRow] = {}

    async def keys_of(self, users: Sequence[str]) -> dict[str, UserKeys]:
        found = {
            user: UserKeys(
                devices={at[1]: keys for at, keys in self._devices.items() if at[0] == user},
                cross={at[1]: key for at, key in self._cross.items() if at[0] == user},
            )
            for user in users
        }
        return {user: keys for user, keys in found.items() if keys.devices or keys.cross}

    async def put_device_keys(self, user: str, device: str, keys: bytes) -> bool:
        self._check((user, device))
        before = self._devices.setdefault((user, device), b"")
        if before not in {b"", keys}:
            raise KeyConflictError
        self._devices[user, device] = keys
        return before != keys

    async def add_one_time_keys(
        self, user: str, device: str, keys: Sequence[OneTimeKey], limit: int
    ) -> None:
        self._check((user, device))
        known = dict(self._one_time.get((user, device), {}))
        given = self._given.get((user, device), set())
        for key in keys:
            name = (key.algorithm, key.id)
            if known.get(name, key) != key:
                raise KeyConflictError
            if name in known or len(known.keys() - given) < limit:
                known[name] = key
        self._one_time[user, device] = known

    async def set_fallback_keys(self, user: str, device: str, keys: Sequence[OneTimeKey]) -> None:
        self._check((user, device))
        kept = self._fallback.setdefault((user, device), {})
        for key in keys:
            if key.algorithm not in kept or kept[key.algorithm][0] != key:
                kept[key.algorithm] = (key, False)

    async def claim(self, user: str, device: str, algorithm: str) -> OneTimeKey | None:
        at = (user, device)
        if at in self.signed_out:
            return None
        given = self._given.setdefault(at, set())
        for name, key in self._one_time.get(at, {}).items():
            if name[0] == algorithm and name not in given:
                given.add(name)
                return key
        if algorithm not in self._fallback.get(at, {}):
            return None
        key, _ = self._fallback[at][algorithm]
        self._fallback[at][algorithm] = (key, True)
        return key

    async def counts(self, user: str, device: str) -> DeviceCounts:
        at = (user, device)
        left = self._one_time.get(at, {}).keys() - self._given.get(at, set())
        names = sorted(algorithm for algorithm, _ in left)
        fallback = self._fallback.get(at, {})
        return DeviceCounts(
            one_time={name: names.count(name) for name in names},
            fallback=tuple(sorted(name for name, (_, used) in fallback.items() if not used)),
        )

    async def put_cross_signing(self, user: str, keys: Mapping[Usage, bytes]) -> None:
        gone = {
            target
            for usage, key in keys.items()
            if (user, usage) in self._cross
            for target in public_keys(self._cross[user, usage]) - public_keys(key)
        }
        for usage, key in keys.items():
            self._cross[user, usage] = key
        self._drop_signatures(user, gone)

    async def add_signatures(self, signer: str, rows: Sequence[SignatureRow]) -> bool:
        new = False
        for row in rows:
            name = (signer, row.user, row.target, row.key_id)
            mine = replace(row, signer=signer)
            new = new or self._signatures.get(name) != mine
            self._signatures[name] = mine
        return new

    async def signatures(self, signer: str, users: Sequence[str]) -> list[SignatureRow]:
        found = [row for row in self._signatures.values() if row.signer == signer]
        return sorted(
            (row for row in found if row.user in users),
            key=lambda row: (row.user, row.target, row.key_id),
        )

    async def drop_device(self, user: str, device: str) -> bool:
        at = (user, device)
        found = [
            kept.pop(at, None)
            for kept in (self._devices, self._one_time, self._given, self._fallback)
        ]
        self._drop_signatures(user, {device})
        return any(one is not None for one in found)

    def _check(self, at: Device) -> None:
        if at in self.signed_out:
            raise SignedOutError

    def _drop_signatures(self, user: str, targets: set[str]) -> None:
        self._signatures = {
            name: row
            for name, row in self._signatures.items()
            if not (row.user == user and row.target in targets)
        }
