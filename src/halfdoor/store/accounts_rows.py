"""Rows of accounts and people: sealed under the account key, with a mac, and checked when read."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, Protocol, TypeVar, final

import msgspec

from halfdoor.accounts.records import (
    AccountRecord,
    Block,
    Connection,
    DeviceRecord,
    FormerKey,
    LoginRecord,
    LoginToken,
    PendingRecord,
    PersonRecord,
    SessionRecord,
    SlotRecord,
    StartOverRecord,
    TokenRecord,
)
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken
from halfdoor.ids import bucket
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, RowMacError
from halfdoor.store.e2ee_key_records import KEY_KINDS
from halfdoor.store.generations import generation_of

R = TypeVar("R", bound=msgspec.Struct)

Key = tuple[str | bytes, ...]

_alarm: Final = logging.getLogger("halfdoor.alarm")


class ProfileRow(msgspec.Struct, frozen=True):
    """A profile as it is sealed: the JSON of its fields."""

    fields: str


# What lies in the rows of each table.
KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "account": AccountRecord,
    "login": LoginRecord,
    "slot": SlotRecord,
    "session": SessionRecord,
    "device": DeviceRecord,
    "token": TokenRecord,
    "pending": PendingRecord,
    "former_key": FormerKey,
    "start_over": StartOverRecord,
    "login_token": LoginToken,
    "person": PersonRecord,
    "connection": Connection,
    "block": Block,
    "profile": ProfileRow,
    "staff": StaffRecord,
    "staff_passkey": PasskeyRecord,
    "staff_token": StaffToken,
    **KEY_KINDS,
}


# How many values of a person there were before measures; more came after those.
_PERSON: Final = 8
_ADDED: Final = tuple(
    msgspec.to_builtins(field.default) for field in msgspec.structs.fields(PersonRecord)[_PERSON:]
)


class RowKeys(Protocol):
    """The data keys of a store, as far as rows under the account key need them."""

    @property
    def outer(self) -> OuterKeys:
        """Every data key that is held."""

    @property
    def account(self) -> int:
        """The generation under which rows are written."""

    def row_mac(self, table: str, partition: str, pk: list[Any], row: list[Any]) -> bytes:
        """Return the mac of a row."""

    def check_row_mac(
        self, table: str, partition: str, pk: list[Any], row: list[Any], found: bytes
    ) -> None:
        """Refuse a row that does not bear its mac, with `RowMacError`."""

    def may_be_newer(self, generation: int) -> bool:
        """Tell whether another process may have made this generation, which is not held here."""


class SealedRow(msgspec.Struct, frozen=True, gc=False):
    """A row as it is kept: its body under the outer layer, and its mac."""

    sealed: bytes
    mac: bytes


@final
class AccountRows:
    """Seals and opens rows. Table, user and primary key are bound to each (SEALING §2).

    A row whose generation another process may have made a moment ago is `Denied` without alarm.
    """

    def __init__(self, keys: RowKeys) -> None:
        self._keys = keys

    def seal(self, table: str, user: str, key: Key, record: msgspec.Struct) -> SealedRow:
        """Return *record* as a row of *table* about *user* under the primary key *key*."""
        body = msgspec.json.encode(record)
        sealed = self._keys.outer.seal(self._keys.account, table, user, key, body)
        return SealedRow(sealed, self._keys.row_mac(table, user, _pk(key), _values(record)))

    def open(self, table: str, user: str, key: Key, row: tuple[bytes, bytes], kind: type[R]) -> R:
        """Return the record of a *row*; `RowMacError`, and an alarm, if it was changed."""
        sealed, found = row
        if self._keys.may_be_newer(generation_of(sealed)):
            # Nobody changed it: whoever asks looks for the key and comes again.
            raise Denied
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


def by_bucket(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[Any]]:
    """Return *rows*, which begin with bucket and user, by their bucket, in order."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[:2]):
        found[row[0]].append(row)
    return found


def _pk(key: Key) -> list[Any]:
    """Return the primary key as the mac holds it; its owner encodes what is binary."""
    return list(key)


def _values(record: msgspec.Struct) -> list[Any]:
    """Return the record's values in order, binary as base64.

    What was added to a record since is left out where it says nothing: rows from before bear the
    same mac then.
    """
    values = list(msgspec.to_builtins(msgspec.structs.astuple(record)))
    if isinstance(record, PersonRecord):
        while len(values) > _PERSON and values[-1] == _ADDED[len(values) - 1 - _PERSON]:
            del values[-1]
    return values
