"""Data keys by generation, kept in the database under the outer key (SEALING §2, outer layer)."""

import secrets
import sqlite3
from typing import Final, NamedTuple, final

from halfdoor.clock import Clock, day_of, month_of
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, check_row_mac, row_mac
from halfdoor.store.errors import OuterKeyError, StoreError
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

DATA_KEY_BYTES: Final = 32
FIRST_ACCOUNT: Final = 1
# Numbers below 256 are no months: 0–127 account keys, 128–255 keys of holds (SEALING §2).
HOLDS: Final = range(128, 256)
FIRST_MONTH: Final = 256
_ENTITY: Final = "entity"
_SQL: Final = statements("keys")


class Secrets(NamedTuple):
    """Keys of look-ups and ids, 32 bytes each, made once and kept for ever."""

    k_lookup: bytes
    k_id: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"


@final
class Keys:
    """Every data key in use. `account` is the generation of the newest account key."""

    def __init__(
        self, store: OuterKeyStore, clock: Clock, rows: list[tuple[int, bytes, int]]
    ) -> None:
        self._store = store
        self._clock = clock
        self._today = (-1, -1)
        try:
            held = {number: store.unwrap(number, wrapped) for number, wrapped, _ in rows}
        except Denied:
            raise OuterKeyError(
                "this is not the outer key of this data: name the file the data was made with"
            ) from None
        self.outer = OuterKeys(held)
        self._made = {number: made for number, _, made in rows}
        self.account = max(number for number in held if number < HOLDS.start)
        self._account_key = held[self.account]

    def month(self) -> int:
        """Return the generation under which rows of the current month are sealed."""
        now = self._clock.now_ms()
        # Every write asks, and the calendar is consulted once a day.
        if day_of(now) != self._today[0]:
            self._today = (day_of(now), month_of(now))
        return self._today[1]

    def hold(self) -> int | None:
        """Return the generation for holds that begin this month, or None if it is not made yet."""
        month = self.month()
        return next((n for n in HOLDS if month_of(self._made.get(n, -1)) == month), None)

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
            number = next((n for n in HOLDS if n not in self._made), None)
            if number is None:
                raise StoreError("all 128 hold keys are in use: end a legal hold first")
            await self._make(database, number)
        return number

    def spent_holds(self, in_use: set[int]) -> list[int]:
        """Return the hold generations that no row is sealed under, and none will be.

        That of last month is left alone: a write may still be queued that was to use it.
        """
        before = self.month() - 1
        return [
            n
            for n in HOLDS
            if n in self._made and n not in in_use and month_of(self._made[n]) < before
        ]

    async def destroy(self, database: Database, number: int) -> None:
        """Destroy the key of a generation: what is sealed under it never opens again."""
        await database.write(lambda con: con.execute(_SQL["delete"], (number,)), Side.CONVERSATIONS)
        self.outer.forget(number)
        del self._made[number]

    def row_mac(self, table: str, partition: str, pk: list[str], row: list[str | int]) -> bytes:
        """Return the mac of a row that decides who may read or act."""
        return row_mac(self._account_key, table, partition, pk, row)

    def check_row_mac(
        self, table: str, partition: str, pk: list[str], row: list[str | int], found: bytes
    ) -> None:
        """Refuse a deciding row that was changed without the outer key, with `RowMacError`."""
        check_row_mac(self._account_key, table, partition, pk, row, found)

    def __repr__(self) -> str:
        return f"Keys({self.outer!r})"

    async def _make(self, database: Database, number: int) -> None:
        """Make a key, keep it, and only then hold it; a key already there is taken as it is."""
        made = self._clock.now_ms()
        fresh = self._store.wrap(number, secrets.token_bytes(DATA_KEY_BYTES))

        def keep(con: sqlite3.Connection) -> bytes:
            row = con.execute(_SQL["one"], (number,)).fetchone()
            if row is not None:
                return bytes(row[0])
            con.execute(_SQL["insert"], (number, fresh, made))
            return fresh

        wrapped = await database.write(keep, Side.CONVERSATIONS)
        self.outer.add(number, self._store.unwrap(number, wrapped))
        self._made[number] = made


def load_keys(con: sqlite3.Connection, store: OuterKeyStore, clock: Clock) -> Keys:
    """Return the keys kept in the conversation side's file; a new one gets its account key."""
    rows = con.execute(_SQL["all"]).fetchall()
    if not rows:
        wrapped = store.wrap(FIRST_ACCOUNT, secrets.token_bytes(DATA_KEY_BYTES))
        rows = [(FIRST_ACCOUNT, wrapped, clock.now_ms())]
        con.execute(_SQL["insert"], rows[0])
    return Keys(store, clock, rows)


def load_secrets(con: sqlite3.Connection, keys: Keys) -> Secrets:
    """Return the secrets kept under the account key; a new database gets fresh ones."""
    return Secrets(*(_secret(con, keys, name) for name in Secrets._fields))


def _secret(con: sqlite3.Connection, keys: Keys, name: str) -> bytes:
    """Return one secret, made if it is missing."""
    row = con.execute(_SQL["secret"], (name,)).fetchone()
    if row is not None:
        return keys.outer.open("secret", _ENTITY, [name], row[0])
    secret = secrets.token_bytes(DATA_KEY_BYTES)
    con.execute(
        _SQL["insert_secret"],
        (name, keys.outer.seal(keys.account, "secret", _ENTITY, [name], secret)),
    )
    return secret
