"""What happens to key backups in one transaction: statements in order, for either store. Pure.

Each of these yields a statement of `key_backups.sql`, is sent the rows that it returned, and
refuses by raising, which undoes all that was written. The person's backups are locked first.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from halfdoor.e2ee.key_backup import UnknownBackupError, WrongVersionError, is_better
from halfdoor.e2ee.key_backup_store import (
    MAX_BACKUPS,
    MAX_BYTES,
    MAX_KEYS,
    AlgorithmChangedError,
    BackupFullError,
    Description,
    KeptKey,
    Standing,
)
from halfdoor.e2ee.key_store import SignedOutError
from halfdoor.store.accounts_rows import place
from halfdoor.store.key_backup_rows import KeyBackupRows, Version, read_key

# How many keys are looked at or deleted at a time.
AT_ONCE: Final = 250

T = TypeVar("T")
Row = Sequence[Any]


class Pairs(NamedTuple):
    """Rooms and sessions, as one value of a statement."""

    rooms: list[str]
    sessions: list[str]


class Ask(NamedTuple):
    """A statement and its values; what it returns is sent back."""

    name: str
    values: tuple[Any, ...]


class Put(NamedTuple):
    """A statement that is done for each of some rows and returns nothing."""

    name: str
    rows: Sequence[tuple[Any, ...]]


Steps = Generator[Ask | Put, Sequence[Row], T]


def create(rows: KeyBackupRows, user: str, device: str, about: Description) -> Steps[int]:
    """Begin a backup under a number that none of this person's had."""
    at = place(user)
    while True:
        versions = yield from _locked(user, device)
        if sum(one.sealed is not None for one in versions) >= MAX_BACKUPS:
            raise BackupFullError("there are as many backups as one person may have")
        number = versions[-1].version + 1 if versions else 1
        sealed = rows.seal_about(user, number, about)
        # Of two that begin one at once, the second looks again.
        if (yield Ask("insert", (*at, number, sealed))):
            break
    # The number above keeps theirs from coming again.
    yield Put("forget", [(*at, number)])
    return number


def describe(
    rows: KeyBackupRows, user: str, device: str, version: int, about: Description
) -> Steps[None]:
    """Replace what is said of a backup."""
    found = _of((yield from _locked(user, device)), version)
    if rows.open_about(user, found).algorithm != about.algorithm:
        raise AlgorithmChangedError("a backup keeps its algorithm")
    yield Put("describe", [(rows.seal_about(user, version, about), *place(user), version)])


def close(user: str, device: str, version: int) -> Steps[None]:
    """Let there be no such backup; its keys are still there, for nobody to read."""
    _of((yield from _locked(user, device)), version)
    yield Put("close", [(*place(user), version)])


def put(
    rows: KeyBackupRows, user: str, device: str, version: int, keys: Sequence[KeptKey]
) -> Steps[Standing]:
    """Keep each of *keys* unless a better copy is there; a room and session is named once."""
    versions = yield from _locked(user, device)
    found, at = _of(versions, version), (*place(user), version)
    newest = [one for one in versions if one.sealed is not None][-1]
    if found is not newest:
        raise WrongVersionError(str(newest.version))
    count, size, is_changed = found.keys, found.size, False
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        pairs = Pairs([one.room for one in part], [one.session for one in part])
        kept = {(row[0], row[1]): row for row in (yield Ask("kept", (*at, pairs)))}
        better = []
        for one in part:
            row = kept.get((one.room, one.session))
            if row is not None:
                if not is_better(
                    read_key(one.body), read_key(rows.open_key(user, version, row).body)
                ):
                    continue
                size -= len(row[2])
            sealed = rows.seal_key(user, version, one)
            better.append((*at, one.room, one.session, sealed))
            count += row is None
            size += len(sealed)
        if count > MAX_KEYS or size > MAX_BYTES:
            raise BackupFullError("there are as many keys in the backup as there may be")
        if better:
            yield Put("put", better)
            is_changed = True
    return (yield from _counted(found, user, count, size, is_changed=is_changed))


def drop_some(
    user: str, device: str | None, version: int, key: Sequence[str]
) -> Steps[tuple[Standing, bool]]:
    """Delete some keys of a backup, a room or a session; tell whether there may be more.

    Without a *device*: of a backup that was closed.
    """
    versions = yield from _locked(user, device)
    found, at = _of(versions, version, closed=device is None), (*place(user), version)
    name = ("drop", "drop_of_room", "drop_one")[len(key)]
    limits = () if len(key) == 2 else (*at, *key, AT_ONCE)
    gone = yield Ask(name, (*at, *key, *limits))
    size = found.size - sum(row[0] for row in gone)
    count = found.keys - len(gone)
    standing = yield from _counted(found, user, count, size, is_changed=bool(gone))
    return standing, len(gone) == AT_ONCE


def _locked(user: str, device: str | None) -> Steps[list[Version]]:
    """Return all backups of a person, the newest last, after a look at who writes.

    In this order, in which accounts are closed too: a neighbour is waited for and never in a ring.
    """
    at = place(user)
    if device is not None and not (yield Ask("device", (*at, device))):
        raise SignedOutError
    return [Version(*row) for row in (yield Ask("locked", at))]


def _of(versions: Sequence[Version], version: int, *, closed: bool = False) -> Version:
    for one in versions:
        if one.version == version and (one.sealed is None) == closed:
            return one
    raise UnknownBackupError("there is no such backup")


def _counted(
    found: Version, user: str, count: int, size: int, *, is_changed: bool
) -> Steps[Standing]:
    if not is_changed:
        return Standing(found.etag, found.keys)
    etag = found.etag + 1
    yield Put("count", [(etag, count, size, *place(user), found.version)])
    return Standing(etag, count)
