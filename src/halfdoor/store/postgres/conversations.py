"""Conversations in PostgreSQL, as `messaging.ledger` promises them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, final

from halfdoor.messaging.ledger import (
    Append,
    Committed,
    EpochRecord,
    Glance,
    LateWrap,
    Receipt,
    RoomRecord,
    StoredEvent,
    Told,
)
from halfdoor.readers.review.report_sources import Witness
from halfdoor.store.epoch_shares import check_shares
from halfdoor.store.postgres import timeline
from halfdoor.store.postgres.append import AppendWork
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.epochs import read_epochs, read_newest_epochs
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.outbox import Outbox
from halfdoor.store.postgres.standings import read_glances
from halfdoor.store.postgres.witness import read_witness
from halfdoor.store.postgres.works import AddReaders, EndEpoch, SetReceipt
from halfdoor.store.postgres.writer import Writer

T = TypeVar("T")
_Function = Callable[[Connection], Awaitable[T]]


@final
class PostgresConversations:
    """A `ConversationStore`. Refusals are raised before anything is written.

    Beyond the errors of `Database`: `StaleError`, `UnknownConversationError`, `Denied` for a row
    that does not open in its place, `RowMacError` for one that was changed.
    """

    def __init__(
        self,
        database: Database,
        keys: Keys,
        writer: Writer,
        outbox: Outbox | None,
        *,
        counted: bool = False,
    ) -> None:
        """*counted* lets a receipt move what `glances` shows: other processes remember it."""
        self._database = database
        self._counted = counted and outbox is None
        self._keys = keys
        self._writer = writer
        self._outbox = outbox

    async def append(self, item: Append) -> Committed:
        """Keep *item* with its inbox rows; `StaleError` if the conversation moved."""
        if item.start is not None:
            check_shares(item.start)
        month = await self._keys.ready_month(self._database)
        hold = None
        if any(event.destroy_after is not None for event in item.events):
            hold = await self._keys.ready_hold(self._database)
        result: Committed = await self._writer.write(AppendWork(item, month, hold))
        return result

    async def room(self, conv: str) -> RoomRecord | None:
        """Return the conversation *conv*, or None if there is none."""
        return await self._moment(lambda con: timeline.read_room(con, self._keys, conv))

    async def glances(self, convs: Sequence[str]) -> dict[str, Glance]:
        """Return where *convs* stand now; those that are not there are left out."""
        return await self._read(lambda con: read_glances(con, convs))

    async def receipts(self, conv: str) -> tuple[Receipt, ...]:
        """Return the receipts of *conv* as they stand."""
        return await self._read(lambda con: timeline.read_receipts(con, conv))

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
        return await self._moment(lambda con: read_witness(con, self._keys, room, seq))

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
        return await self._moment(
            lambda con: read_epochs(con, self._keys.outer, conv, user, epochs)
        )

    async def newest_epochs(self, conv: str, user: str, limit: int) -> list[EpochRecord]:
        """Return the newest *limit* epochs with the wraps of *user*, in ascending order."""
        return await self._moment(
            lambda con: read_newest_epochs(con, self._keys.outer, conv, user, limit)
        )

    async def add_readers(self, conv: str, late: Sequence[LateWrap]) -> tuple[Told, ...]:
        """Add readers to epochs and tell them; `StaleError` if a chain of records moved."""
        month = await self._keys.ready_month(self._database)
        told: tuple[Told, ...] = await self._writer.write(AddReaders(conv, tuple(late), month))
        return told

    async def end_epoch(self, conv: str, tell: Sequence[str]) -> tuple[Told, ...]:
        """Clear the current epoch and tell these users that a wrap is owed."""
        told: tuple[Told, ...] = await self._writer.write(EndEpoch(conv, tuple(tell)))
        return told

    async def set_receipt(
        self, conv: str, receipt: Receipt, tell: Sequence[str]
    ) -> tuple[Told, ...] | None:
        """Move a receipt forward and tell *tell*; None if it already stood there or further."""
        work = SetReceipt(conv, receipt, tuple(tell), self._counted)
        told: tuple[Told, ...] | None = await self._writer.write(work)
        return told

    async def sweep(self) -> None:
        """Tell people what a failed transaction or a crash left in the outbox."""
        if self._outbox is not None:
            await self._outbox.sweep()

    async def _read(self, function: _Function[T]) -> T:
        return await self._keys.with_newest(
            self._database, lambda: self._database.read(function, Side.CONVERSATIONS)
        )

    async def _moment(self, function: _Function[T]) -> T:
        return await self._keys.with_newest(
            self._database, lambda: self._database.moment(function, Side.CONVERSATIONS)
        )
