"""Data keys by generation, kept in the database under the outer key (SEALING §2, outer layer).

Several processes make and destroy them; what one of them holds in memory follows the table.
"""

import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, final

import asyncpg

from halfdoor.clock import Clock, day_of, month_of
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, RowMacError
from halfdoor.store.account_keys import AccountKeys
from halfdoor.store.erasing import erased_name
from halfdoor.store.errors import OuterKeyError, StoreError
from halfdoor.store.generations import ACCOUNTS, REDACTIONS
from halfdoor.store.outerkey import OuterKeyStore, other_key
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.statements import statements

T = TypeVar("T")

_alarm: Final = logging.getLogger("halfdoor.alarm")

DATA_KEY_BYTES: Final = 32
FIRST_ACCOUNT: Final = 1
_SQL: Final = statements("keys")
_SWEEP: Final = statements("retention_maintenance")
_REWRITE_SECONDS: Final = 30.0


class _Held(NamedTuple):
    """A row of the table that this process holds the key of."""

    wrapped: bytes
    made: int

    def __repr__(self) -> str:
        return "_Held(…)"


@final
class Keys:
    """Every data key in use. `account` is the generation of the newest account key."""

    def __init__(self, store: OuterKeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._today = (-1, -1)
        # On which day a clock that was set back was last met.
        self._looked = -1
        self._names = b""
        # The newest month whose key was destroyed; no row is ever sealed under it again.
        self.ended = 0
        self._held: dict[int, _Held] = {}
        # How often what is held became another, whoever looked into the table.
        self.changes = 0
        self.outer = OuterKeys({})
        self._accounts = AccountKeys({})

    @property
    def account(self) -> int:
        """The generation of the account key under which rows are written."""
        return self._accounts.newest

    @property
    def former_accounts(self) -> list[int]:
        """The generations of account keys under which there may still be rows."""
        return self._accounts.former

    async def load(self, con: Connection) -> None:
        """Hold exactly what the table holds.

        A new database gets its account key. `OuterKeyError` if the outer key is another.
        """
        found: dict[int, _Held] = {}
        before = -1
        # Somebody who asked later may be answered first: what is older than their answer must not
        # take away what they brought.
        while before != self.changes:
            before = self.changes
            found = await self._found(con)
        if found == self._held:
            return
        opened = {n: held for n, held in found.items() if self._held.get(n) != held}
        try:
            keys = self._open(opened)
        except Denied:
            if self._held:
                _alarm.critical("the outer key was replaced and this server lacks the new one")
            raise OuterKeyError(other_key(await con.fetchval(_SQL["wrapped_at"]))) from None
        # Only now: a process that lacks a new outer key goes on with what it has.
        self.changes += 1
        for number in [n for n in self._held if n not in found]:
            self._forget(number)
        for number, held in opened.items():
            self._hold(number, held, keys[number])

    def month(self) -> int:
        """Return the generation under which rows of the current month are sealed."""
        now = self._clock.now_ms()
        # Every write asks, and the calendar is consulted once a day.
        if day_of(now) != self._today[0]:
            self._today = (day_of(now), month_of(now))
        # Also where the clock was set back to before a month that has ended.
        return max(self._today[1], self.ended + 1)

    def hold(self) -> int | None:
        """Return the generation for holds that begin this month, or None if it is not made yet."""
        month = self.month()
        return next(
            (n for n in REDACTIONS if n in self._held and month_of(self._held[n].made) == month),
            None,
        )

    async def ready_month(self, database: Database) -> int:
        """Return the current month's generation, whose key is durable before it seals a row."""
        month = self.month()
        if self._held and month < max(self._held) and self._looked != self._today[0]:
            # The clock was set back. Another process may have ended this month meanwhile.
            await self.refresh(database)
            self._looked = self._today[0]
            month = self.month()
        if month not in self._held:
            await self.make(database, month)
        return month

    async def ready_hold(self, database: Database) -> int:
        """Return the generation for holds that begin this month; its key is durable."""
        number = self.hold()
        if number is None:
            # Another process may have made it, or destroyed what this one still holds.
            await self.refresh(database)
            number = self.hold()
        while number is None:
            number = next((n for n in REDACTIONS if n not in self._held), None)
            if number is None:
                raise StoreError(
                    "all 64 keys for redacted bodies are in use: they are kept too long"
                )
            await self.make(database, number)
            number = self.hold()
        return number

    def made(self, generations: range) -> dict[int, int]:
        """Return which of *generations* there are, and when each was made (ms)."""
        return {n: held.made for n, held in self._held.items() if n in generations}

    def spent_holds(self, in_use: set[int]) -> list[int]:
        """Return the hold generations that no row is sealed under, and none will be.

        That of last month is left alone: a write may still be queued that was to use it.
        """
        before = self.month() - 1
        return [
            n
            for n in REDACTIONS
            if n in self._held and n not in in_use and month_of(self._held[n].made) < before
        ]

    async def destroy(self, database: Database, number: int) -> None:
        """Destroy the key of a generation: what is sealed under it never opens again.

        Other processes let go of it when they next look into the table.
        """

        async def delete(con: Connection) -> None:
            await con.execute(_SQL["delete"], number)
            await self.load(con)

        await database.write(delete, Side.CONVERSATIONS)

    async def renew_account(self, database: Database) -> int:
        """Make the next generation of the account key; from here on rows are written under it.

        Other processes follow when they next look into the table, or meet such a row.
        """
        await self.refresh(database)
        number = self.account + 1
        if number >= ACCOUNTS.stop:
            raise StoreError("all 127 generations of the account key were used")
        await self.make(database, number)
        return number

    async def rewrap(self, database: Database, successor: OuterKeyStore) -> int:
        """Wrap every data key under *successor*, all in one transaction; return how many."""
        now = self._clock.now_ms()

        async def rewrap(con: Connection) -> int:
            await con.execute(_SQL["lock_all"])
            await self.load(con)
            rows = await con.fetch(_SQL["all"])
            for number, wrapped, _ in rows:
                again = successor.wrap(number, self._store.unwrap(number, wrapped))
                await con.execute(_SQL["rewrap"], again, now, number)
            return len(rows)

        count = await database.write(rewrap, Side.CONVERSATIONS)
        await self.refresh(database)
        await self.rewrite(database)
        return count

    async def rewrite(self, database: Database) -> None:
        """Write the few rows of the table into a new file, so that no older copy lies in one.

        Where it cannot be locked in time, or an older snapshot is open, the server's own cleaning
        does that later.
        """
        with contextlib.suppress(StoreError, asyncpg.PostgresError):
            await database.read(
                lambda con: con.execute(_SWEEP["rewrite_keys"], timeout=_REWRITE_SECONDS),
                Side.CONVERSATIONS,
            )

    async def refresh(self, database: Database) -> None:
        """Look into the table and follow it."""
        await database.write(self.load, Side.CONVERSATIONS)

    async def moved(self, database: Database, since: int) -> bool:
        """Look into the table; tell whether `changes` went on from *since*, whoever looked.

        Of many that met the same new key at once, one brings it and the others find it there.
        """
        await self.refresh(database)
        return self.changes != since

    async def with_newest(self, database: Database, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; if a row did not open, once more with the newest keys.

        Another process may have sealed it under a key that it made a moment ago.
        """
        since = self.changes
        try:
            return await ask()
        except (Denied, RowMacError):
            if not await self.moved(database, since):
                raise
        return await ask()

    def take_names(self, key: bytes) -> None:
        """Take the secret under which the names of erased people are kept: it is never renewed."""
        self._names = key

    def erased_name(self, user: str) -> bytes:
        """Return what stands for *user* once they are erased; the secrets must be loaded."""
        return erased_name(self._names, user)

    def may_be_newer(self, generation: int) -> bool:
        """Tell whether another process may have made this generation of the account key."""
        return self.account < generation < ACCOUNTS.stop

    def bears(
        self, generation: int, table: str, partition: str, pk: list[Any], row: list[Any], mac: bytes
    ) -> bool:
        """Tell whether *mac* is that of a row under one generation of the account key."""
        return self._accounts.bears(generation, table, partition, pk, row, mac)

    def row_mac(self, table: str, partition: str, pk: list[Any], row: list[Any]) -> bytes:
        """Return the mac of a row that decides who may read or act."""
        return self._accounts.row_mac(table, partition, pk, row)

    def check_row_mac(
        self, table: str, partition: str, pk: list[Any], row: list[Any], found: bytes
    ) -> None:
        """Refuse a deciding row that was changed without the outer key, with `RowMacError`."""
        self._accounts.check_row_mac(table, partition, pk, row, found)

    def __repr__(self) -> str:
        return f"Keys({self.outer!r})"

    async def _found(self, con: Connection) -> dict[int, _Held]:
        """Return what the table holds, with the account key that a new database gets."""
        self.ended = max(self.ended, await con.fetchval(_SQL["ended"]))
        rows = await con.fetch(_SQL["all"])
        if not rows:
            wrapped = self._store.wrap(FIRST_ACCOUNT, secrets.token_bytes(DATA_KEY_BYTES))
            await con.execute(_SQL["insert"], FIRST_ACCOUNT, wrapped, self._clock.now_ms())
            rows = await con.fetch(_SQL["all"])
        return {number: _Held(wrapped, made) for number, wrapped, made in rows}

    def _open(self, rows: Mapping[int, _Held]) -> dict[int, bytes]:
        """Return the keys in *rows*, else `Denied`; a replaced outer key is looked for once."""
        try:
            return {number: self._store.unwrap(number, one.wrapped) for number, one in rows.items()}
        except Denied:
            if not self._held:
                raise
        self._store.reread()
        return {number: self._store.unwrap(number, one.wrapped) for number, one in rows.items()}

    def _hold(self, number: int, held: _Held, key: bytes) -> None:
        """Take up the key of one generation; mostly it is only wrapped anew."""
        try:
            self.outer.add(number, key)
        except Denied:
            # Destroyed meanwhile, and its number given to another key.
            self._forget(number)
            self.outer.add(number, key)
        self._held[number] = held
        if number < ACCOUNTS.stop:
            self._accounts.add(number, key)

    def _forget(self, number: int) -> None:
        self.outer.forget(number)
        self._accounts.forget(number)
        del self._held[number]

    async def make(self, database: Database, number: int) -> None:
        """Make a key, keep it, and only then hold it; one that is there already is taken."""
        fresh = secrets.token_bytes(DATA_KEY_BYTES)
        made = self._clock.now_ms()

        async def keep(con: Connection) -> None:
            # Nobody replaces the outer key meanwhile, and whichever opens the others wraps it.
            await con.execute(_SQL["lock_all"])
            await self.load(con)
            for other, wrapped in await con.fetch(_SQL["account_keys"]):
                self._store.unwrap(other, wrapped)
            await con.execute(_SQL["insert"], number, self._store.wrap(number, fresh), made)

        await database.write(keep, Side.CONVERSATIONS)
        # Only what was committed may seal: another process's key of this number counts if it was
        # first.
        await self.refresh(database)
