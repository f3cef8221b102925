"""Reading epochs as one reader needs them: header, own wrap, readers added (SEALING §3)."""

from collections.abc import Sequence
from typing import Any, Final

from halfdoor.messaging.ledger import EpochRecord
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.epoch_rows import Reader, open_reader
from halfdoor.store.postgres.standings import Standing, read_standing
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("epochs")


async def read_epochs(
    con: Connection, keys: OuterKeys, conv: str, user: str, numbers: Sequence[int]
) -> list[EpochRecord]:
    """Return these epochs as *user* needs them, ascending; those that do not exist are left out."""
    at = await read_standing(con, conv)
    if at is None:
        return []
    rows = await con.fetch(_SQL["some"], at.cb, at.c, sorted(set(numbers)))
    return await _records(con, keys, at, user, rows)


async def read_newest_epochs(
    con: Connection, keys: OuterKeys, conv: str, user: str, limit: int
) -> list[EpochRecord]:
    """Return the newest *limit* epochs as *user* needs them, ascending."""
    at = await read_standing(con, conv)
    if at is None:
        return []
    rows = await con.fetch(_SQL["newest"], at.cb, at.c, limit)
    return await _records(con, keys, at, user, rows)


async def read_header(con: Connection, keys: OuterKeys, at: Standing) -> bytes:
    """Return the header of the newest epoch."""
    row = await con.fetchrow(_SQL["epoch"], at.cb, at.c, at.epoch)
    return keys.open("epoch", at.conv, (at.conv, at.epoch), row[3])


async def _records(
    con: Connection, keys: OuterKeys, at: Standing, user: str, rows: Sequence[Any]
) -> list[EpochRecord]:
    """Return the epochs of *rows*, which are newest first, with what *user* can open them by."""
    numbers = [row[0] for row in rows]
    wraps = dict([tuple(row) for row in await con.fetch(_SQL["wraps"], at.cb, at.c, user, numbers)])
    added: dict[int, list[Reader]] = {number: [] for number in numbers}
    for number, n, sealed in await con.fetch(_SQL["readers"], at.cb, at.c, numbers):
        added[number].append(open_reader(keys, at.conv, number, n, sealed))
    return [
        _record(keys, at.conv, user, row, wraps.get(row[0]), added[row[0]])
        for row in reversed(rows)
    ]


def _record(
    keys: OuterKeys,
    conv: str,
    user: str,
    row: Any,
    wrapped: bytes | None,
    added: list[Reader],
) -> EpochRecord:
    """Return one epoch."""
    number, hh, first_seq, sealed = row
    header = keys.open("epoch", conv, (conv, number), sealed)
    wrap = None
    if wrapped is not None:
        wrap = keys.open("wrap", conv, (conv, number, user), wrapped)
    # The newest record counts: an earlier one may name a user key that was replaced since.
    late_index = max((n for n, reader in enumerate(added) if reader.user == user), default=-1)
    return EpochRecord(
        number,
        hh,
        header,
        first_seq,
        wrap,
        tuple(reader.record for reader in added),
        None if late_index < 0 else added[late_index].wrap,
        late_index,
    )
