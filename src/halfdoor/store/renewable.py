"""Every kind of row that lies under the account key, and how each is put under its newest. Pure.

A row is what the statement `next_<table>` selects, in order; the answer are the values of
`renew_<table>`, which writes only where the row is still the one that was read.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from halfdoor.sealing.labels import Denied, b64
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.accounts_rows import KINDS, AccountRows, RowKeys
from halfdoor.store.desk_rows import LOG, partition
from halfdoor.store.freezes import FREEZE
from halfdoor.store.generations import generation_of
from halfdoor.store.retired import RETIRED
from halfdoor.store.to_device_rows import row_key

_alarm: Final = logging.getLogger("halfdoor.alarm")

Row = Sequence[Any]
Values = tuple[Any, ...]


class RenewedKeys(RowKeys, Protocol):
    """The data keys of a store, while there are two generations of the account key."""

    @property
    def former_accounts(self) -> list[int]:
        """The generations under which there may still be rows."""

    def bears(
        self, generation: int, table: str, partition: str, pk: list[Any], row: list[Any], mac: bytes
    ) -> bool:
        """Tell whether *mac* is that of a row under one generation."""


class RefusedRowError(Exception):
    """A row that bears no valid mac: it stays as it is, so that it stays refused."""


Renew = Callable[[RenewedKeys, Row], Values | None]


class Table(NamedTuple):
    """A table, and how a row of it is renewed."""

    name: str
    # A key before that of every row; its columns are the first of each row.
    before: Values
    renew: Renew
    # Of the conversations' side; the others are of the people's.
    conversations: bool = False


def _one(table: str) -> Table:
    """Return a table with one row for each user."""

    def renew(keys: RenewedKeys, row: Row) -> Values | None:
        ub, user, sealed, mac = row
        found = _reseal(keys, table, user, (user,), sealed, mac)
        return None if found is None else (*found, ub, user, sealed)

    return Table(table, (-1, ""), renew)


def _named(table: str, names: int = 1) -> Table:
    """Return a table whose rows a user has by name, or by several *names*."""

    def renew(keys: RenewedKeys, row: Row) -> Values | None:
        ub, *key, sealed, mac = row
        found = _reseal(keys, table, key[0], tuple(key), sealed, mac)
        return None if found is None else (*found, ub, *key, sealed)

    return Table(table, (-1, "", *[""] * names), renew)


def _desk(table: str, before: Values, *, key: slice) -> Table:
    """Return a table of the review desk; *key* are the columns that its rows are bound to."""

    def renew(keys: RenewedKeys, row: Row) -> Values | None:
        *place, sealed = row
        # A report lies with its case, though it is found without it.
        of = place[2] if table == "desk_report" else place[1]
        part = LOG if table in {"desk_line", "desk_head"} else partition(of)
        found = reseal(keys, table, part, tuple(place[key]), sealed)
        return None if found is None else (found, *place[: len(before)], sealed)

    return Table(table, before, renew)


def _token(keys: RenewedKeys, row: Row) -> Values | None:
    ub, lookup, user, sealed, mac = row
    found = _reseal(keys, "token", user, (user, lookup), sealed, mac)
    return None if found is None else (*found, ub, lookup, sealed)


def _login_token(keys: RenewedKeys, row: Row) -> Values | None:
    ub, lookup, sealed, mac = row
    found = _reseal(keys, "login_token", "", (lookup,), sealed, mac)
    return None if found is None else (*found, ub, lookup, sealed)


def _staff_passkey(keys: RenewedKeys, row: Row) -> Values | None:
    ub, lookup, sealed, mac = row
    found = _reseal(keys, "staff_passkey", "", (lookup,), sealed, mac)
    return None if found is None else (*found, ub, lookup, sealed)


def _staff_token(keys: RenewedKeys, row: Row) -> Values | None:
    ub, kind, lookup, sealed, mac = row
    found = _reseal(keys, "staff_token", "", (kind, lookup), sealed, mac)
    return None if found is None else (*found, ub, kind, lookup, sealed)


def _account_data(keys: RenewedKeys, row: Row) -> Values | None:
    ub, u, room, kind, user, sealed = row
    found = reseal(keys, "account_data", user, (user, room, kind), sealed)
    return None if found is None else (found, ub, u, room, kind, sealed)


def _avatar(keys: RenewedKeys, row: Row) -> Values | None:
    ub, user, media_id, sealed = row
    found = reseal(keys, "avatar", user, (user, media_id), sealed)
    return None if found is None else (found, ub, user, sealed)


def _todev(keys: RenewedKeys, row: Row) -> Values | None:
    ub, user, device, pos, sealed = row
    found = reseal(keys, "todev", user, row_key(user, device, pos), sealed)
    return None if found is None else (found, ub, user, device, pos, sealed)


def _backed_up(table: str, before: Values) -> Table:
    """Return a table of key backups, whose rows are bound to all of their place but the bucket."""

    def renew(keys: RenewedKeys, row: Row) -> Values | None:
        *place, sealed = row
        found = reseal(keys, table, place[1], tuple(place[1:]), sealed)
        return None if found is None else (found, *place, sealed)

    return Table(table, before, renew)


def _job(keys: RenewedKeys, row: Row) -> Values | None:
    ub, name, payload = row
    found = reseal(keys, "job", name, (name,), payload)
    return None if found is None else (found, ub, name, payload)


def _umember(keys: RenewedKeys, row: Row) -> Values | None:
    ub, u, k, user, conv, membership, since, mac = row
    found = _remac(keys, "umember", user, [user, conv], [membership, since], mac)
    return None if found is None else (found, ub, u, k, mac)


def _member(keys: RenewedKeys, row: Row) -> Values | None:
    cb, c, m, conv, user, membership, since, event, mac = row
    found = _remac(keys, "member", conv, [conv, user], [m, membership, since, event], mac)
    return None if found is None else (found, cb, c, m, mac)


def _retired(keys: RenewedKeys, row: Row) -> Values | None:
    cb, c, conv, epoch, seq, chain, deleted, kept, links, mac = row
    facts = [epoch, seq, b64(chain), deleted, kept, b64(links)]
    found = _remac(keys, RETIRED, conv, [conv], facts, mac)
    return None if found is None else (found, cb, c, mac)


def _frozen(keys: RenewedKeys, row: Row) -> Values | None:
    cb, c, hold, conv, first, last, until, generation, mac = row
    facts = [first, last, -1 if until is None else until, generation]
    found = _remac(keys, FREEZE, conv, [conv, hold], facts, mac)
    return None if found is None else (found, cb, c, hold, mac)


# In this order; beside these there are the few secrets of the whole entity.
TABLES: Final = (
    *map(_one, ("account", "login", "start_over", "person", "profile")),
    *map(_named, ("slot", "session", "device", "pending", "former_key", "connection", "block")),
    *map(_named, ("device_key", "cross_key")),
    _named("fallback_key", 2),
    *(_named(table, 3) for table in ("one_time_key", "key_signature")),
    Table("token", (-1, b""), _token),
    Table("login_token", (-1, b""), _login_token),
    Table("account_data", (-1, 0, "", ""), _account_data),
    Table("job", (-1, ""), _job),
    _one("staff"),
    Table("staff_passkey", (-1, b""), _staff_passkey),
    Table("staff_token", (-1, "", b""), _staff_token),
    _desk("desk_case", (-1, ""), key=slice(1, None)),
    _desk("desk_report", (-1, ""), key=slice(1, 2)),
    _desk("desk_evidence", (-1, "", 0), key=slice(1, None)),
    _desk("desk_event", (-1, "", 0), key=slice(1, None)),
    _desk("desk_notice", (-1, ""), key=slice(1, None)),
    _desk("desk_line", (-1, 0), key=slice(1, None)),
    _desk("desk_head", (-1, ""), key=slice(1, None)),
    _desk("case_blob", (-1, "", ""), key=slice(1, None)),
    Table("avatar", (-1, ""), _avatar),
    _backed_up("key_backup", (-1, "", 0)),
    _backed_up("key_backup_key", (-1, "", 0, "", "")),
    Table("todev", (-1, "", "", 0), _todev),
    Table("umember", (-1, 0, 0), _umember),
    Table("member", (-1, 0, 0), _member, conversations=True),
    Table("retired", (-1, 0), _retired, conversations=True),
    Table("frozen", (-1, 0, ""), _frozen, conversations=True),
)


def reseal(
    keys: RenewedKeys, table: str, partition: str, pk: tuple[Any, ...], sealed: bytes
) -> bytes | None:
    """Return a row without a mac under the newest generation, None where it lies there.

    `RefusedRowError` where it does not open.
    """
    if not _is_former(keys, sealed):
        return None
    try:
        body = keys.outer.open(table, partition, pk, sealed)
    except Denied:
        raise RefusedRowError from None
    return keys.outer.seal(keys.account, table, partition, pk, body)


def _reseal(
    keys: RenewedKeys, table: str, user: str, pk: tuple[Any, ...], sealed: bytes, mac: bytes
) -> tuple[bytes, bytes] | None:
    """Return row and mac under the newest generation, None where they are; `RefusedRowError`."""
    if not _is_former(keys, sealed):
        return None
    rows = AccountRows(keys)
    try:
        record = rows.open(table, user, pk, (sealed, mac), KINDS[table])
    except RowMacError:
        raise RefusedRowError from None
    row = rows.seal(table, user, pk, record)
    return row.sealed, row.mac


def _remac(
    keys: RenewedKeys, table: str, partition: str, pk: list[Any], row: list[Any], mac: bytes
) -> bytes | None:
    """Return the newest mac of a row, None where it bears it; `RefusedRowError`."""
    if keys.bears(keys.account, table, partition, pk, row, mac):
        return None
    try:
        keys.check_row_mac(table, partition, pk, row, mac)
    except RowMacError:
        _alarm.critical("a row of %s in %s was changed without the outer key", table, partition)
        raise RefusedRowError from None
    return keys.row_mac(table, partition, pk, row)


def _is_former(keys: RenewedKeys, sealed: bytes) -> bool:
    """Tell whether a row lies under a former generation, else nobody knows it: refused."""
    generation = generation_of(sealed)
    if generation == keys.account:
        return False
    if generation not in keys.former_accounts:
        raise RefusedRowError
    return True
