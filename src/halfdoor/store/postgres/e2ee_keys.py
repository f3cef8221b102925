"""Public keys in PostgreSQL, as `e2ee.key_store` promises them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast, final

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
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.erasures import check_not_erased, erased_among
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

T = TypeVar("T")

_SQL: Final = statements("e2ee_keys")


@final
class PostgresDeviceKeys:
    """A `KeyStore` on the people's side. Who changes keys of a device holds the device's row."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._rows = KeyRows(keys)

    async def keys_of(self, users: Sequence[str]) -> dict[str, UserKeys]:
        """Return the public keys of each user; those without any are left out."""

        async def read(con: Connection) -> list[Any]:
            rows: list[Any] = await con.fetchmany(_SQL["keys"], [place(user) for user in users])
            return rows

        async def ask() -> dict[str, UserKeys]:
            devices: dict[str, dict[str, bytes]] = defaultdict(dict)
            cross: dict[str, dict[Usage, bytes]] = defaultdict(dict)
            for user, kind, name, *row in await self._database.read(read) if users else []:
                if kind == "device_key":
                    devices[user][name] = self._rows.device_key(user, name, (row[0], row[1]))
                else:
                    key = self._rows.cross_key(user, name, (row[0], row[1]))
                    cross[user][cast("Usage", name)] = key
            found = {user: user_keys(devices[user], cross[user]) for user in users}
            return {user: keys for user, keys in found.items() if keys is not None}

        return await self._keys.with_newest(self._database, ask)

    async def put_device_keys(self, user: str, device: str, keys: bytes) -> bool:
        """Keep the identity keys of a device; False where they are there already."""
        at = (*place(user), device)

        async def write(con: Connection) -> bool:
            await _check_signed_in(con, at)
            row = await con.fetchrow(_SQL["device_key"], *at)
            if row is not None:
                if self._rows.device_key(user, device, tuple(row)) != keys:
                    raise KeyConflictError("a device's keys never change")
                return False
            await con.execute(_SQL["put_device_key"], *self._rows.put_device_key(at, keys))
            return True

        return await self._write(write)

    async def add_one_time_keys(
        self, user: str, device: str, keys: Sequence[OneTimeKey], limit: int
    ) -> None:
        """Add keys after those that are there, in this order, all or none."""
        at = (*place(user), device)
        wanted = once(keys)
        names = [(*at, key.algorithm, key.id) for key in wanted]

        async def write(con: Connection) -> None:
            await _check_signed_in(con, at)
            rows = await con.fetchmany(_SQL["one_time_key"], names)
            there = {(row[0], row[1]): tuple(row) for row in rows}
            fresh = []
            for key in wanted:
                row = there.get((key.algorithm, key.id))
                if row is None:
                    fresh.append(key)
                elif not self._rows.same_one_time_key(at, key, row):
                    raise KeyConflictError("there is another key of this id")
            room = max(0, limit - await con.fetchval(_SQL["left"], *at))
            newest = await con.fetchval(_SQL["newest_one_time_key"], *at)
            added = [
                self._rows.put_one_time_key(at, key, n)
                for n, key in enumerate(fresh[:room], newest + 1)
            ]
            await con.executemany(_SQL["put_one_time_key"], added)

        if wanted:
            await self._write(write)

    async def set_fallback_keys(self, user: str, device: str, keys: Sequence[OneTimeKey]) -> None:
        """Replace the device's fallback keys of these algorithms; a new one is unused."""
        at = (*place(user), device)

        async def write(con: Connection) -> None:
            await _check_signed_in(con, at)
            for key in keys:
                row = await con.fetchrow(_SQL["fallback_key"], *at, key.algorithm)
                kept = self._rows.fallback_key(at, key.algorithm, tuple(row)) if row else None
                record = with_fallback(kept, key)
                if record is not None:
                    values = self._rows.put_fallback_key(at, key.algorithm, record)
                    await con.execute(_SQL["put_fallback_key"], *values)

        await self._write(write)

    async def claim(self, user: str, device: str, algorithm: str) -> OneTimeKey | None:
        """Take the oldest one-time key, which is then gone; else the fallback key, now used."""
        at = (*place(user), device)

        async def write(con: Connection) -> OneTimeKey | None:
            if await con.fetchval(_SQL["lock_device"], *at) is None:
                return None
            row = await con.fetchrow(_SQL["oldest_one_time_key"], *at, algorithm)
            if row is not None:
                given = self._rows.give(at, algorithm, tuple(row))
                await con.execute(_SQL["give"], *given.values)
                await con.execute(_SQL["forget_given"], *at, given.n - REMEMBERED)
                return given.key
            row = await con.fetchrow(_SQL["fallback_key"], *at, algorithm)
            if row is None:
                return None
            kept = self._rows.fallback_key(at, algorithm, tuple(row))
            if not kept.used:
                used = replace(kept, used=True)
                values = self._rows.put_fallback_key(at, algorithm, used)
                await con.execute(_SQL["put_fallback_key"], *values)
            return OneTimeKey(algorithm, kept.id, kept.key)

        return await self._write(write)

    async def counts(self, user: str, device: str) -> DeviceCounts:
        """Return what a device has left."""
        at = (*place(user), device)

        async def read(con: Connection) -> list[Any]:
            rows: list[Any] = await con.fetch(_SQL["counts"], *at)
            return rows

        async def ask() -> DeviceCounts:
            one_time, unused = {}, []
            for algorithm, count, sealed, mac in await self._database.read(read):
                if sealed is None:
                    one_time[algorithm] = count
                elif not self._rows.fallback_key(at, algorithm, (sealed, mac)).used:
                    unused.append(algorithm)
            return DeviceCounts(one_time, tuple(sorted(unused)))

        return await self._keys.with_newest(self._database, ask)

    async def put_cross_signing(self, user: str, keys: Mapping[Usage, bytes]) -> None:
        """Replace the cross-signing keys named; signatures on a replaced key go with it."""
        at = place(user)

        async def write(con: Connection) -> None:
            await check_not_erased(con, self._keys, [user])
            # In one order, so that no two writers wait for each other.
            for usage, key in sorted(keys.items()):
                row = await con.fetchrow(_SQL["lock_cross_key"], *at, usage)
                kept = None if row is None else tuple(row)
                for target in self._rows.replaced(user, usage, kept, key):
                    await con.execute(_SQL["drop_signatures_on"], *at, target)
                values = self._rows.put_cross_key(user, usage, key)
                await con.execute(_SQL["put_cross_key"], *values)

        await self._write(write)

    async def add_signatures(self, signer: str, rows: Sequence[SignatureRow]) -> bool:
        """Keep signatures; the same again is fine. False where nothing is new."""

        async def write(con: Connection) -> bool:
            people = {signer, *(one.user for one in rows)}
            gone = await erased_among(con, self._keys, people)
            new = False
            for one in in_order(rows):
                if gone & {signer, one.user} or await self._is_signed(con, signer, one):
                    continue
                await con.execute(_SQL["put_signature"], *self._rows.put_signature(signer, one))
                new = True
            return new

        return await self._write(write)

    async def signatures(self, signer: str, users: Sequence[str]) -> list[SignatureRow]:
        """Return the signatures that *signer* made on keys of *users*."""
        wanted = [(*place(user), signer) for user in sorted(set(users))]

        async def read(con: Connection) -> list[Any]:
            rows: list[Any] = await con.fetchmany(_SQL["signatures"], wanted)
            return rows

        async def ask() -> list[SignatureRow]:
            found = []
            for user, target, key_id, sealed, mac in (
                await self._database.read(read) if wanted else []
            ):
                name = (signer, user, target, key_id)
                signature = self._rows.signature(*name, (sealed, mac))
                found.append(SignatureRow(*name, signature))
            return found

        return await self._keys.with_newest(self._database, ask)

    async def drop_device(self, user: str, device: str) -> bool:
        """Delete a device's keys and what is left of its one-time keys; False where none were."""
        at = (*place(user), device)

        async def write(con: Connection) -> bool:
            await con.execute(_SQL["lock_device"], *at)
            names = ("drop_device_key", "drop_one_time_keys", "drop_fallback_keys")
            gone = [await con.execute(_SQL[name], *at) for name in names]
            await con.execute(_SQL["drop_signatures_on"], *at)
            return any(not done.endswith(" 0") for done in gone)

        return await self._database.write(write)

    async def _is_signed(self, con: Connection, signer: str, one: SignatureRow) -> bool:
        name = (signer, one.target, one.key_id)
        row = await con.fetchrow(_SQL["signature"], *place(one.user), *name)
        if row is None:
            return False
        found = self._rows.signature(signer, one.user, one.target, one.key_id, tuple(row))
        return found == one.signature

    async def _write(self, write: Callable[[Connection], Awaitable[T]]) -> T:
        """Write; another process may have renewed the account key meanwhile."""
        return await self._keys.with_newest(self._database, lambda: self._database.write(write))

    def __repr__(self) -> str:
        return "PostgresDeviceKeys(…)"


async def _check_signed_in(con: Connection, at: DeviceAt) -> None:
    """Hold the row of a device; `SignedOutError` where it is gone."""
    if await con.fetchval(_SQL["lock_device"], *at) is None:
        raise SignedOutError("the device was signed out")
