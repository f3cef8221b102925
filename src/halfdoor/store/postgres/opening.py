"""Opens the store that lives in PostgreSQL: address, schema, keys, what a crash left untold."""

import time
from typing import Final, final

import asyncpg

from halfdoor.clock import Clock, SystemClock
from halfdoor.store.desk_rows import DeskRows
from halfdoor.store.entity_secrets import Secrets
from halfdoor.store.errors import SchemaError
from halfdoor.store.key_backups import KeyBackups
from halfdoor.store.media import Media
from halfdoor.store.media_sweeping import MediaSweeping
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
from halfdoor.store.postgres.desk import PostgresDesk
from halfdoor.store.postgres.e2ee_keys import PostgresDeviceKeys
from halfdoor.store.postgres.entity_secrets import load_secrets
from halfdoor.store.postgres.erasures import PostgresErasures
from halfdoor.store.postgres.franking_keys import PostgresFrankingKeys
from halfdoor.store.postgres.holds import destroy_held
from halfdoor.store.postgres.jobs import PostgresJobs
from halfdoor.store.postgres.key_backups import PostgresKeyBackups
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.lineage import read_restores
from halfdoor.store.postgres.log import PostgresLog
from halfdoor.store.postgres.mailbox import PostgresMailbox
from halfdoor.store.postgres.media import PostgresMediaRows
from halfdoor.store.postgres.migrate import SIDES, migrate
from halfdoor.store.postgres.occupancy import Occupancy
from halfdoor.store.postgres.outbox import Outbox
from halfdoor.store.postgres.renewals import PostgresRenewals
from halfdoor.store.postgres.retention import PostgresRetentionRows
from halfdoor.store.postgres.sequencer import Sequencer
from halfdoor.store.postgres.staff import PostgresStaff
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.sweeper import Sweeper
from halfdoor.store.postgres.to_device import PostgresToDevice
from halfdoor.store.postgres.writer import Writer
from halfdoor.store.renewal import AccountKeyRenewal
from halfdoor.store.retention import Retention
from halfdoor.store.to_device_rows import ToDeviceRows

_SQL: Final = statements("server_maintenance")
# Bucket groups that one process writes at the same time: while one waits for the disk, the other
# computes.
WRITERS: Final = 2
READERS: Final = 8
# How often a server looks for data keys that another one made or destroyed.
LOOK_SECONDS: Final = 20.0


@final
class PostgresStore:
    """The store in PostgreSQL. `database` is where accounts live too, on its people's side."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        secrets: Secrets,
        writers: int,
        *,
        occupancy: Occupancy | None = None,
        together: bool = False,
    ) -> None:
        self.database = database
        self.occupancy = occupancy
        self.keys = keys
        self._secrets = secrets
        self._look_at = 0.0
        outbox = None if database.shared else Outbox(database, keys)
        self._writer = Writer(Sequencer(database, keys, outbox).commit, writers)
        self._sweeper = None if outbox is None else Sweeper(outbox)
        self.conversations = PostgresConversations(
            database, keys, self._writer, outbox, counted=together
        )
        files = PostgresMediaRows(database, keys)
        self.media = Media(files)
        self.media_sweeping = MediaSweeping(files)
        self.retention = Retention(
            PostgresRetentionRows(database, keys), keys.outer, self.media_sweeping
        )
        self.jobs = PostgresJobs(database, keys)
        self.franking = PostgresFrankingKeys(database, keys)
        self.log = PostgresLog(database)
        self.key_backups = KeyBackups(PostgresKeyBackups(database, keys))
        self.device_keys = PostgresDeviceKeys(database, keys)
        self.staff = PostgresStaff(database, keys)
        self.renewal = AccountKeyRenewal(PostgresRenewals(database, keys, self.jobs))
        self.mailbox = PostgresMailbox(database, keys)
        self.to_device = PostgresToDevice(database, keys, ToDeviceRows(keys, secrets.k_lookup))
        rows = DeskRows(keys, secrets.k_lookup)
        self.erasures = PostgresErasures(database, keys, rows)
        self.desk = PostgresDesk(database, keys, rows)

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
        if self.occupancy is not None:
            await self.occupancy.close()
        await self.database.close()

    async def tend(self) -> None:
        """Follow what other servers did to the data keys, some times a minute."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_SECONDS
            await self.keys.refresh(self.database)

    async def rewrap(self, successor: OuterKeyStore) -> int:
        """Wrap every data key under *successor*, all in one transaction; return how many."""
        return await self.keys.rewrap(self.database, successor)

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
    alone: bool | None = None,
    unfinished: bool = False,
) -> PostgresStore:
    """Open the store at *address*; *people* is the database of the people's side if it is another.

    Whoever serves from it has it *alone*, or together with others that hear of one another by a
    bus; None for a look from beside. A copy that is *unfinished* is opened by who makes it. Errors,
    each with what to do: `UnsafeConnectionError`, `UnfitServerError`, `OuterKeyError` for a wrong
    key, `NewerSchemaError`, `SchemaError`, `DataInUseError`, `UnfinishedCopyError`,
    `StoreUnavailableError`.
    """
    places = addresses(address, people, password)
    for one, sides in places:
        try:
            await migrate(one, sides, unfinished=unfinished)
        except asyncpg.PostgresError as error:
            raise SchemaError(
                f"the schema of the database cannot be brought up to date ({error}); nothing was"
                " changed: restore the last good backup"
            ) from error
    database = await _connect(places[0][0], places[-1][0], readers, writers)
    occupancy = None if alone is None else Occupancy(places[-1][0], database, alone=alone)
    try:
        if occupancy is not None:
            await occupancy.take()
        keys = Keys(outer_key, clock or SystemClock())
        await keys.refresh(database)

        async def secrets(con: Connection) -> Secrets:
            return await load_secrets(con, keys)

        found = await database.write(secrets, Side.CONVERSATIONS)
    except BaseException:
        if occupancy is not None:
            await occupancy.close()
        await database.close()
        raise
    store = PostgresStore(
        database, keys, found, writers, occupancy=occupancy, together=alone is False
    )
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
