"""Rows of key backups: sealed under the account key, bound to person, backup, room and session."""

from typing import Any, Final, NamedTuple, final

import msgspec

from halfdoor.e2ee.key_backup import BackedUpKey
from halfdoor.e2ee.key_backup_store import Backup, Description, KeptKey, Standing
from halfdoor.store.accounts_rows import RowKeys

BACKUP: Final = "key_backup"
KEY: Final = "key_backup_key"

_about: Final = msgspec.json.Decoder(Description)
_key: Final = msgspec.json.Decoder(BackedUpKey)


class Version(NamedTuple):
    """A row of `key_backup`; one whose *sealed* is None was deleted and keeps its number taken.

    *size* is how many bytes its keys take as they are stored.
    """

    version: int
    etag: int
    keys: int
    size: int
    sealed: bytes | None


@final
class KeyBackupRows:
    """Seals and opens the rows; `sealing.labels.Denied` for one that was changed or moved."""

    def __init__(self, keys: RowKeys) -> None:
        self._keys = keys

    def seal_about(self, user: str, version: int, about: Description) -> bytes:
        """Return what is said of a backup as it is stored."""
        return self._seal(BACKUP, user, (user, version), msgspec.json.encode(about))

    def open_about(self, user: str, row: Version) -> Description:
        """Return what is said of a backup; `Denied` for one that was deleted."""
        body = self._keys.outer.open(BACKUP, user, (user, row.version), row.sealed or b"")
        return _about.decode(body)

    def backup(self, user: str, row: Version) -> Backup:
        """Return a backup that was not deleted."""
        return Backup(row.version, self.open_about(user, row), Standing(row.etag, row.keys))

    def seal_key(self, user: str, version: int, kept: KeptKey) -> bytes:
        """Return a key as it is stored."""
        return self._seal(KEY, user, (user, version, kept.room, kept.session), kept.body)

    def open_key(self, user: str, version: int, row: Any) -> KeptKey:
        """Return the key in a row of room, session and what is sealed."""
        room, session, sealed = row
        key = (user, version, room, session)
        return KeptKey(room, session, self._keys.outer.open(KEY, user, key, sealed))

    def _seal(self, table: str, user: str, key: tuple[Any, ...], body: bytes) -> bytes:
        return self._keys.outer.seal(self._keys.account, table, user, key, body)


def read_key(body: bytes) -> BackedUpKey:
    """Return a key from its JSON."""
    return _key.decode(body)
