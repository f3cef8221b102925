"""Which store a house lives in: the embedded one of its data directory, or PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from halfdoor.clock import Clock
from halfdoor.config.errors import ConfigError
from halfdoor.config.model import Config
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.outerkey import OuterKeyFile, OuterKeyStore, default_path, outer_key_file
from halfdoor.store.postgres.accounts import PostgresAccounts
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.postgres.opening import has_data as database_has_data
from halfdoor.store.postgres.opening import open_store as open_database
from halfdoor.store.sqlite.accounts import SqliteAccounts
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.opening import Store, open_store
from halfdoor.store.sqlite.opening import has_data as folder_has_data

HouseStore = Store | PostgresStore
HouseAccounts = SqliteAccounts | PostgresAccounts


class DatabasePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where PostgreSQL is: the addresses of both sides, and the password, which is never shown."""

    url: str
    people_url: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return "DatabasePlace(…)"

    def __rich_repr__(self) -> Any:
        """Show rich tracebacks no more than `repr`."""
        yield "…"


class Opened:
    """An open store, and the accounts in it. `close` lets the data directory go as well."""

    def __init__(
        self, store: HouseStore, accounts: HouseAccounts, lock: DirectoryLock | None
    ) -> None:
        """*lock* is that of a data directory in which no embedded store lies."""
        self.store = store
        self.accounts = accounts
        self._lock = lock

    async def close(self) -> None:
        """Make everything durable and let go of all of it."""
        try:
            await self.store.close()
        finally:
            if self._lock is not None:
                self._lock.release()


def open_embedded(
    data_dir: Path, outer_key: OuterKeyStore, clock: Clock, *, two_files: bool = False
) -> Opened:
    """Open the embedded store in *data_dir*; the errors of `store.sqlite.opening.open_store`."""
    store = open_store(data_dir, outer_key, two_files=two_files, clock=clock)
    return Opened(store, SqliteAccounts(store.database, store.keys), None)


async def open_postgres(
    place: DatabasePlace,
    data_dir: Path,
    outer_key: OuterKeyStore,
    clock: Clock,
    *,
    alone: bool = True,
) -> Opened:
    """Open the store in PostgreSQL; *data_dir* is this server's own, for its control socket.

    *alone* takes the database for this process; without it others may serve from there too.
    Errors: `DataInUseError`, and those of `store.postgres.opening.open_store`.
    """
    lock = _own(data_dir)
    try:
        store = await open_database(
            place.url,
            outer_key,
            people=place.people_url,
            password=place.password,
            clock=clock,
            alone=alone,
        )
    except BaseException:
        lock.release()
        raise
    return Opened(store, PostgresAccounts(store.database, store.keys), lock)


def _own(data_dir: Path) -> DirectoryLock:
    """Take *data_dir*, made if it is not there, for this process alone."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailableError(f"{data_dir} cannot be made: {error.strerror}") from error
    return DirectoryLock(data_dir)


def database_place(config: Config) -> DatabasePlace | None:
    """Return where PostgreSQL is, None for the embedded store; `ConfigError` for no password."""
    database = config.database
    if database.url is None:
        return None
    password = None
    if database.password_file is not None:
        try:
            password = database.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                "database.password_file", f"{database.password_file} cannot be read."
            ) from None
    return DatabasePlace(url=database.url, people_url=database.people_url, password=password)


def has_data(config: Config) -> bool:
    """Tell whether a house was ever opened where *config* says; not to be called in a loop."""
    place = database_place(config)
    if place is None:
        return folder_has_data(config.data_dir)
    return asyncio.run(database_has_data(place.url, place.password))


def outer_key_of(config: Config) -> OuterKeyFile:
    """Return the outer key of *config*, made where nothing was ever sealed under one."""
    path = config.outer_key_file or default_path()
    # A key that is there need not be made, and then nobody has to be asked.
    make = not path.expanduser().exists() and not has_data(config)
    return outer_key_file(path, config.data_dir, make=make)
