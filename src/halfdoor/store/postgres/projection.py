"""What a write to a conversation tells people: inbox rows, room list, unread counts (SCALE §3)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from halfdoor.messaging.ledger import Told
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.lookups import copy_rows
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import (
    Assumed,
    PeopleMovedError,
    Person,
    Place,
    PlaceKey,
    find_places,
    lock_people,
    make_places,
    place_mac,
    stale_of,
)
from halfdoor.store.postgres.turn import HIGHLIGHT, NOTIFY, OWN, Change, Entry, Telling

_SQL: Final = statements("streams")


class _Sum(msgspec.Struct):
    """What a batch does to one row of a room list: counters become counter * keep + more."""

    last_pos: int = 0
    keep: int = 1
    notify: int = 0
    highlight: int = 0
    read_seq: int = 0
    read_pos: int = 0
    cursor: int = 0

    def clear(self) -> None:
        """Count from nothing."""
        self.keep = self.notify = self.highlight = 0

    def row(self, key: PlaceKey) -> tuple[Any, ...]:
        """Return the row as the statement that adds it takes it."""
        return (
            *key,
            self.last_pos,
            self.keep,
            self.notify,
            self.keep,
            self.highlight,
            self.read_seq,
            self.read_pos,
            self.cursor,
        )


async def project(
    con: Connection,
    keys: Keys,
    restores: int,
    tellings: Sequence[Telling | None],
    assumed: Sequence[Assumed] = (),
) -> list[tuple[Told, ...]]:
    """Write all that *tellings* say and return for each what was told to whom.

    The people concerned are locked first. Where tellings come out of an outbox, each person is
    told each of them once, however often it is met. `PeopleMovedError` if under their locks people
    are not at the versions that writes *assumed*, one entry for each telling.
    """
    if any(telling is not None and telling.n for telling in tellings):
        tellings = await _unheard(con, keys, tellings)
    counts: Counter[str] = Counter()
    for telling in tellings:
        if telling is not None:
            counts.update({change.user: 0 for change in telling.changes})
            counts.update(entry.user for entry in telling.entries)
    for one in assumed:
        counts.update({user: 0 for user, _ in one})
    if not counts:
        return [() for _ in tellings]
    people = await lock_people(con, counts, restores)
    if assumed:
        stale = stale_of({user: one.version for user, one in people.items()}, assumed)
        if stale:
            raise PeopleMovedError(stale)
    await _change(con, keys, people, tellings)
    told, sums, rows = _sum(people, counts, tellings)
    numbers = await _tell(con, keys, people, sums)
    if rows:
        await copy_rows(
            con,
            "inbox",
            [
                (key[0], key[1], pos, kind, numbers[key], seq, bits, None)
                for key, pos, kind, seq, bits in rows
            ],
        )
    return told


async def _unheard(
    con: Connection, keys: Keys, tellings: Sequence[Telling | None]
) -> list[Telling | None]:
    """Lock the people, and return *tellings* for those alone who were not told them yet."""
    users = {user for telling in tellings if telling for user in _users(telling)}
    people = await lock_people(con, dict.fromkeys(users, 0), 0)
    wanted = [
        (people[user], telling.conv) for telling in tellings if telling for user in _users(telling)
    ]
    places = await find_places(con, keys, wanted)
    found: list[Telling | None] = []
    for telling in tellings:
        if telling is None:
            found.append(None)
            continue
        waiting = {
            user
            for user in _users(telling)
            if places[_key(people[user], telling.conv)].cursor < telling.n
        }
        found.append(
            Telling(
                telling.conv,
                telling.n,
                [change for change in telling.changes if change.user in waiting],
                [entry for entry in telling.entries if entry.user in waiting],
            )
        )
    return found


def _users(telling: Telling) -> set[str]:
    return {change.user for change in telling.changes} | {entry.user for entry in telling.entries}


def _key(person: Person, conv: str) -> PlaceKey:
    return (person.ub, person.u, conv)


async def _change(
    con: Connection,
    keys: Keys,
    people: dict[str, Person],
    tellings: Iterable[Telling | None],
) -> None:
    """Write what people are in conversations; `since_seq` moves only where that changed."""
    changes: list[tuple[Person, str, Change]] = [
        (people[change.user], telling.conv, change)
        for telling in tellings
        if telling is not None
        for change in telling.changes
    ]
    if not changes:
        return
    places = await find_places(con, keys, [(person, conv) for person, conv, _ in changes])
    changed: dict[PlaceKey, tuple[Person, Place]] = {}
    for person, conv, change in changes:
        key = _key(person, conv)
        before = places[key]
        since = before.since_seq if before.membership == change.membership else change.seq
        places[key] = before._replace(membership=change.membership, since_seq=since)
        changed[key] = (person, places[key])
    await con.executemany(
        _SQL["set_membership"],
        [
            (
                *key,
                place.membership,
                place.since_seq,
                place_mac(keys, person.user, key[2], place.membership, place.since_seq),
            )
            for key, (person, place) in changed.items()
        ],
    )


_Row = tuple[PlaceKey, int, int, int, int]


def _sum(
    people: dict[str, Person], counts: Counter[str], tellings: Iterable[Telling | None]
) -> tuple[list[tuple[Told, ...]], dict[PlaceKey, _Sum], list[_Row]]:
    """Return what is told to whom, what that does to room lists, and the inbox rows."""
    next_pos = {user: people[user].pos - count for user, count in counts.items()}
    sums: dict[PlaceKey, _Sum] = {}
    rows: list[_Row] = []
    told: list[tuple[Told, ...]] = []
    for telling in tellings:
        if telling is None:
            told.append(())
            continue
        conv, n = telling.conv, telling.n
        for change in telling.changes:
            place = sums.setdefault(_key(people[change.user], conv), _Sum())
            place.cursor = max(place.cursor, n)
            if change.membership in {"leave", "ban"}:
                place.clear()
        told.append(
            tuple(_entry(people, next_pos, sums, rows, telling, e) for e in telling.entries)
        )
    return told, sums, rows


def _entry(
    people: dict[str, Person],
    next_pos: dict[str, int],
    sums: dict[PlaceKey, _Sum],
    rows: list[_Row],
    telling: Telling,
    entry: Entry,
) -> Told:
    """Add one inbox row, and what it does to the room list of its person."""
    user, seq, bits, conv = entry.user, entry.seq, entry.bits, telling.conv
    pos = next_pos[user] = next_pos[user] + 1
    key = _key(people[user], conv)
    rows.append((key, pos, entry.kind, seq, bits & (NOTIFY | HIGHLIGHT)))
    place = sums.setdefault(key, _Sum())
    place.last_pos = pos
    place.cursor = max(place.cursor, telling.n)
    notify, highlight = bool(bits & NOTIFY), bool(bits & HIGHLIGHT)
    if bits & OWN:
        # Whoever writes has read what stands above: their own event empties the counters.
        place.clear()
        place.read_seq, place.read_pos = max(place.read_seq, seq), pos
    else:
        place.notify += notify
        place.highlight += highlight
    return Told(user, pos, entry.kind, conv, seq, notify, highlight)


async def _tell(
    con: Connection, keys: Keys, people: dict[str, Person], sums: dict[PlaceKey, _Sum]
) -> dict[PlaceKey, int]:
    """Write the room lists and return the numbers of the conversations in them."""
    rows = [place.row(key) for key, place in sums.items()]
    told = await con.fetchmany(_SQL["tell_place"], rows)
    numbers: dict[PlaceKey, int] = {(ub, u, conv): k for ub, u, conv, k in told}
    missing = [key for key in sums if key not in numbers]
    if missing:
        owners = {(person.ub, person.u): person for person in people.values()}
        numbers |= await make_places(con, keys, {key: owners[key[:2]] for key in missing})
        await con.fetchmany(_SQL["tell_place"], [sums[key].row(key) for key in missing])
    return numbers
