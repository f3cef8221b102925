"""Public keys in SQLite, as `e2ee.key_store` promises them."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, final

from msgspec.structs import replace

from halfdoor.e2ee.key_store import (
    DeviceCounts,
    KeyConflictError,
    OneTimeKey,
    SignatureRow,
    SignedOutError,
    Usage,
    UserKeys,
)
from halfdoor.store.accounts_rows import place
from halfdoor.store.e2ee_key_rows import (
    REMEMBERED,
    DeviceAt,
    KeyRows,
    in_order,
    once,
    user_keys,
    with_fallback,
)
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.erasures import check_not_erased, erased
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("e2ee_keys")


@final
class SqliteDeviceKeys:
    """A `KeyStore` on the people's side."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._rows = KeyRows(keys)

    async def keys_of(self, users: Sequence[str]) -> dict[str, UserKeys]:
        """Return the public keys of each user; those without any are left out."""

        def read(con: sqlite3.Connection) -> dict[str, UserKeys]:
            found = {user: self._of(con, user) for user in users}
            return {user: keys for user, keys in found.items() if keys is not None}

        return await self._database.read(read)

    async def put_device_keys(self, user: str, device: str, keys: bytes) -> bool:
        """Keep the identity keys of a device; False where they are there already."""
        at = (*place(user), device)

        def write(con: sqlite3.Connection) -> bool:
            _check_signed_in(con, at)
            row = con.execute(_SQL["device_key"], at).fetchone()
            if row is not None:
                if self._rows.device_key(user, device, row) != keys:
                    raise KeyConflictError("a device's keys never change")
                return False
            con.execute(_SQL["put_device_key"], self._rows.put_device_key(at, keys))
            return True

        return await self._database.write(write)

    async def add_one_time_keys(
        self, user: str, device: str, keys: Sequence[OneTimeKey], limit: int
    ) -> None:
        """Add keys after those that are there, in this order, all or none."""
        at = (*place(user), device)
        wanted = once(keys)

        def write(con: sqlite3.Connection) -> None:
            _check_signed_in(con, at)
            fresh = [key for key in wanted if not self._is_there(con, at, key)]
            room = max(0, limit - _value(con, "left", at))
            newest = _value(con, "newest_one_time_key", at)
            rows = [
                self._rows.put_one_time_key(at, key, n)
                for n, key in enumerate(fresh[:room], newest + 1)
            ]
            con.executemany(_SQL["put_one_time_key"], rows)

        await self._database.write(write)

    async def set_fallback_keys(self, user: str, device: str, keys: Sequence[OneTimeKey]) -> None:
        """Replace the device's fallback keys of these algorithms; a new one is unused."""
        at = (*place(user), device)

        def write(con: sqlite3.Connection) -> None:
            _check_signed_in(con, at)
            for key in keys:
                row = con.execute(_SQL["fallback_key"], (*at, key.algorithm)).fetchone()
                kept = self._rows.fallback_key(at, key.algorithm, row) if row else None
                record = with_fallback(kept, key)
                if record is not None:
                    values = self._rows.put_fallback_key(at, key.algorithm, record)
                    con.execute(_SQL["put_fallback_key"], values)

        await self._database.write(write)

    async def claim(self, user: str, device: str, algorithm: str) -> OneTimeKey | None:
        """Take the oldest one-time key, which is then gone; else the fallback key, now used."""
        at = (*place(user), device)

        def write(con: sqlite3.Connection) -> OneTimeKey | None:
            row = con.execute(_SQL["oldest_one_time_key"], (*at, algorithm)).fetchone()
            if row is not None:
                given = self._rows.give(at, algorithm, row)
                con.execute(_SQL["give"], given.values)
                con.execute(_SQL["forget_given"], (*at, given.n - REMEMBERED))
                return given.key
            row = con.execute(_SQL["fallback_key"], (*at, algorithm)).fetchone()
            if row is None:
                return None
            kept = self._rows.fallback_key(at, algorithm, row)
            if not kept.used:
                used = replace(kept, used=True)
                values = self._rows.put_fallback_key(at, algorithm, used)
                con.execute(_SQL["put_fallback_key"], values)
            return OneTimeKey(algorithm, kept.id, kept.key)

        return await self._database.write(write)

    async def counts(self, user: str, device: str) -> DeviceCounts:
        """Return what a device has left."""
        at = (*place(user), device)

        def read(con: sqlite3.Connection) -> DeviceCounts:
            unused = [
                algorithm
                for algorithm, *row in con.execute(_SQL["fallback_keys"], at)
                if not self._rows.fallback_key(at, algorithm, (row[0], row[1])).used
            ]
            return DeviceCounts(dict(con.execute(_SQL["counted"], at)), tuple(sorted(unused)))

        return await self._database.read(read)

    async def put_cross_signing(self, user: str, keys: Mapping[Usage, bytes]) -> None:
        """Replace the cross-signing keys named; signatures on a replaced key go with it."""
        at = place(user)

        def write(con: sqlite3.Connection) -> None:
            check_not_erased(con, self._keys, user)
            for usage, key in keys.items():
                row = con.execute(_SQL["cross_key"], (*at, usage)).fetchone()
                for target in self._rows.replaced(user, usage, row, key):
                    con.execute(_SQL["drop_signatures_on"], (*at, target))
                con.execute(_SQL["put_cross_key"], self._rows.put_cross_key(user, usage, key))

        await self._database.write(write)

    async def add_signatures(self, signer: str, rows: Sequence[SignatureRow]) -> bool:
        """Keep signatures; the same again is fine. False where nothing is new."""

        def write(con: sqlite3.Connection) -> bool:
            gone = {
                user
                for user in {signer, *(one.user for one in rows)}
                if erased(con, self._keys, user) is not None
            }
            new = False
            for one in in_order(rows):
                if not gone & {signer, one.user} and not self._is_signed(con, signer, one):
                    values = self._rows.put_signature(signer, one)
                    con.execute(_SQL["put_signature"], values)
                    new = True
            return new

        return await self._database.write(write)

    async def signatures(self, signer: str, users: Sequence[str]) -> list[SignatureRow]:
        """Return the signatures that *signer* made on keys of *users*."""

        def read(con: sqlite3.Connection) -> list[SignatureRow]:
            found = []
            for user in sorted(set(users)):
                rows = con.execute(_SQL["signatures"], (*place(user), signer))
                for _, target, key_id, sealed, mac in rows:
                    name = (signer, user, target, key_id)
                    signature = self._rows.signature(*name, (sealed, mac))
                    found.append(SignatureRow(*name, signature))
            return found

        return await self._database.read(read)

    async def drop_device(self, user: str, device: str) -> bool:
        """Delete a device's keys and what is left of its one-time keys; False where none were."""
        at = (*place(user), device)

        def write(con: sqlite3.Connection) -> bool:
            names = ("drop_device_key", "drop_one_time_keys", "drop_fallback_keys")
            gone = [con.execute(_SQL[name], at).rowcount for name in names]
            con.execute(_SQL["drop_signatures_on"], at)
            return any(gone)

        return await self._database.write(write)

    def _of(self, con: sqlite3.Connection, user: str) -> UserKeys | None:
        at = place(user)
        devices = {
            device: self._rows.device_key(user, device, (sealed, mac))
            for device, sealed, mac in con.execute(_SQL["device_keys"], at)
        }
        cross = {
            cast("Usage", usage): self._rows.cross_key(user, usage, (sealed, mac))
            for usage, sealed, mac in con.execute(_SQL["cross_keys"], at)
        }
        return user_keys(devices, cross)

    def _is_there(self, con: sqlite3.Connection, at: DeviceAt, key: OneTimeKey) -> bool:
        """Tell whether *key* is known; `KeyConflictError` where its id is another key's."""
        row = con.execute(_SQL["one_time_key"], (*at, key.algorithm, key.id)).fetchone()
        if row is not None and not self._rows.same_one_time_key(at, key, row):
            raise KeyConflictError("there is another key of this id")
        return row is not None

    def _is_signed(self, con: sqlite3.Connection, signer: str, one: SignatureRow) -> bool:
        name = (signer, one.target, one.key_id)
        row = con.execute(_SQL["signature"], (*place(one.user), *name)).fetchone()
        if row is None:
            return False
        found = self._rows.signature(signer, one.user, one.target, one.key_id, row)
        return found == one.signature

    def __repr__(self) -> str:
        return "SqliteDeviceKeys(…)"


def _check_signed_in(con: sqlite3.Connection, at: DeviceAt) -> None:
    """Refuse what is for a device that was signed out, with `SignedOutError`."""
    if con.execute(_SQL["lock_device"], at).fetchone() is None:
        raise SignedOutError("the device was signed out")


def _value(con: sqlite3.Connection, name: str, at: DeviceAt) -> Any:
    return con.execute(_SQL[name], at).fetchone()[0]
