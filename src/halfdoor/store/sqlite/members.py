"""Member rows: the number of each person in a conversation, and what they are in it."""

import sqlite3
from typing import Final

import msgspec

from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("heads")
_TABLE: Final = "member"


class Member(msgspec.Struct, frozen=True, gc=False):
    """One person's row. `membership` is "" for someone who was named but never a member."""

    m: int
    membership: str = ""
    since_seq: int = 0
    # The newest membership event about this person, which need not have changed anything.
    event_seq: int = 0


def load_members(
    con: sqlite3.Connection, keys: Keys, conv: str, cb: int, c: int
) -> dict[str, Member]:
    """Return the member rows by user id, each checked against its mac (`RowMacError`)."""
    members = {}
    for m, user, membership, since, at, found in con.execute(_SQL["members"], (cb, c)):
        keys.check_row_mac(_TABLE, conv, [conv, user], [m, membership, since, at], found)
        members[user] = Member(m, membership, since, at)
    return members


def put_member(
    con: sqlite3.Connection, keys: Keys, conv: str, cb: int, c: int, user: str, row: Member
) -> None:
    """Write one member row with its mac."""
    found = keys.row_mac(
        _TABLE, conv, [conv, user], [row.m, row.membership, row.since_seq, row.event_seq]
    )
    con.execute(
        _SQL["put_member"],
        (cb, c, row.m, user, row.membership, row.since_seq, row.event_seq, found),
    )
