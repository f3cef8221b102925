"""Account data and sync filters of a person."""

from hashlib import sha256
from typing import Any, Final

from halfdoor.ids import base64url, bucket
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import ACCOUNT, AccountData
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.reading import Stream, write_row
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import change_people
from halfdoor.store.quotas import check_account_data, check_filters

_SQL: Final = statements("account_data")
_TABLE: Final = "account_data"
_FILTER_ID_BYTES: Final = 12


async def read_account_data(
    con: Connection, keys: Keys, user: str, after: int
) -> list[AccountData]:
    """Return the account data of *user* written after a position."""
    rows = await con.fetch(_SQL["after"], bucket(user), user, after)
    return [_open(keys, user, row) for row in rows]


async def read_one(
    con: Connection, keys: Keys, user: str, room: str, kind: str
) -> AccountData | None:
    """Return one piece of account data."""
    row = await con.fetchrow(_SQL["one"], bucket(user), user, room, kind)
    return None if row is None else _open(keys, user, row)


async def write_account_data(stream: Stream, data: AccountData, most: int) -> Told:
    """Write one piece and an inbox row about it, at the position of that row; `QuotaError`."""
    person, told = await write_row(stream, ACCOUNT, data.room)
    if not (data.sealed or data.room):
        # The server acts on it: other processes remember what it said before.
        await change_people(stream.con, [stream.user])
    keys, user = stream.keys, stream.user
    sealed = keys.outer.seal(keys.account, _TABLE, user, (user, data.room, data.type), data.body)
    row = (person.ub, person.u, data.room, data.type, told.pos, data.sealed, sealed)
    if await stream.con.fetchval(_SQL["is_there"], *row[:4]) is None:
        count = await stream.con.fetchval(_SQL["counted"], person.ub, person.u)
        check_account_data(count, data.type, most)
    await stream.con.execute(_SQL["put"], *row)
    return told


async def write_filter(stream: Stream, body: bytes, most: int) -> str:
    """Keep a filter under an id made of its bytes, so that the same filter gets the same id."""
    person = await stream.lock()
    filter_id = base64url(sha256(body).digest()[:_FILTER_ID_BYTES])
    others = (person.ub, person.u, filter_id)
    check_filters(await stream.con.fetchval(_SQL["counted_filters"], *others), most)
    await stream.con.execute(_SQL["put_filter"], person.ub, person.u, filter_id, body)
    return filter_id


async def read_filter(con: Connection, user: str, filter_id: str) -> bytes | None:
    """Return a kept filter."""
    body: bytes | None = await con.fetchval(_SQL["filter"], bucket(user), user, filter_id)
    return body


def _open(keys: Keys, user: str, row: Any) -> AccountData:
    room, kind, pos, user_sealed, sealed = row
    body = keys.outer.open(_TABLE, user, (user, room, kind), sealed)
    return AccountData(room, kind, body, user_sealed, pos)
