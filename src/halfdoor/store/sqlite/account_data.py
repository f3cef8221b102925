"""Account data and sync filters of a person."""

import sqlite3
from hashlib import sha256
from typing import Any, Final

from halfdoor.ids import base64url
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import ACCOUNT, AccountData
from halfdoor.store.quotas import check_account_data, check_filters
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.reading import number, write_row
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Streams

_SQL: Final = statements("account_data")
_TABLE: Final = "account_data"
_FILTER_ID_BYTES: Final = 12


def read_account_data(
    con: sqlite3.Connection, keys: Keys, user: str, after: int
) -> list[AccountData]:
    """Return the account data of *user* written after a position."""
    rows = con.execute(_SQL["after"], (*number(con, user), after))
    return [_open(keys, user, row) for row in rows]


def read_one(
    con: sqlite3.Connection, keys: Keys, user: str, room: str, kind: str
) -> AccountData | None:
    """Return one piece of account data."""
    row = con.execute(_SQL["one"], (*number(con, user), room, kind)).fetchone()
    return None if row is None else _open(keys, user, row)


def write_account_data(
    con: sqlite3.Connection,
    streams: Streams,
    keys: Keys,
    user: str,
    data: AccountData,
    most: int,
) -> Told:
    """Write one piece and an inbox row about it, at the position of that row; `QuotaError`."""
    person = streams.person(con, user)
    key = (person.ub, person.u, data.room, data.type)
    if con.execute(_SQL["is_there"], key).fetchone() is None:
        check_account_data(con.execute(_SQL["counted"], key[:2]).fetchone()[0], data.type, most)
    told = write_row(con, streams, user, ACCOUNT, data.room)
    sealed = keys.outer.seal(keys.account, _TABLE, user, (user, data.room, data.type), data.body)
    row = (*number(con, user), data.room, data.type, told.pos, data.sealed, sealed)
    con.execute(_SQL["put"], row)
    return told


def write_filter(
    con: sqlite3.Connection, streams: Streams, user: str, body: bytes, most: int
) -> str:
    """Keep a filter under an id made of its bytes, so that the same filter gets the same id."""
    person = streams.person(con, user)
    filter_id = base64url(sha256(body).digest()[:_FILTER_ID_BYTES])
    others = (person.ub, person.u, filter_id)
    check_filters(con.execute(_SQL["counted_filters"], others).fetchone()[0], most)
    con.execute(_SQL["put_filter"], (person.ub, person.u, filter_id, body))
    return filter_id


def read_filter(con: sqlite3.Connection, user: str, filter_id: str) -> bytes | None:
    """Return a kept filter."""
    row = con.execute(_SQL["filter"], (*number(con, user), filter_id)).fetchone()
    return None if row is None else row[0]


def _open(keys: Keys, user: str, row: tuple[Any, ...]) -> AccountData:
    room, kind, pos, user_sealed, sealed = row
    body = keys.outer.open(_TABLE, user, (user, room, kind), sealed)
    return AccountData(room, kind, body, bool(user_sealed), pos)
