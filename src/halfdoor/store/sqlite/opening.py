"""Opens the embedded store of a data directory: lock, schema, keys, what a crash left untold."""

import sqlite3
from pathlib import Path
from typing import Final, final

from halfdoor.clock import Clock, SystemClock
from halfdoor.store.errors import StoreUnavailableError
from halfdoor.store.migrate import migrate
from halfdoor.store.outerkey import OuterKeyStore
from halfdoor.store.sqlite.connect import named, open_writer
from halfdoor.store.sqlite.conversations import SqliteConversations
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.holds import destroy_held
from halfdoor.store.sqlite.keys import Keys, Secrets, load_keys, load_secrets
from halfdoor.store.sqlite.lockfile import DirectoryLock
from halfdoor.store.sqlite.mailbox import SqliteMailbox, StreamLane
from halfdoor.store.sqlite.outbox import Outbox
from halfdoor.store.sqlite.projection import Projector
from halfdoor.store.sqlite.restores import read_restores
from halfdoor.store.sqlite.sequencer import Sequencer
from halfdoor.store.sqlite.streams import Streams

ONE_FILE: Final = "halfdoor.db"
CONVERSATIONS_FILE: Final = "conversations.db"
PEOPLE_FILE: Final = "people.db"


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
        self.mailbox = SqliteMailbox(database, keys, StreamLane(streams))

    def secrets(self) -> Secrets:
        """Return the keys of look-ups and ids."""
        return self._secrets

    async def close(self) -> None:
        """Make everything queued durable, close the files, let the directory go."""
        await self.database.close()
        self._lock.release()

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
    `NewerSchemaError`, `DamagedStoreError`, `StoreUnavailableError`.
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
    """Tell whether a store was ever opened in *data_dir*."""
    return any((data_dir / name).exists() for name in (ONE_FILE, CONVERSATIONS_FILE, PEOPLE_FILE))


def _open(
    lock: DirectoryLock,
    data_dir: Path,
    outer_key: OuterKeyStore,
    two_files: bool,
    clock: Clock,
    readers: int,
) -> Store:
    """Open the files of a directory that is locked for this process."""
    conv_path, user_path = database_paths(data_dir, two_files=two_files)
    migrate(conv_path, user_path)
    con = open_writer(conv_path)
    people = open_writer(user_path)
    try:
        con.execute("BEGIN IMMEDIATE")
        keys = load_keys(con, outer_key, clock)
        secrets = load_secrets(con, keys)
        con.execute("COMMIT")
        restores = read_restores(people)
        if two_files:
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
