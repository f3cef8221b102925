"""Conversations in SQLite, as `messaging.ledger` promises them."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, final

from halfdoor.messaging.ledger import (
    Append,
    Committed,
    EpochRecord,
    LateWrap,
    Receipt,
    RoomRecord,
    StoredEvent,
    Told,
)
from halfdoor.readers.review.report_sources import Witness
from halfdoor.store.epoch_shares import check_shares
from halfdoor.store.sqlite import timeline
from halfdoor.store.sqlite.append import AppendWork
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.epochs import read_epochs, read_newest_epochs
from halfdoor.store.sqlite.heads import read_standing
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.sequencer import Sequencer, Sweep, Work
from halfdoor.store.sqlite.witness import read_witness
from halfdoor.store.sqlite.works import AddReaders, EndEpoch, SetReceipt

T = TypeVar("T")


@final
class SqliteConversations:
    """A `ConversationStore`. Refusals are raised before anything is written.

    Beyond the errors of `Database`: `StaleError`, `UnknownConversationError`, `Denied` for a row
    that does not open in its place, `RowMacError` for one that was changed.
    """

    def __init__(self, database: Database, keys: Keys, sequencer: Sequencer) -> None:
        self._database = database
        self._keys = keys
        self._sequencer = sequencer

    async def append(self, item: Append) -> Committed:
        """Keep *item* with its inbox rows; `StaleError` if the conversation moved."""
        if item.start is not None:
            check_shares(item.start)
        month = await self._keys.ready_month(self._database)
        hold = None
        for event in item.events:
            if event.destroy_after is not None:
                hold = await self._keys.ready_hold(self._database)
        result: Committed = await self._write(AppendWork(item, month, hold))
        return result

    async def room(self, conv: str) -> RoomRecord | None:
        """Return the conversation *conv*, or None if there is none."""
        return await self._read(lambda con: timeline.read_room(con, self._keys, conv))

    async def event(self, conv: str, event_id: str) -> StoredEvent | None:
        """Return one event by its id."""
        return await self._read(lambda con: timeline.read_event(con, self._keys, conv, event_id))

    async def events(
        self, conv: str, *, after: int, before: int, limit: int, newest_first: bool
    ) -> list[StoredEvent]:
        """Return events with after < seq < before, at most *limit*, in the order asked for."""
        return await self._read(
            lambda con: timeline.read_events(
                con, self._keys, conv, (after, before), limit=limit, newest_first=newest_first
            )
        )

    async def held(self, conv: str, seq: int, now_ms: int) -> bytes | None:
        """Return the sealed body of a redacted event while a report can still reach it."""
        return await self._read(lambda con: timeline.read_held(con, self._keys, conv, seq, now_ms))

    async def witness(self, room: str, seq: int) -> Witness | None:
        """Return what *room* holds of a reported event (`report_sources.StoredEvents`)."""
        return await self._read(lambda con: read_witness(con, self._keys, room, seq))

    async def relations(
        self, conv: str, target: str, *, before: int, limit: int
    ) -> list[StoredEvent]:
        """Return events that relate to *target* with seq < before, newest first."""
        return await self._read(
            lambda con: timeline.read_relations(
                con, self._keys, conv, target, before=before, limit=limit
            )
        )

    async def related(self, conv: str, targets: Sequence[str], rel_type: str) -> list[StoredEvent]:
        """Return the events that relate so to any of *targets*, oldest first."""
        return await self._read(
            lambda con: timeline.read_related(con, self._keys, conv, targets, rel_type)
        )

    async def epochs(self, conv: str, user: str, epochs: Sequence[int]) -> list[EpochRecord]:
        """Return these epochs with the wraps of *user*, in ascending order."""

        def read(con: sqlite3.Connection) -> list[EpochRecord]:
            at = read_standing(con, conv)
            return [] if at is None else read_epochs(con, self._keys.outer, at, user, epochs)

        return await self._read(read)

    async def newest_epochs(self, conv: str, user: str, limit: int) -> list[EpochRecord]:
        """Return the newest *limit* epochs with the wraps of *user*, in ascending order."""

        def read(con: sqlite3.Connection) -> list[EpochRecord]:
            at = read_standing(con, conv)
            if at is None:
                return []
            return read_newest_epochs(con, self._keys.outer, at, user, limit)

        return await self._read(read)

    async def add_readers(self, conv: str, late: Sequence[LateWrap]) -> tuple[Told, ...]:
        """Add readers to epochs and tell them; `StaleError` if a chain of records moved."""
        month = await self._keys.ready_month(self._database)
        told: tuple[Told, ...] = await self._write(AddReaders(conv, tuple(late), month))
        return told

    async def end_epoch(self, conv: str, tell: Sequence[str]) -> tuple[Told, ...]:
        """Clear the current epoch and tell these users that a wrap is owed."""
        told: tuple[Told, ...] = await self._write(EndEpoch(conv, tuple(tell)))
        return told

    async def set_receipt(
        self, conv: str, receipt: Receipt, tell: Sequence[str]
    ) -> tuple[Told, ...] | None:
        """Move a receipt forward and tell *tell*; None if it already stood there or further."""
        told: tuple[Told, ...] | None = await self._write(SetReceipt(conv, receipt, tuple(tell)))
        return told

    async def sweep(self) -> None:
        """Tell people what a failed transaction or a crash left in the outbox."""
        await self._write(Sweep())

    def _write(self, work: Work) -> "asyncio.Future[Any]":
        return self._database.write_in(self._sequencer, work, brief=True)

    async def _read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database.read(function, Side.CONVERSATIONS)
