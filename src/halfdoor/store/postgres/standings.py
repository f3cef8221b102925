"""Where each conversation stands, read under its lock and kept for no longer than a batch."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from halfdoor.ids import bucket
from halfdoor.messaging.ledger import Glance, Head
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("standings")
_MEMBERS: Final = "member"
_NO_HASH: Final = bytes(32)


class Member(msgspec.Struct, frozen=True, gc=False):
    """One person's row. `membership` is "" for someone who was named but never a member."""

    m: int
    membership: str = ""
    since_seq: int = 0
    # The newest membership event about this person, which need not have changed anything.
    event_seq: int = 0


class Standing(msgspec.Struct, kw_only=True):
    """A conversation's row while it is written to; `people` is None where nobody looked them up.

    A row with epoch 0 was made in this batch, and nothing stands in the conversation yet.
    """

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
    # The first event that retention has kept; no write of this kind changes it.
    begins: int = 1
    people: dict[str, Member] | None = None

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

    def row(self) -> tuple[int | bytes, ...]:
        """Return the row as the statement that writes it takes it."""
        return (
            self.cb,
            self.c,
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


async def lock_standings(
    con: Connection, convs: Iterable[str], new: Iterable[str]
) -> dict[str, Standing]:
    """Lock the rows of *convs*, those of *new* made where missing, and return where they stand.

    Locked in the order of bucket and id, whoever asks, so that nobody waits in a circle.
    """
    wanted = sorted((bucket(conv), conv) for conv in set(convs))
    found = _standings(await con.fetchmany(_SQL["lock"], wanted))
    missing = sorted((bucket(conv), conv) for conv in set(new) - found.keys())
    while missing:
        await _create(con, missing)
        # Also those that another process made in the meantime.
        found |= _standings(await con.fetchmany(_SQL["lock"], missing))
        missing = [key for key in missing if key[1] not in found]
    return found


async def read_standing(con: Connection, conv: str) -> Standing | None:
    """Return where *conv* stands, without a lock."""
    row = await con.fetchrow(_SQL["read"], bucket(conv), conv)
    return None if row is None else _standing(row)


async def read_glances(con: Connection, convs: Iterable[str]) -> dict[str, Glance]:
    """Return where *convs* stand, without a lock; those that are not there are left out."""
    rows = await con.fetchmany(_SQL["read"], [(bucket(conv), conv) for conv in convs])
    return {
        conv: Glance(at.head(), at.outbox, at.begins)
        for conv, at in _standings(rows).items()
        # A row that was made a moment ago, for a conversation that is still to come.
        if at.epoch > 0
    }


async def write_standings(con: Connection, standings: Iterable[Standing]) -> None:
    """Write the rows of conversations that moved."""
    await con.executemany(_SQL["update"], [standing.row() for standing in standings])


async def load_members(con: Connection, keys: Keys, standings: Iterable[Standing]) -> None:
    """Look up the people of *standings*, each row checked against its mac (`RowMacError`)."""
    by_place = {(at.cb, at.c): at for at in standings}
    for at in by_place.values():
        at.people = {}
    for cb, c, m, user, membership, since, event, mac in await con.fetchmany(
        _SQL["members"], list(by_place)
    ):
        at = by_place[cb, c]
        keys.check_row_mac(_MEMBERS, at.conv, [at.conv, user], [m, membership, since, event], mac)
        if at.people is not None:
            at.people[user] = Member(m, membership, since, event)


async def write_members(
    con: Connection, keys: Keys, changed: Iterable[tuple[Standing, str]]
) -> None:
    """Write the rows of these people, each with its mac."""
    await con.executemany(_SQL["put_member"], [_member(keys, at, user) for at, user in changed])


def _member(keys: Keys, at: Standing, user: str) -> tuple[Any, ...]:
    row = (at.people or {})[user]
    said: list[str | int] = [row.m, row.membership, row.since_seq, row.event_seq]
    mac = keys.row_mac(_MEMBERS, at.conv, [at.conv, user], said)
    return (at.cb, at.c, row.m, user, row.membership, row.since_seq, row.event_seq, mac)


async def _create(con: Connection, missing: list[tuple[int, str]]) -> None:
    """Make rows with fresh numbers; where another process took the number, none is made."""
    buckets = [(cb,) for cb in dict.fromkeys(cb for cb, _ in missing)]
    newest = await con.fetchmany(_SQL["newest_number"], buckets)
    numbers = {cb: row[0] for (cb,), row in zip(buckets, newest, strict=True)}
    rows = []
    for cb, conv in missing:
        numbers[cb] += 1
        rows.append((cb, numbers[cb], conv, _NO_HASH))
    await con.executemany(_SQL["create"], rows)


def _standings(rows: Iterable[Any]) -> dict[str, Standing]:
    return {row[0]: _standing(row) for row in rows}


def _standing(row: Any) -> Standing:
    """Return a row as the statements select it."""
    (
        conv, cb, c, last_seq, revision, epoch, is_current, hh, day, epoch_events, chain, outbox,
        begins,
    ) = row  # fmt: skip
    return Standing(
        conv=conv,
        cb=cb,
        c=c,
        last_seq=last_seq,
        revision=revision,
        epoch=epoch,
        is_current=is_current,
        hh=hh,
        day=day,
        epoch_events=epoch_events,
        chain=chain,
        outbox=outbox,
        begins=begins,
    )
