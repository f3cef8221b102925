"""Rows of accounts and people: sealed under the account key, with a mac, and checked when read."""

import logging
from typing import Any, Final, TypeVar, final

import msgspec

from halfdoor.ids import bucket
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.postgres.keys import Keys

R = TypeVar("R", bound=msgspec.Struct)

Key = tuple[str | bytes, ...]

_alarm: Final = logging.getLogger("halfdoor.alarm")


class SealedRow(msgspec.Struct, frozen=True, gc=False):
    """A row as it is kept: its body under the outer layer, and its mac."""

    sealed: bytes
    mac: bytes


@final
class AccountRows:
    """Seals and opens rows. Table, user and primary key are bound to each (SEALING §2)."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def seal(self, table: str, user: str, key: Key, record: msgspec.Struct) -> SealedRow:
        """Return *record* as a row of *table* about *user* under the primary key *key*."""
        body = msgspec.json.encode(record)
        sealed = self._keys.outer.seal(self._keys.account, table, user, key, body)
        return SealedRow(sealed, self._keys.row_mac(table, user, _pk(key), _values(record)))

    def open(self, table: str, user: str, key: Key, row: tuple[bytes, bytes], kind: type[R]) -> R:
        """Return the record of a *row*; `RowMacError`, and an alarm, if it was changed."""
        sealed, found = row
        try:
            body = self._keys.outer.open(table, user, key, sealed)
            record = msgspec.json.decode(body, type=kind)
            self._keys.check_row_mac(table, user, _pk(key), _values(record), found)
        except (Denied, RowMacError, msgspec.MsgspecError):
            pass
        else:
            return record
        # Who can write the database without the outer key must not become a reader, and the
        # operator must hear that somebody tried.
        _alarm.critical("a row of %s about %s was changed without the outer key", table, user)
        raise RowMacError(f"a row of {table} does not bear its mac")


def place(user: str) -> tuple[int, str]:
    """Return the bucket of *user* and the user, as every statement begins."""
    return bucket(user), user


def _pk(key: Key) -> list[Any]:
    """Return the primary key as the mac holds it; its owner encodes what is binary."""
    return list(key)


def _values(record: msgspec.Struct) -> list[Any]:
    """Return the record's values in order, binary as base64."""
    return list(msgspec.to_builtins(msgspec.structs.astuple(record)))
