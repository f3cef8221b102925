"""Retention, holds and the end of months, over the rows of either store (SEALING §2 and §5).

Every step is one short write, durable before the next, and finds by itself what a crash left: so
the same call again is the recovery. In the order in which a conversation's day ends:

1. Its chain is recomputed up to where it shall begin. What was changed before does not end.
2. It begins later, under a mac. From here on nobody reads what lies before.
3. Events, what hangs on them, epochs, wraps, shares and readers are deleted, a few rows at a time.
"""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol, final

import msgspec

from halfdoor.messaging.ledger import SealedState, StoredEvent
from halfdoor.messaging.retention_store import Cleared, Ended, Passed, Place
from halfdoor.sealing.envelope import is_clear
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.chain_walk import BrokenError, Walk
from halfdoor.store.errors import StoreError
from halfdoor.store.freezes import OPEN_END, Freeze, moves
from halfdoor.store.generations import MONTHS, REDACTIONS, generation_of
from halfdoor.store.resealing import (
    BY_CONVERSATION,
    BY_EPOCH,
    BY_EVENT,
    SLICE,
    Change,
    reseal,
)
from halfdoor.store.retention_rows import Look, RetentionRows
from halfdoor.store.retired import End, Retired, end_of, ended
from halfdoor.store.sqlite.events import open_row, seal_row, stored

# One write ends so many epochs, and one deletes so many.
_EPOCHS: Final = 16
_NO_END: Final = 2**62
_ROUNDS: Final = 20
_state: Final = msgspec.msgpack.Decoder(SealedState).decode


class HoldError(StoreError):
    """A hold of this name stands on the conversation, over other epochs."""


class KeptFiles(Protocol):
    """What is kept of files beside conversations."""

    async def leave_months(self, last: int) -> int:
        """Seal what is kept under months up to *last* anew; return how many rows."""


@final
class Retention:
    """Ends what is old, keeps what is held, destroys the keys of both when their time is over."""

    def __init__(self, rows: RetentionRows, keys: OuterKeys, files: KeptFiles) -> None:
        """Work on *rows*, whose outer layer *keys* lift; *files* outlive months as well."""
        self._rows = rows
        self._files = files
        self._keys = keys
        # Holds come and go one at a time, so that no key ends while a hold is about to use it.
        self._holds = asyncio.Lock()

    # -- what a sweep asks ---------------------------------------------------------------------

    async def marks(self) -> dict[str, int]:
        """Return how far sweeps have come."""
        return await self._rows.marks()

    async def set_marks(self, values: Mapping[str, int]) -> None:
        """Note how far a sweep has come."""
        await self._rows.set_marks(values)

    async def conversations(self, after: tuple[int, int], limit: int) -> Sequence[Passed]:
        """Return conversations in the order of bucket and number, after the place *after*."""
        return await self._rows.conversations(after, limit)

    async def newest_state(self, place: Place, event_type: str) -> StoredEvent | None:
        """Return the state event of *event_type* in force, None where there is none."""
        for number, (seq, packed, sealed) in enumerate(await self._rows.state(place), start=1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            row = open_row(self._keys, place.conv, seq, packed, sealed)
            if row.type == event_type and row.state_key == "":
                return stored(seq, packed, row)
        return None

    # -- what ends -----------------------------------------------------------------------------

    async def retire(self, place: Place, before: int) -> Ended:
        """End the epochs of *place* whose day lies before *before*.

        Stops at a held epoch, and at one in which an event was changed.
        """
        total, most = 0, _EPOCHS
        while True:
            look = await self._rows.look(place, most)
            end = end_of(look.old, before, most, (look.last_seq, look.chain))
            if end is None:
                return Ended(total, altered=False)
            retired = await self._ended(place, look, end)
            if retired is None and most > 1:
                # One by one, up to the epoch that is not as it was.
                most = 1
                continue
            if retired is None:
                return Ended(total, altered=True)
            if not await self._rows.retire(place, look, retired, closes=end.closes):
                return Ended(total, altered=False)
            total += retired.deleted - look.retired.deleted

    async def _ended(self, place: Place, look: Look, end: End) -> Retired | None:
        """Return what will have ended, None where what ends is not as it was written."""
        walk = Walk(self._keys, place.conv, look.retired, look.epochs)
        state = []
        try:
            while walk.seq + 1 < end.seq:
                rows = await self._rows.events(place, walk.seq + 1, end.seq, SLICE)
                if not rows:
                    raise BrokenError("events are missing at the end")
                for seq, packed, sealed, is_state in rows:
                    walk.take(seq, packed, sealed)
                    if is_state:
                        state.append((seq, packed, sealed))
            if walk.chain != end.chain:
                raise BrokenError("the events do not make the chain that is stored")
        except BrokenError:
            return None
        return ended(self._keys, place.conv, look.retired, end, state)

    async def clear(self, place: Place) -> Cleared:
        """Delete what lies before the beginning of a conversation, state excepted.

        Words in state that was sealed go too, unless they are what members still read: the name
        in force, say, which nobody has carried over to a newer epoch yet.
        """
        events, damaged = 0, False
        while rows := await self._rows.dead_events(place, SLICE):
            gone: list[tuple[int, str | None]] = []
            for seq, packed, sealed in rows:
                try:
                    row = open_row(self._keys, place.conv, seq, packed, sealed)
                except Denied:
                    gone.append((seq, None))
                    damaged = True
                else:
                    gone.append((seq, row.target))
            await self._rows.delete_events(place, gone)
            events += len(gone)
        needed, emptied = await self._empty_state(place)
        await self._rows.delete_loose(place, relations=damaged)
        dead = [number for number in await self._rows.dead_epochs(place) if number not in needed]
        for start in range(0, len(dead), _EPOCHS):
            await self._rows.delete_epochs(place, dead[start : start + _EPOCHS])
        return Cleared(events + emptied, len(dead))

    async def _empty_state(self, place: Place) -> tuple[set[int], int]:
        """Empty sealed state that nobody needs; return the epochs still needed, and how many."""
        old, current = await self._rows.old_state(place)
        kept = await self._rows.look(place, 0)
        newest = (await self._rows.epoch_span(place))[1]
        first = min(kept.retired.epoch, newest)
        needed: set[int] = set()
        sources: set[str] = set()
        for kind, key, sealed in current:
            pk = (place.conv, kind, key)
            value = _state(self._keys.open("sealed_state", place.conv, pk, sealed))
            # The row was sealed anew by whoever began its epoch. Else only the event itself is
            # read, with the key of its own epoch.
            if value.epoch < first:
                needed.add(value.epoch)
                sources.add(value.fields.event_id)
        changes = []
        for number, (seq, packed, sealed) in enumerate(old, start=1):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            row = open_row(self._keys, place.conv, seq, packed, sealed)
            if row.body is None or is_clear(row.body):
                continue
            if stored(seq, packed, row).fields.event_id in sources:
                needed.add(row.epoch)
                continue
            bare = msgspec.structs.replace(row, body=None, body_hash=sha256(row.body).digest())
            after = seal_row(self._keys, generation_of(sealed), place.conv, seq, packed, bare)
            changes.append(Change((seq,), sealed, after))
        emptied = 0
        for start in range(0, len(changes), SLICE):
            emptied += await self._rows.replace("event", place, changes[start : start + SLICE])
        return needed, emptied

    async def untold(self, place: Place) -> tuple[int, Sequence[str]] | None:
        """Return where the conversation begins and its people, if they were not told of it yet."""
        return await self._rows.untold(place)

    async def set_told(self, place: Place, seq: int) -> None:
        """Note that people were told that the conversation begins at *seq*."""
        await self._rows.set_told(place, seq)

    # -- months --------------------------------------------------------------------------------

    async def oldest_month(self) -> int | None:
        """Return the oldest month whose key is there, in months since 1970; None without one."""
        return min((one for one in self._keys.generations if one in MONTHS), default=None)

    async def leave_months(self, place: Place, last: int) -> int:
        """Seal what is in use under a month up to *last* under the current one; return how much."""
        if last < MONTHS[0]:
            return 0
        month = await self._rows.ready_month()
        months = range(MONTHS[0], last + 1)
        moved = 0
        for table in (*BY_EVENT, *BY_EPOCH, *BY_CONVERSATION):
            if table != "hold":
                span = (0, _NO_END)
                moved += await reseal(self._rows, self._keys, place, table, span, months, month)
        return moved

    async def end_months(self, last: int) -> Sequence[int]:
        """Destroy the keys of all months up to *last*, for good; return which there were.

        Only after `leave_months` went over every conversation: what is left opens never again.
        """
        # Files lie with whoever uploaded them, in no conversation.
        await self._files.leave_months(last)
        return await self._rows.end_months(last)

    async def wipe(self) -> None:
        """See to it that no older copy of what was deleted lies in a log of the store's own."""
        await self._rows.wipe()

    # -- holds ---------------------------------------------------------------------------------

    async def freeze(
        self,
        conv: str,
        hold: str,
        *,
        epochs: tuple[int, int] | None = None,
        until: int | None = None,
    ) -> int:
        """Put the hold *hold* on *conv*: no retention, redaction or end of a month reaches it.

        *hold* names the reason (a case or an order); several may stand at once, and each is ended
        by itself. *epochs* are the first and the last in scope, all with what is still to come
        where it is None. *until* (ms) ends it by itself. Rows in scope are sealed, unread, under
        a key of holds; nobody learns anything by it, and its participants read on as before.
        What lies behind a held epoch stays too until the hold ends: a history has no holes.

        The same call again finishes what a crash left, and sets another *until*. Returns how many
        rows were sealed anew. `UnknownConversationError`; `HoldError` for the same name over
        other epochs.
        """
        place = await self._rows.place(conv)
        first, last = epochs or (1, OPEN_END)
        if not 1 <= first <= last or (until is not None and until <= 0):
            raise HoldError("a hold covers epochs from 1 on, in order, until some time")
        async with self._holds:
            standing = {one.hold: one for one in await self._rows.freezes(place)}
            before = standing.get(hold)
            if before is not None and (before.first, before.last) != (first, last):
                raise HoldError("a hold of this name stands over other epochs: end it first")
            for _ in range(_ROUNDS):
                number = await self._rows.ready_freeze() if before is None else before.generation
                freeze = Freeze(hold, first, last, until, number)
                # The hold stands before any row moves: from here on nothing in scope is deleted.
                if await self._rows.put_freeze(place, freeze):
                    return await self._take(place, freeze)
            raise HoldError("the keys of holds change too fast; try again")

    async def thaw(self, conv: str, hold: str) -> bool:
        """End the hold *hold* on *conv*; False if there is none.

        Its rows go to another hold that covers them, else under the key of the month, where
        retention finds them again. The key of holds is destroyed with the last hold it serves.
        """
        place = await self._rows.place(conv)
        async with self._holds:
            holds = {one.hold: one for one in await self._rows.freezes(place)}
            ending = holds.pop(hold, None)
            if ending is None:
                return False
            # It keeps everything until its rows have moved, but takes no more of them.
            ending = msgspec.structs.replace(ending, until=0)
            if not await self._rows.put_freeze(place, ending):
                # Another process ended it meanwhile, and its key with it.
                return False
            others = [one for one in holds.values() if not one.ending]
            await self._give_back(place, ending, others)
            await self._rows.drop_freeze(place, hold)
            ended = await self._rows.end_freeze_keys()
        if ended:
            await self._rows.wipe()
        return True

    async def freezes(self, conv: str) -> Sequence[Freeze]:
        """Return the holds that stand on *conv*."""
        return await self._rows.freezes(await self._rows.place(conv))

    async def tend_holds(self, place: Place, now_ms: int) -> int:
        """End holds whose time has come, and take what came into scope since; return how much."""
        moved = 0
        for freeze in await self._rows.freezes(place):
            if freeze.until is not None and freeze.until <= now_ms:
                await self.thaw(place.conv, freeze.hold)
            else:
                async with self._holds:
                    moved += await self._take(place, freeze)
        return moved

    async def _take(self, place: Place, freeze: Freeze) -> int:
        """Seal the rows in scope that lie under no key of holds yet under the key of this one."""
        span = (freeze.first, freeze.last)
        moved = 0
        for table in (*BY_EVENT, *BY_EPOCH):
            within = span if table in BY_EPOCH else await self._rows.seq_span(place, span)
            from_where = REDACTIONS if table == "hold" else MONTHS
            moved += await reseal(
                self._rows,
                self._keys,
                place,
                table,
                within,
                from_where,
                freeze.generation,
                freeze.hold,
            )
        return moved

    async def _give_back(self, place: Place, ending: Freeze, others: Sequence[Freeze]) -> None:
        """Seal the rows of a hold that ends under the keys they have next."""
        month, redacted = await self._rows.ready_month(), await self._rows.ready_hold()
        own = range(ending.generation, ending.generation + 1)
        for span, number in moves(ending, others):
            for table in (*BY_EVENT, *BY_EPOCH):
                within = span if table in BY_EPOCH else await self._rows.seq_span(place, span)
                target = number or (redacted if table == "hold" else month)
                await reseal(self._rows, self._keys, place, table, within, own, target)
