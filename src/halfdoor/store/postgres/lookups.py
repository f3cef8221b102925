"""The two ends of a batch: what its works need is looked up, what they gathered is written."""

from collections.abc import Iterable
from typing import Any, Final

from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.epoch_rows import open_reader
from halfdoor.store.postgres.standings import load_members, write_members, write_standings
from halfdoor.store.postgres.statements import copies, statements
from halfdoor.store.postgres.turn import Kept, Needs, Record, Turn

_SQL: Final = statements("append")
_COPIES: Final = copies()


async def copy_rows(con: Connection, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add *rows* to the table of the COPY statement *name*."""
    copy = _COPIES[name]
    await con.copy_records_to_table(copy.table, records=rows, columns=copy.columns)


async def look_up(con: Connection, turn: Turn, needs: Needs) -> None:
    """Bring into *turn* what works asked for; every statement stays in one bucket."""
    standings = turn.standings
    if needs.members:
        found = [standings[conv] for conv in needs.members if conv in standings]
        await load_members(con, turn.keys, found)
    if needs.events:
        await _events(con, turn, needs)
    if needs.sealed_states:
        places = turn.places(needs.sealed_states)
        for cb, c, kind, key, sealed in await con.fetchmany(_SQL["sealed_states"], list(places)):
            turn.sealed_states[places[cb, c], kind, key] = sealed
    if needs.records:
        await _records(con, turn, needs)
    if needs.receipts:
        await _receipts(con, turn, needs)


async def write_turn(con: Connection, turn: Turn) -> None:
    """Write everything that was gathered in *turn*."""
    if turn.members:
        changed = [(turn.standings[conv], user) for conv, user in turn.members]
        await write_members(con, turn.keys, changed)
    if turn.event_rows:
        await copy_rows(con, "event", turn.event_rows.values())
    for name, rows in turn.rows.items():
        if rows:
            await copy_rows(con, name, rows)
    if turn.bare:
        await con.executemany(_SQL["delete_media_wraps"], turn.bare)
    if turn.replaced:
        await con.executemany(_SQL["replace_event"], list(turn.replaced.values()))
    if turn.changed_states:
        await _write_states(con, turn)
    if turn.receipt_rows:
        await con.executemany(_SQL["put_receipt"], turn.receipt_rows)
    if turn.moved:
        await write_standings(con, turn.moved.values())


async def _events(con: Connection, turn: Turn, needs: Needs) -> None:
    places = turn.places(conv for conv, _ in needs.events)
    numbers = {conv: place for place, conv in places.items()}
    keys = [(*numbers[conv], packed) for conv, packed in needs.events if conv in numbers]
    for cb, c, packed, seq, sealed in await con.fetchmany(_SQL["events"], keys):
        # What this batch made of it already is newer than its row.
        turn.events.setdefault((places[cb, c], packed), Kept(seq, sealed))


async def _records(con: Connection, turn: Turn, needs: Needs) -> None:
    places = turn.places(conv for conv, _ in needs.records)
    numbers = {conv: place for place, conv in places.items()}
    keys = [(*numbers[conv], epoch) for conv, epoch in needs.records if conv in numbers]
    for cb, c, epoch, hh in await con.fetchmany(_SQL["epochs"], keys):
        turn.records[places[cb, c], epoch] = Record(-1, hh)
    for cb, c, epoch, n, sealed in await con.fetchmany(_SQL["newest_readers"], keys):
        conv = places[cb, c]
        end = open_reader(turn.keys.outer, conv, epoch, n, sealed).rh
        turn.records[conv, epoch] = Record(n, end)


async def _receipts(con: Connection, turn: Turn, needs: Needs) -> None:
    places = turn.places(conv for conv, *_ in needs.receipts)
    numbers = {conv: place for place, conv in places.items()}
    keys = [(*numbers[conv], *rest) for conv, *rest in needs.receipts if conv in numbers]
    for cb, c, user, kind, thread, seq in await con.fetchmany(_SQL["receipts"], keys):
        turn.receipts[places[cb, c], user, kind, thread] = seq


async def _write_states(con: Connection, turn: Turn) -> None:
    """Write the current values of sealed state, or delete them."""
    put, drop = [], []
    for key in turn.changed_states:
        at = turn.standings[key[0]]
        row = (at.cb, at.c, *key[1:])
        if key in turn.sealed_states:
            put.append((*row, turn.sealed_states[key]))
        else:
            drop.append(row)
    if put:
        await con.executemany(_SQL["put_sealed_state"], put)
    if drop:
        await con.executemany(_SQL["drop_sealed_state"], drop)
