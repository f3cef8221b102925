"""Data keys by generation, kept in the database under the outer key (SEALING §2, outer layer).

Several processes make and destroy them; what one of them holds in memory follows the table.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar, final

from halfdoor.clock import Clock, day_of, month_of
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, check_row_mac, row_mac
from halfdoor.store.errors import OuterKeyError, StoreError
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.statements import statements

T = TypeVar("T")

DATA_KEY_BYTES: Final = 32
FIRST_ACCOUNT: Final = 1
# Numbers below 256 are no months: 0–127 account keys, 128–255 keys of holds (SEALING §2).
HOLDS: Final = range(128, 256)
_ENTITY: Final = "entity"
_SQL: Final = statements("keys")


class Secrets(NamedTuple):
    """Keys of look-ups and ids, 32 bytes each, made once and kept for ever."""

    k_lookup: bytes
    k_id: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"


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
        self._held: dict[int, _Held] = {}
        self.outer = OuterKeys({})
        self.account = FIRST_ACCOUNT
        self._account_key = b""

    async def load(self, con: Connection) -> bool:
        """Hold exactly what the table holds; tell whether anything changed.

        A new database gets its account key. `OuterKeyError` if the outer key is another.
        """
        rows = await con.fetch(_SQL["all"])
        if not rows:
            wrapped = self._store.wrap(FIRST_ACCOUNT, secrets.token_bytes(DATA_KEY_BYTES))
            await con.execute(_SQL["insert"], FIRST_ACCOUNT, wrapped, self._clock.now_ms())
            rows = await con.fetch(_SQL["all"])
        found = {number: _Held(wrapped, made) for number, wrapped, made in rows}
        if found == self._held:
            return False
        for number in [n for n, held in self._held.items() if found.get(n) != held]:
            self.outer.forget(number)
            del self._held[number]
        for number, held in found.items():
            if number not in self._held:
                self._hold(number, held)
        return True

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
        return next(
            (n for n in HOLDS if n in self._held and month_of(self._held[n].made) == month), None
        )

    async def ready_month(self, database: Database) -> int:
        """Return the current month's generation, whose key is durable before it seals a row."""
        month = self.month()
        if month not in self._held:
            await self._make(database, month)
        return month

    async def ready_hold(self, database: Database) -> int:
        """Return the generation for holds that begin this month; its key is durable."""
        number = self.hold()
        if number is None:
            # Another process may have made it, or destroyed what this one still holds.
            await self.refresh(database)
            number = self.hold()
        while number is None:
            number = next((n for n in HOLDS if n not in self._held), None)
            if number is None:
                raise StoreError("all 128 hold keys are in use: end a legal hold first")
            await self._make(database, number)
            number = self.hold()
        return number

    def spent_holds(self, in_use: set[int]) -> list[int]:
        """Return the hold generations that no row is sealed under, and none will be.

        That of last month is left alone: a write may still be queued that was to use it.
        """
        before = self.month() - 1
        return [
            n
            for n in HOLDS
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

    async def refresh(self, database: Database) -> bool:
        """Look into the table; tell whether anything changed since."""
        return await database.write(self.load, Side.CONVERSATIONS)

    async def with_newest(self, database: Database, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; if a row did not open, once more with the newest keys.

        Another process may have sealed it under a key that it made a moment ago.
        """
        try:
            return await ask()
        except Denied:
            if not await self.refresh(database):
                raise
        return await ask()

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

    def _hold(self, number: int, held: _Held) -> None:
        """Take up the key of one generation."""
        try:
            key = self._store.unwrap(number, held.wrapped)
        except Denied:
            raise OuterKeyError(
                "this is not the outer key of this data: name the file the data was made with"
            ) from None
        self.outer.add(number, key)
        self._held[number] = held
        if number < HOLDS.start and number >= self.account:
            self.account, self._account_key = number, key

    async def _make(self, database: Database, number: int) -> None:
        """Make a key, keep it, and only then hold it; one that is there already is taken."""
        fresh = self._store.wrap(number, secrets.token_bytes(DATA_KEY_BYTES))
        made = self._clock.now_ms()

        async def keep(con: Connection) -> None:
            await con.execute(_SQL["insert"], number, fresh, made)

        await database.write(keep, Side.CONVERSATIONS)
        # Only what was committed may seal: another process's key of this number counts if it was
        # first.
        await self.refresh(database)


async def load_secrets(con: Connection, keys: Keys) -> Secrets:
    """Return the secrets kept under the account key; a new database gets fresh ones."""
    return Secrets(*[await _secret(con, keys, name) for name in Secrets._fields])


async def _secret(con: Connection, keys: Keys, name: str) -> bytes:
    """Return one secret, made if it is missing; of two processes that make it one wins."""
    sealed = await con.fetchval(_SQL["secret"], name)
    if sealed is None:
        fresh = secrets.token_bytes(DATA_KEY_BYTES)
        sealed = keys.outer.seal(keys.account, "secret", _ENTITY, [name], fresh)
        await con.execute(_SQL["insert_secret"], name, sealed)
        sealed = await con.fetchval(_SQL["secret"], name)
    return keys.outer.open("secret", _ENTITY, [name], sealed)
