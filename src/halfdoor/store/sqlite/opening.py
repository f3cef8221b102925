"""Opens the embedded store of a data directory: lock, schema, keys, what a crash left untold."""

import sqlite3
from pathlib import Path
from typing import Final, final

from halfdoor.clock import Clock, SystemClock
from halfdoor.store.desk_rows import DeskRows
from halfdoor.store.entity_secrets import Secrets
from halfdoor.store.errors import SchemaError, StoreUnavailableError, UnfinishedCopyError
from halfdoor.store.key_backups import KeyBackups
from halfdoor.store.media import Media
from halfdoor.store.media_sweeping import MediaSweeping
from halfdoor.store.migrate import migrate
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.renewal import AccountKeyRenewal
from halfdoor.store.retention import Retention
from halfdoor.store.sqlite.connect import named, open_writer
from halfdoor.store.sqlite.conversations import SqliteConversations
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.desk import SqliteDesk
from halfdoor.store.sqlite.e2ee_keys import SqliteDeviceKeys
from halfdoor.store.sqlite.entity_secrets import load_secrets
from halfdoor.store.sqlite.erasures import SqliteErasures
from halfdoor.store.sqlite.franking_keys import SqliteFrankingKeys
from halfdoor.store.sqlite.holds import destroy_held
from halfdoor.store.sqlite.jobs import SqliteJobs
from halfdoor.store.sqlite.key_backups import SqliteKeyBackups
from halfdoor.store.sqlite.keys import Keys, load_keys
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.log import SqliteLog
from halfdoor.store.sqlite.mailbox import SqliteMailbox, StreamLane
from halfdoor.store.sqlite.media import SqliteMediaRows
from halfdoor.store.sqlite.outbox import Outbox
from halfdoor.store.sqlite.projection import Projector
from halfdoor.store.sqlite.renewals import SqliteRenewals
from halfdoor.store.sqlite.restores import read_restores
from halfdoor.store.sqlite.retention import SqliteRetentionRows
from halfdoor.store.sqlite.sequencer import Sequencer
from halfdoor.store.sqlite.staff import SqliteStaff
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Streams
from halfdoor.store.sqlite.to_device import SqliteToDevice
from halfdoor.store.sqlite.wholeness import check_whole
from halfdoor.store.to_device_rows import ToDeviceRows

ONE_FILE: Final = "halfdoor.db"
CONVERSATIONS_FILE: Final = "conversations.db"
PEOPLE_FILE: Final = "people.db"
# The folder in which a restore puts the files together before they get their names.
RESTORING: Final = "restoring"

_OUTBOX: Final = statements("outbox_maintenance")


@final
class Store:
    """The embedded store. `database` is where accounts live too, on its people's side.

    `paths` are the files of the conversations' and the people's side, which may be one.
    """

    def __init__(
        self,
        lock: DirectoryLock,
        paths: tuple[Path, Path],
        database: Database,
        keys: Keys,
        secrets: Secrets,
        streams: Streams,
    ) -> None:
        self.paths = paths
        self.database = database
        self.keys = keys
        self._lock = lock
        self._secrets = secrets
        projector = Projector(streams)
        outbox = None if database.shared else Outbox(projector)
        sequencer = Sequencer(keys, projector, outbox)
        self.conversations = SqliteConversations(database, keys, sequencer)
        files = SqliteMediaRows(database, keys)
        self.media = Media(files)
        self.media_sweeping = MediaSweeping(files)
        self.retention = Retention(
            SqliteRetentionRows(database, keys, sequencer), keys.outer, self.media_sweeping
        )
        self.jobs = SqliteJobs(database, keys)
        self.franking = SqliteFrankingKeys(database, keys)
        self.log = SqliteLog(database)
        self.key_backups = KeyBackups(SqliteKeyBackups(database, keys))
        self.device_keys = SqliteDeviceKeys(database, keys)
        self.staff = SqliteStaff(database, keys)
        self.renewal = AccountKeyRenewal(SqliteRenewals(database, keys, self.jobs))
        lane = StreamLane(streams)
        self.mailbox = SqliteMailbox(database, keys, lane)
        self.to_device = SqliteToDevice(database, ToDeviceRows(keys, secrets.k_lookup), lane)
        rows = DeskRows(keys, secrets.k_lookup)
        self.erasures = SqliteErasures(database, keys, lane, rows)
        self.desk = SqliteDesk(database, keys, rows)

    def secrets(self) -> Secrets:
        """Return the keys of look-ups and ids."""
        return self._secrets

    @property
    def waiting(self) -> int:
        """How many writes are queued."""
        return self.database.waiting

    async def close(self) -> None:
        """Make everything queued durable, close the files, let the directory go."""
        await self.database.close()
        self._lock.release()

    async def tend(self) -> None:
        """Nobody else has the data keys of a directory that is locked."""

    async def rewrap(self, successor: OuterKeyStore) -> int:
        """Wrap every data key under *successor*, all in one transaction; return how many."""
        return await self.keys.rewrap(self.database, successor)

    async def destroy_held(self, now_ms: int) -> int:
        """Overwrite the redacted bodies whose hold has ended; return how many there were."""
        return await destroy_held(self.database, self.keys, now_ms)

    def __repr__(self) -> str:
        return "Store(…)"


def open_store(
    data_dir: Path,
    outer_key: OuterKeyStore,
    *,
    two_files: bool = False,
    clock: Clock | None = None,
    readers: int = 2,
) -> Store:
    """Open the store in *data_dir*, made if it is not there.

    Errors, each with what to do: `DataInUseError`, `OuterKeyError` for a wrong key,
    `NewerSchemaError`, `SchemaError`, `DamagedStoreError`, `UnfinishedCopyError`,
    `StoreUnavailableError`.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailableError(f"{data_dir} cannot be made: {error.strerror}") from error
    lock = DirectoryLock(data_dir)
    try:
        return _open(lock, data_dir, outer_key, two_files, clock or SystemClock(), readers)
    except BaseException:
        lock.release()
        raise


def database_paths(data_dir: Path, *, two_files: bool = False) -> tuple[Path, Path]:
    """Return the files of the conversations' and the people's side, which may be one."""
    if two_files:
        return data_dir / CONVERSATIONS_FILE, data_dir / PEOPLE_FILE
    return data_dir / ONE_FILE, data_dir / ONE_FILE


def has_data(data_dir: Path) -> bool:
    """Tell whether a store was ever opened in *data_dir*; a log that is left says so too."""
    names = (ONE_FILE, CONVERSATIONS_FILE, PEOPLE_FILE)
    return any((data_dir / f"{name}{log}").exists() for name in names for log in ("", "-wal"))


def _open(
    lock: DirectoryLock,
    data_dir: Path,
    outer_key: OuterKeyStore,
    two_files: bool,
    clock: Clock,
    readers: int,
) -> Store:
    """Open the files of a directory that is locked for this process."""
    if (data_dir / RESTORING).exists():
        raise UnfinishedCopyError(
            f"a restore into {data_dir} is not complete: run `halfdoor restore` again, or remove"
            f" the folder {data_dir / RESTORING} to go on without it"
        )
    conv_path, user_path = database_paths(data_dir, two_files=two_files)
    for path in (conv_path, user_path):
        check_whole(path)
    try:
        migrate(conv_path, user_path)
    except sqlite3.Error as error:
        raise SchemaError(
            f"the schema in {data_dir} cannot be brought up to date ({error}); nothing was changed:"
            " restore the last good backup"
        ) from error
    con = open_writer(conv_path)
    people = open_writer(user_path)
    try:
        con.execute("BEGIN IMMEDIATE")
        keys = load_keys(con, outer_key, clock)
        secrets = load_secrets(con, keys)
        con.execute("COMMIT")
        restores = read_restores(people)
        # A restore brings an outbox along also where both sides share a file.
        if two_files or con.execute(_OUTBOX["all"]).fetchone() is not None:
            _tell_left_behind(con, people, Streams(keys, restores))
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()
        people.close()
    database = Database(conv_path, user_path, readers=readers)
    return Store(lock, (conv_path, user_path), database, keys, secrets, Streams(keys, restores))


def _tell_left_behind(
    con: sqlite3.Connection, people: sqlite3.Connection, streams: Streams
) -> None:
    """Tell people what a crash between the two transactions left in the outbox."""
    outbox = Outbox(Projector(streams))
    con.execute("BEGIN IMMEDIATE")
    outbox.begin(con)
    con.execute("COMMIT")
    people.execute("BEGIN IMMEDIATE")
    outbox.deliver(people, [])
    people.execute("COMMIT")
    con.execute("BEGIN IMMEDIATE")
    outbox.begin(con)
    con.execute("COMMIT")
