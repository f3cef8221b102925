"""Opens the store that lives in PostgreSQL: address, schema, keys, what a crash left untold."""

from typing import Final, final

from halfdoor.clock import Clock, SystemClock
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.connect import (
    Connection,
    Pool,
    named,
    open_one,
    open_pool,
)
from halfdoor.store.postgres.conversations import PostgresConversations
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.holds import destroy_held
from halfdoor.store.postgres.keys import Keys, Secrets, load_secrets
from halfdoor.store.postgres.lineage import read_restores
from halfdoor.store.postgres.mailbox import PostgresMailbox
from halfdoor.store.postgres.migrate import SIDES, migrate
from halfdoor.store.postgres.outbox import Outbox
from halfdoor.store.postgres.sequencer import Sequencer
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.sweeper import Sweeper
from halfdoor.store.postgres.writer import Writer

_SQL: Final = statements("server_maintenance")
# Bucket groups that one process writes at the same time: while one waits for the disk, the other
# computes.
WRITERS: Final = 2
READERS: Final = 8


@final
class PostgresStore:
    """The store in PostgreSQL. `database` is where accounts live too, on its people's side."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        secrets: Secrets,
        writers: int,
    ) -> None:
        self.database = database
        self.keys = keys
        self._secrets = secrets
        outbox = None if database.shared else Outbox(database, keys)
        self._writer = Writer(Sequencer(database, keys, outbox).commit, writers)
        self._sweeper = None if outbox is None else Sweeper(outbox)
        self.conversations = PostgresConversations(database, keys, self._writer, outbox)
        self.mailbox = PostgresMailbox(database, keys)

    def secrets(self) -> Secrets:
        """Return the keys of look-ups and ids."""
        return self._secrets

    @property
    def waiting(self) -> int:
        """How many writes to conversations are queued."""
        return self._writer.waiting

    async def close(self) -> None:
        """Make everything queued durable and close the connections."""
        if self._sweeper is not None:
            await self._sweeper.close()
        await self._writer.close()
        await self.database.close()

    async def destroy_held(self, now_ms: int) -> int:
        """Delete the redacted bodies whose hold has ended; return how many there were."""
        return await destroy_held(self.database, self.keys, now_ms)

    def __repr__(self) -> str:
        return "PostgresStore(…)"


async def open_store(
    address: str,
    outer_key: OuterKeyStore,
    *,
    people: str | None = None,
    password: str | None = None,
    clock: Clock | None = None,
    writers: int = WRITERS,
    readers: int = READERS,
) -> PostgresStore:
    """Open the store at *address*; *people* is the database of the people's side if it is another.

    Several processes may have it open. Errors, each with what to do: `UnsafeConnectionError`,
    `UnfitServerError`, `OuterKeyError` for a wrong key, `NewerSchemaError`,
    `StoreUnavailableError`.
    """
    places = addresses(address, people, password)
    for one, sides in places:
        await migrate(one, sides)
    database = await _connect(places[0][0], places[-1][0], readers, writers)
    try:
        keys = Keys(outer_key, clock or SystemClock())
        await keys.refresh(database)

        async def secrets(con: Connection) -> Secrets:
            return await load_secrets(con, keys)

        found = await database.write(secrets, Side.CONVERSATIONS)
    except BaseException:
        await database.close()
        raise
    store = PostgresStore(database, keys, found, writers)
    try:
        await store.conversations.sweep()
    except BaseException:
        await store.close()
        raise
    return store


def addresses(
    address: str, people: str | None, password: str | None
) -> list[tuple[Address, tuple[str, ...]]]:
    """Return each database with the sides that live in it; `UnsafeConnectionError`."""
    if people is None:
        return [(Address(address, password), SIDES)]
    conversations, mailboxes = SIDES
    return [
        (Address(address, password), (conversations,)),
        (Address(people, password), (mailboxes,)),
    ]


async def has_data(address: str, password: str | None = None) -> bool:
    """Tell whether a house was ever opened in the conversations' database at *address*."""
    con = await open_one(Address(address, password))
    try:
        # A start that ended before its first key was kept has sealed nothing.
        return bool(
            await con.fetchval(_SQL["has_keys_table"]) and await con.fetchval(_SQL["has_keys"])
        )
    except Exception as error:
        raise named(error) from error
    finally:
        await con.close()


async def _connect(
    conv_address: Address, user_address: Address, readers: int, writers: int
) -> Database:
    """Open the connections of both sides; those to the people's side learn of restores."""
    opened: list[Pool] = []
    made: list[Database] = []

    async def learn(con: Connection) -> None:
        for database in made:
            database.restores = max(database.restores, await read_restores(con))

    try:
        shared = conv_address is user_address
        opened.append(await open_pool(user_address, readers, learn))
        opened.append(await open_pool(conv_address, writers, learn if shared else None))
        if not shared:
            opened.append(await open_pool(conv_address, readers))
    except BaseException:
        for pool in opened:
            await pool.close()
        raise
    database = Database(opened[-1] if len(opened) > 2 else opened[0], opened[0], opened[1])
    # The pools are still empty: every connection will have looked before it is used.
    made.append(database)
    return database
