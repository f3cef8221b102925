"""Public keys as rows, and what is decided about them, the same in every store. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, final

from halfdoor.e2ee.key_store import (
    KeyConflictError,
    OneTimeKey,
    SignatureRow,
    Usage,
    UserKeys,
    public_keys,
)
from halfdoor.sealing.labels import H
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.accounts_rows import AccountRows, RowKeys, place
from halfdoor.store.e2ee_key_records import (
    CrossKeyRow,
    DeviceKeyRow,
    FallbackKeyRow,
    KeySignatureRow,
    OneTimeKeyRow,
)

# So many of the newest one-time keys of a device are still known by their hash once handed out.
REMEMBERED: Final = 1_000

# Bucket, user, device.
DeviceAt = tuple[int, str, str]
Values = tuple[Any, ...]
# Sealed, mac.
Sealed = tuple[bytes, bytes]


class Given(NamedTuple):
    """A key that is handed out, and what is then written over its row."""

    key: OneTimeKey
    values: Values
    n: int


@final
class KeyRows:
    """Seals and opens the rows of public keys; `RowMacError` for one that was changed."""

    def __init__(self, keys: RowKeys) -> None:
        self._rows = AccountRows(keys)

    def device_key(self, user: str, device: str, row: Sealed) -> bytes:
        """Return the identity keys in a row."""
        return self._rows.open("device_key", user, (user, device), row, DeviceKeyRow).keys

    def put_device_key(self, at: DeviceAt, keys: bytes) -> Values:
        """Return the values of a device's row."""
        _, user, device = at
        row = self._rows.seal("device_key", user, (user, device), DeviceKeyRow(keys))
        return (*at, row.sealed, row.mac)

    def cross_key(self, user: str, usage: str, row: Sealed) -> bytes:
        """Return the key for cross-signing in a row."""
        return self._rows.open("cross_key", user, (user, usage), row, CrossKeyRow).key

    def put_cross_key(self, user: str, usage: Usage, key: bytes) -> Values:
        """Return the values of a row of a key for cross-signing."""
        row = self._rows.seal("cross_key", user, (user, usage), CrossKeyRow(key))
        return (*place(user), usage, row.sealed, row.mac)

    def replaced(self, user: str, usage: str, row: Sealed | None, key: bytes) -> list[str]:
        """Return the public keys that go when *key* takes the place of that in *row*."""
        if row is None:
            return []
        return sorted(public_keys(self.cross_key(user, usage, row)) - public_keys(key))

    def same_one_time_key(self, at: DeviceAt, key: OneTimeKey, row: Values) -> bool:
        """Tell whether *row* (algorithm, id, n, given, sealed, mac) holds *key*, or did."""
        record = self._one_time_key(at, row)
        return record.key == (H(key.key) if record.given else key.key)

    def put_one_time_key(self, at: DeviceAt, key: OneTimeKey, n: int) -> Values:
        """Return the values of a row of a key that is number *n*."""
        name = (key.algorithm, key.id)
        row = self._rows.seal(
            "one_time_key", at[1], (*at[1:], *name), OneTimeKeyRow(n=n, key=key.key)
        )
        return (*at, *name, n, row.sealed, row.mac)

    def give(self, at: DeviceAt, algorithm: str, row: Values) -> Given:
        """Hand out the key in *row* (id, n, given, sealed, mac)."""
        record = self._one_time_key(at, (algorithm, *row))
        name = (algorithm, row[0])
        after = OneTimeKeyRow(n=record.n, key=H(record.key), given=True)
        sealed = self._rows.seal("one_time_key", at[1], (*at[1:], *name), after)
        values = (sealed.sealed, sealed.mac, *at, *name)
        return Given(OneTimeKey(algorithm, row[0], record.key), values, record.n)

    def fallback_key(self, at: DeviceAt, algorithm: str, row: Sealed) -> FallbackKeyRow:
        """Return what a row says of a fallback key."""
        return self._rows.open("fallback_key", at[1], (*at[1:], algorithm), row, FallbackKeyRow)

    def put_fallback_key(self, at: DeviceAt, algorithm: str, record: FallbackKeyRow) -> Values:
        """Return the values of a row of a fallback key."""
        row = self._rows.seal("fallback_key", at[1], (*at[1:], algorithm), record)
        return (*at, algorithm, row.sealed, row.mac)

    def signature(self, signer: str, user: str, target: str, key_id: str, row: Sealed) -> str:
        """Return the signature in a row."""
        name = (user, signer, target, key_id)
        return self._rows.open("key_signature", user, name, row, KeySignatureRow).signature

    def put_signature(self, signer: str, one: SignatureRow) -> Values:
        """Return the values of a row of a signature by *signer*."""
        name = (one.user, signer, one.target, one.key_id)
        row = self._rows.seal("key_signature", one.user, name, KeySignatureRow(one.signature))
        return (*place(one.user), *name[1:], row.sealed, row.mac)

    def _one_time_key(self, at: DeviceAt, row: Values) -> OneTimeKeyRow:
        algorithm, key_id, n, given, sealed, mac = row
        name = (*at[1:], algorithm, key_id)
        record = self._rows.open("one_time_key", at[1], name, (sealed, mac), OneTimeKeyRow)
        if (record.n, record.given) != (n, bool(given)):
            # Else a key that was handed out could be put back, and be handed out twice.
            raise RowMacError("a row of one_time_key says something else than what it bears")
        return record


def user_keys(devices: Mapping[str, bytes], cross: Mapping[Usage, bytes]) -> UserKeys | None:
    """Return the keys of a person, None where there are none."""
    return UserKeys(devices=devices, cross=cross) if devices or cross else None


def once(keys: Iterable[OneTimeKey]) -> list[OneTimeKey]:
    """Return *keys* without what is there twice; `KeyConflictError` for an id with two keys."""
    found: dict[tuple[str, str], OneTimeKey] = {}
    for key in keys:
        if found.setdefault((key.algorithm, key.id), key) != key:
            raise KeyConflictError("two keys of the same id")
    return list(found.values())


def with_fallback(kept: FallbackKeyRow | None, key: OneTimeKey) -> FallbackKeyRow | None:
    """Return the row for *key*, None where it is there already: then it stays used if it was."""
    if kept is not None and (kept.id, kept.key) == (key.id, key.key):
        return None
    return FallbackKeyRow(key.id, key.key)


def in_order(rows: Sequence[SignatureRow]) -> list[SignatureRow]:
    """Return signatures by bucket and user, so that no two writers wait for each other."""
    return sorted(rows, key=lambda one: (*place(one.user), one.target, one.key_id))
