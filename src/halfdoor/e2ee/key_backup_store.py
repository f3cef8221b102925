"""What key backup needs of a store. Every write is durable before it returns.

A backup is found by its number, which its owner is given once and never again. Keys and what a
client says of its backup are kept as the client sent them; both lie under the account key.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec

from halfdoor.e2ee.key_backup import KeyBackupError

MAX_KEYS: Final = 50_000
# Of one backup as it is stored, so that an answer with all of it has an end.
MAX_BYTES: Final = 64 * 2**20
MAX_BACKUPS: Final = 10


class BackupFullError(KeyBackupError):
    """There are as many keys in the backup, or as many backups, as one person may have."""


class AlgorithmChangedError(KeyBackupError):
    """A backup keeps the algorithm with which it was made (400 M_INVALID_PARAM)."""


class Description(msgspec.Struct, frozen=True):
    """What a client says of a backup: `m.megolm_backup.v1…`, and its public key, signed."""

    algorithm: str
    auth_data: dict[str, Any]


class Standing(msgspec.Struct, frozen=True):
    """A mark that every change of the keys changes, and how many keys there are."""

    etag: int
    count: int


class Backup(msgspec.Struct, frozen=True):
    """One backup that was not deleted."""

    version: int
    about: Description
    standing: Standing


class KeptKey(msgspec.Struct, frozen=True):
    """One session key of a room: *body* is the JSON of a `BackedUpKey`."""

    room: str
    session: str
    body: bytes

    def __repr__(self) -> str:
        return f"KeptKey({len(self.body)} bytes)"


class KeyBackupStore(Protocol):
    """Where backups lie, each person's in their own bucket.

    Whoever writes names their *device*: `e2ee.key_store.SignedOutError` where it is gone by then.
    """

    async def backups(self, user: str) -> Sequence[Backup]:
        """Return the backups of *user*, the newest last."""

    async def create(self, user: str, device: str, about: Description) -> int:
        """Begin a backup and return its number; `BackupFullError`."""

    async def describe(self, user: str, device: str, version: int, about: Description) -> None:
        """Replace what is said of a backup; `UnknownBackupError`, `AlgorithmChangedError`."""

    async def delete(self, user: str, device: str, version: int) -> None:
        """Delete a backup with its keys; `UnknownBackupError`."""

    async def put(self, user: str, device: str, version: int, keys: Sequence[KeptKey]) -> Standing:
        """Keep *keys*, each unless a better copy is there, all of them or none.

        `UnknownBackupError`, `WrongVersionError` unless it is the newest, `BackupFullError`.
        """

    async def drop(self, user: str, device: str, version: int, key: Sequence[str] = ()) -> Standing:
        """Delete all keys, those of a room, or that of a room and a session: `UnknownBackupError`.

        Many go in several steps; whoever reads meanwhile sees what is left.
        """

    async def page(
        self, user: str, version: int, after: tuple[str, str], limit: int, room: str | None = None
    ) -> Sequence[KeptKey]:
        """Return the next keys after a room and session, in this order, of *room* alone if given.

        Of a backup that is not there: no keys.
        """

    async def key(self, user: str, version: int, room: str, session: str) -> bytes | None:
        """Return the JSON of one key, None where there is none."""
