"""Data keys by generation, kept in the database under the outer key (SEALING §2, outer layer)."""

import secrets
import sqlite3
from typing import Any, Final, final

from halfdoor.clock import Clock, day_of, month_of
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.account_keys import AccountKeys
from halfdoor.store.erasing import erased_name
from halfdoor.store.errors import OuterKeyError, StoreError
from halfdoor.store.generations import ACCOUNTS, FREEZES, MONTHS, REDACTIONS
from halfdoor.store.outerkey import OuterKeyStore, other_key
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

DATA_KEY_BYTES: Final = 32
FIRST_ACCOUNT: Final = 1
_SQL: Final = statements("keys")


@final
class Keys:
    """Every data key in use. `account` is the generation of the newest account key."""

    def __init__(
        self, store: OuterKeyStore, clock: Clock, rows: list[tuple[int, bytes, int]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._today = (-1, -1)
        self._names = b""
        # The newest month whose key was destroyed; no row is ever sealed under it again.
        self.ended = 0
        held = {number: store.unwrap(number, wrapped) for number, wrapped, _ in rows}
        self.outer = OuterKeys(held)
        self._made = {number: made for number, _, made in rows}
        self._accounts = AccountKeys({n: key for n, key in held.items() if n < ACCOUNTS.stop})

    @property
    def account(self) -> int:
        """The generation of the account key under which rows are written."""
        return self._accounts.newest

    @property
    def former_accounts(self) -> list[int]:
        """The generations of account keys under which there may still be rows."""
        return self._accounts.former

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
        return next((n for n in REDACTIONS if month_of(self._made.get(n, -1)) == month), None)

    async def ready_month(self, database: Database) -> int:
        """Return the current month's generation, whose key is durable before it seals a row."""
        month = self.month()
        if month not in self._made:
            await self._make(database, month)
        return month

    async def ready_hold(self, database: Database) -> int:
        """Return the generation for holds that begin this month; its key is durable."""
        number = self.hold()
        if number is None:
            number = next((n for n in REDACTIONS if n not in self._made), None)
            if number is None:
                raise StoreError(
                    "all 64 keys for redacted bodies are in use: they are kept too long"
                )
            await self._make(database, number)
        return number

    async def ready_freeze(self, database: Database) -> int:
        """Return the generation for holds on conversations that begin now; its key is durable.

        One for each month; where all are in use, the newest serves another month.
        """
        made = {n: self._made[n] for n in FREEZES if n in self._made}
        number = next((n for n in made if month_of(made[n]) == self.month()), None)
        if number is None:
            number = next((n for n in FREEZES if n not in made), None)
            if number is None:
                return max(made, key=lambda n: made[n])
            await self._make(database, number)
        return number

    def spent_freezes(self, in_use: set[int]) -> list[int]:
        """Return the generations of holds on conversations that no hold names."""
        return [n for n in FREEZES if n in self._made and n not in in_use]

    async def end_months(self, database: Database, last: int) -> list[int]:
        """Destroy the keys of all months up to *last*; no row is sealed under one again."""
        last = min(last, self.month() - 1)
        gone = [n for n in self._made if n in MONTHS and n <= last]
        if last < MONTHS[0]:
            return []

        def end(con: sqlite3.Connection) -> None:
            # In one transaction: a month whose key is gone is known to have ended.
            con.execute(_SQL["end_months_at"], (last,))
            con.execute(_SQL["end_months"], (last,))

        # Before: whoever seals from here on seals under a month that stays.
        self.ended = max(self.ended, last)
        await database.write(end, Side.CONVERSATIONS)
        for number in gone:
            self.outer.forget(number)
            del self._made[number]
        return gone

    def spent_holds(self, in_use: set[int]) -> list[int]:
        """Return the hold generations that no row is sealed under, and none will be.

        That of last month is left alone: a write may still be queued that was to use it.
        """
        before = self.month() - 1
        return [
            n
            for n in REDACTIONS
            if n in self._made and n not in in_use and month_of(self._made[n]) < before
        ]

    async def destroy(self, database: Database, number: int) -> None:
        """Destroy the key of a generation: what is sealed under it never opens again."""
        await database.write(lambda con: con.execute(_SQL["delete"], (number,)), Side.CONVERSATIONS)
        self.outer.forget(number)
        self._accounts.forget(number)
        del self._made[number]

    async def renew_account(self, database: Database) -> int:
        """Make the next generation of the account key; from here on rows are written under it."""
        number = self.account + 1
        if number >= ACCOUNTS.stop:
            raise StoreError("all 127 generations of the account key were used")
        await self._make(database, number)
        return number

    async def rewrap(self, database: Database, successor: OuterKeyStore) -> int:
        """Wrap every data key under *successor*, all in one transaction; return how many."""
        now = self._clock.now_ms()

        def rewrap(con: sqlite3.Connection) -> int:
            rows = con.execute(_SQL["all"]).fetchall()
            for number, wrapped, _ in rows:
                again = successor.wrap(number, self._store.unwrap(number, wrapped))
                con.execute(_SQL["rewrap"], (again, now, number))
            return len(rows)

        count = await database.write(rewrap, Side.CONVERSATIONS)
        # No older copy of the rows is left in the log, for who finds the former key.
        await database.checkpoint()
        return count

    def take_names(self, key: bytes) -> None:
        """Take the secret under which the names of erased people are kept: it is never renewed."""
        self._names = key

    def erased_name(self, user: str) -> bytes:
        """Return what stands for *user* once they are erased; the secrets must be loaded."""
        return erased_name(self._names, user)

    def may_be_newer(self, generation: int) -> bool:
        """Tell whether another process made this generation: none does, so what is new is wrong."""
        return False

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

    async def _make(self, database: Database, number: int) -> None:
        """Make a key, keep it, and only then hold it; a key already there is taken as it is."""
        made = self._clock.now_ms()
        fresh = secrets.token_bytes(DATA_KEY_BYTES)

        def keep(con: sqlite3.Connection) -> bytes:
            row = con.execute(_SQL["one"], (number,)).fetchone()
            if row is not None:
                return self._store.unwrap(number, bytes(row[0]))
            # Whichever outer key opens these, which may have been replaced a moment ago, wraps it.
            for other, wrapped in con.execute(_SQL["account_keys"]):
                self._store.unwrap(other, wrapped)
            con.execute(_SQL["insert"], (number, self._store.wrap(number, fresh), made))
            return fresh

        key = await database.write(keep, Side.CONVERSATIONS)
        self.outer.add(number, key)
        self._made[number] = made
        if number < ACCOUNTS.stop:
            # Last: from here on everybody writes under it.
            self._accounts.add(number, key)


def load_keys(con: sqlite3.Connection, store: OuterKeyStore, clock: Clock) -> Keys:
    """Return the keys kept in the conversation side's file; a new one gets its account key."""
    rows = con.execute(_SQL["all"]).fetchall()
    if not rows:
        wrapped = store.wrap(FIRST_ACCOUNT, secrets.token_bytes(DATA_KEY_BYTES))
        rows = [(FIRST_ACCOUNT, wrapped, clock.now_ms())]
        con.execute(_SQL["insert"], rows[0])
    try:
        keys = Keys(store, clock, rows)
        (keys.ended,) = con.execute(_SQL["ended"]).fetchone()
        return keys
    except Denied:
        (wrapped_at,) = con.execute(_SQL["wrapped_at"]).fetchone()
        raise OuterKeyError(other_key(wrapped_at)) from None
