"""People's streams under their locks: positions, and places in the room list (SCALE §1 and §3)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from halfdoor.ids import bucket
from halfdoor.messaging.mailbox import RESTORE_BITS, Standing
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("streams")
PLACE_TABLE: Final = "umember"


class Person(NamedTuple):
    """One person's stream, locked for this transaction; `pos` is the newest position given.

    `version` counts the writes about this person that other processes must hear of.
    """

    user: str
    ub: int
    u: int
    pos: int
    version: int


class Place(NamedTuple):
    """A conversation in a person's room list: its number, and the outbox entry they were told."""

    k: int
    cursor: int
    membership: str
    since_seq: int


# What one write assumed of people: their versions when it was decided.
Assumed = Sequence[tuple[str, int]]
# The version of somebody whose stream was never begun, or begun by what others told them.
NEVER: Final = 0

# (bucket, number of the person, conversation)
PlaceKey = tuple[int, int, str]


class PeopleMovedError(Exception):
    """Writes were decided on what is no longer so of a person; `stale` are their numbers."""

    def __init__(self, stale: set[int]) -> None:
        super().__init__("people changed since it was decided")
        self.stale = stale


def stale_of(versions: Mapping[str, int], assumed: Sequence[Assumed]) -> set[int]:
    """Return the numbers of the writes whose assumptions do not hold by *versions*."""
    return {
        number
        for number, one in enumerate(assumed)
        if any(versions.get(user, NEVER) != version for user, version in one)
    }


async def lock_people(
    con: Connection, counts: Mapping[str, int], restores: int
) -> dict[str, Person]:
    """Lock the streams of these people, begun where there are none, and return them.

    Each gets as many new positions as its count says; `pos` is the last of them. Locked in the
    order of bucket and id, whoever asks, so that nobody waits in a circle.
    """
    least = restores << RESTORE_BITS
    missing = sorted((bucket(user), user) for user in counts)
    found: dict[str, Person] = {}
    while missing:
        rows = [(*key, least, counts[key[1]]) for key in missing]
        found |= {row[0]: Person(*row) for row in await con.fetchmany(_SQL["bump"], rows)}
        missing = [key for key in missing if key[1] not in found]
        if missing:
            await _begin(con, missing)
    return found


async def find_places(
    con: Connection, keys: Keys, wanted: Iterable[tuple[Person, str]]
) -> dict[PlaceKey, Place]:
    """Return the places of these people and conversations, made where there are none.

    `RowMacError` for one that was changed without the outer key.
    """
    asked = {(person.ub, person.u, conv): person for person, conv in wanted}
    found: dict[PlaceKey, Place] = {}
    for ub, u, conv, k, cursor, membership, since, mac in await con.fetchmany(
        _SQL["places"], list(asked)
    ):
        key = (ub, u, conv)
        check_place(keys, asked[key].user, conv, membership, since, mac)
        found[key] = Place(k, cursor, membership, since)
    missing = [key for key in asked if key not in found]
    if missing:
        made = await make_places(con, keys, {key: asked[key] for key in missing})
        found |= {key: Place(k, 0, "", 0) for key, k in made.items()}
    return found


async def make_places(
    con: Connection, keys: Keys, missing: Mapping[PlaceKey, Person]
) -> dict[PlaceKey, int]:
    """Give each of these conversations a number in the list of its person, whose lock is held."""
    people = list(dict.fromkeys((ub, u) for ub, u, _ in missing))
    newest = await con.fetchmany(_SQL["newest_place"], people)
    numbers = {person: row[0] for person, row in zip(people, newest, strict=True)}
    made = {}
    rows = []
    for (ub, u, conv), person in missing.items():
        numbers[ub, u] += 1
        made[ub, u, conv] = numbers[ub, u]
        rows.append((ub, u, numbers[ub, u], conv, place_mac(keys, person.user, conv, "", 0)))
    await con.executemany(_SQL["insert_place"], rows)
    return made


def place_mac(keys: Keys, user: str, conv: str, membership: str, since: int) -> bytes:
    """Return the mac of a room list row."""
    return keys.row_mac(PLACE_TABLE, user, [user, conv], [membership, since])


def check_place(
    keys: Keys, user: str, conv: str, membership: str, since: int, found: bytes
) -> None:
    """Refuse a room list row that was changed without the outer key, with `RowMacError`."""
    keys.check_row_mac(PLACE_TABLE, user, [user, conv], [membership, since], found)


async def read_person(con: Connection, user: str) -> Person | None:
    """Return the stream of *user* without a lock, or None if nothing was ever written to it."""
    row = await con.fetchrow(_SQL["read"], bucket(user), user)
    return None if row is None else Person(user, *row)


async def change_people(con: Connection, users: Iterable[str]) -> None:
    """Let every process know, in this transaction, that what it holds about *users* is old.

    Locks their streams, in order, and must come last: whoever holds a stream waits for no other
    row of that person.
    """
    missing = sorted({(bucket(user), user) for user in users})
    while missing:
        found = {row[0] for row in await con.fetchmany(_SQL["change"], missing)}
        missing = [key for key in missing if key[1] not in found]
        if missing:
            await _begin(con, missing)


async def read_standings(con: Connection, users: Iterable[str]) -> dict[str, Standing]:
    """Return where the streams of *users* stand, without a lock; those never begun are left out."""
    asked = [(bucket(user), user) for user in users]
    return {
        user: Standing(pos, version)
        for user, pos, version in await con.fetchmany(_SQL["standing"], asked)
    }


async def _begin(con: Connection, missing: list[tuple[int, str]]) -> None:
    """Begin streams with fresh numbers; where another process took the number, none is begun."""
    buckets = [(ub,) for ub in dict.fromkeys(ub for ub, _ in missing)]
    newest = await con.fetchmany(_SQL["newest_number"], buckets)
    numbers = {ub: row[0] for (ub,), row in zip(buckets, newest, strict=True)}
    rows = []
    for ub, user in missing:
        numbers[ub] += 1
        rows.append((ub, numbers[ub], user))
    await con.executemany(_SQL["begin"], rows)
