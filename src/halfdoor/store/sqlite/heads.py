"""Where each conversation stands, as the writer thread remembers it."""

import sqlite3
from typing import Final

import msgspec

from halfdoor.ids import bucket
from halfdoor.messaging.ledger import Head
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.members import Member, load_members, put_member
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("heads")
_REMEMBERED: Final = 20_000
_NO_HASH: Final = bytes(32)


class Standing(msgspec.Struct, kw_only=True):
    """A conversation's row while it is written to; `people` is None until somebody is looked up."""

    conv: str
    cb: int
    c: int
    last_seq: int = 0
    revision: int = 0
    epoch: int = 0
    is_current: bool = False
    hh: bytes = _NO_HASH
    day: int = 0
    epoch_events: int = 0
    chain: bytes = _NO_HASH
    outbox: int = 0
    people: dict[str, Member] | None = None
    is_new: bool = False

    def head(self) -> Head:
        """Return what the rooms above may know of it."""
        return Head(
            self.last_seq,
            self.revision,
            self.epoch,
            self.hh if self.is_current else None,
            self.hh,
            self.day,
            self.epoch_events,
            self.chain,
        )

    def columns(self) -> tuple[int | bytes, ...]:
        """Return the columns that writes change, in the order of the statements."""
        return (
            self.last_seq,
            self.revision,
            self.epoch,
            self.is_current,
            self.hh,
            self.day,
            self.epoch_events,
            self.chain,
            self.outbox,
        )


class Heads:
    """Remembers conversations between writes, until a transaction fails."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._known: dict[str, Standing] = {}
        # The largest number given in each bucket, so that two new conversations of one batch
        # get two.
        self._numbers: dict[int, int] = {}

    def forget(self) -> None:
        """Drop everything remembered."""
        self._known.clear()
        self._numbers.clear()

    def find(self, con: sqlite3.Connection, conv: str) -> Standing | None:
        """Return where *conv* stands, or None if there is no such conversation."""
        known = self._known.get(conv)
        if known is None:
            known = read_standing(con, conv)
            if known is not None:
                self._known[conv] = known
        return known

    def create(self, con: sqlite3.Connection, conv: str) -> Standing:
        """Return the standing of a conversation that is not there yet, with a fresh number."""
        cb = bucket(conv)
        if cb not in self._numbers:
            self._numbers[cb] = con.execute(_SQL["newest_number"], (cb,)).fetchone()[0]
        self._numbers[cb] += 1
        standing = Standing(conv=conv, cb=cb, c=self._numbers[cb], is_new=True, people={})
        self._known[conv] = standing
        return standing

    def member(self, con: sqlite3.Connection, standing: Standing, user: str) -> Member:
        """Return the row of *user*, who gets a number if they have none."""
        people = self._people(con, standing)
        row = people.get(user)
        if row is None:
            row = Member(1 + max((known.m for known in people.values()), default=0))
            self.put_member(con, standing, user, row)
        return row

    def put_member(
        self, con: sqlite3.Connection, standing: Standing, user: str, row: Member
    ) -> None:
        """Write the row of *user*."""
        self._people(con, standing)[user] = row
        put_member(con, self._keys, standing.conv, standing.cb, standing.c, user, row)

    def write(self, con: sqlite3.Connection, standings: list[Standing]) -> None:
        """Write the rows of conversations that moved."""
        con.executemany(
            _SQL["update"], [(*s.columns(), s.cb, s.c) for s in standings if not s.is_new]
        )
        for new in standings:
            if new.is_new:
                con.execute(_SQL["insert"], (*new.columns(), new.conv, new.cb, new.c))
                new.is_new = False
        # Only here, where nothing remembered is ahead of its row, may anything be dropped.
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def _people(self, con: sqlite3.Connection, standing: Standing) -> dict[str, Member]:
        if standing.people is None:
            standing.people = load_members(con, self._keys, standing.conv, standing.cb, standing.c)
        return standing.people


def read_standing(con: sqlite3.Connection, conv: str) -> Standing | None:
    """Return where *conv* stands in the database."""
    cb = bucket(conv)
    row = con.execute(_SQL["head"], (cb, conv)).fetchone()
    if row is None:
        return None
    c, last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox = row
    return Standing(
        conv=conv,
        cb=cb,
        c=c,
        last_seq=last_seq,
        revision=revision,
        epoch=epoch,
        is_current=bool(is_current),
        hh=hh,
        day=day,
        epoch_events=epoch_events,
        chain=chain,
        outbox=outbox,
    )
