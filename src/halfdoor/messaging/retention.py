"""The daily sweep: what is older than its conversation may be ends, and then months end.

It goes over all conversations in short steps, each durable, and notes how far it has come; the
same call goes on from there after a stop, and does nothing where the day is done.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from halfdoor.clock import Clock, day_of, month_of
from halfdoor.messaging.lifetimes import RETENTION, Lifetimes
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.retention_store import Ended, InboxStore, Passed, Place, RetentionStore
from halfdoor.messaging.room import clear_content
from halfdoor.messaging.wake import Wakeups
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import RowMacError

_BATCH: Final = 50
_DAY_MS: Final = 86_400_000
# A month ends so many days after the longest retention let go of it: time for what was late.
MARGIN_DAYS: Final = 7
# Between two batches others have the store to themselves.
_PAUSE_SECONDS: Final = 0.005
_LONGEST_RUN_SECONDS: Final = 1200.0
_WITHOUT_END: Final = -1
# Inbox rows are kept for so long, and at most twice as long (SCALE §2).
INBOX_DAYS: Final = 30
_alarm: Final = logging.getLogger("halfdoor.alarm")


class Swept(msgspec.Struct):
    """What a sweep did, in numbers alone: for the log and the metrics."""

    conversations: int = 0
    ended: int = 0
    deleted_events: int = 0
    deleted_epochs: int = 0
    deleted_inbox_rows: int = 0
    resealed: int = 0
    destroyed_months: int = 0
    damaged: int = 0

    def numbers(self) -> dict[str, int]:
        """Return every count by its name."""
        return msgspec.structs.asdict(self)

    def plus(self, other: "Swept") -> "Swept":
        """Return what both did."""
        mine, theirs = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Swept(*(one + more for one, more in zip(mine, theirs, strict=True)))

    def __bool__(self) -> bool:
        """Tell whether anything was deleted, sealed anew or destroyed, or found to be damaged."""
        return any(
            (
                self.ended,
                self.deleted_events,
                self.deleted_inbox_rows,
                self.resealed,
                self.destroyed_months,
                self.damaged,
            )
        )


class RetentionSweep:
    """Goes over all conversations once a day."""

    def __init__(
        self,
        *,
        store: RetentionStore,
        mailbox: MailboxStore,
        inboxes: InboxStore,
        wakeups: Wakeups,
        lifetimes: Lifetimes,
        forget: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """*forget* drops what this process remembers of a conversation."""
        self._store = store
        self._mailbox = mailbox
        self._inboxes = inboxes
        self._wakeups = wakeups
        self._lifetimes = lifetimes
        self._forget = forget
        self._clock = clock
        self.totals = Swept()
        # Who wants to know of a sweep that did something, in numbers.
        self.report: Callable[[Swept], None] | None = None

    async def run(self) -> Swept:
        """Do what is left of today's sweep, for twenty minutes at most; return what was done."""
        swept = Swept()
        today = day_of(self._clock.now_ms())
        ends_at = time.monotonic() + _LONGEST_RUN_SECONDS
        marks = await self._store.marks()
        if marks.get("wipe"):
            # A key was destroyed, and the process died before no copy of it was left.
            await self._wipe()
        if marks.get("pruned_day", -1) < today:
            await self._prune(today, ends_at, swept)
        if marks.get("sweep_done", 1):
            if marks.get("sweep_day", -1) >= today:
                return await self._told(swept)
            marks = await self._begun(today, marks)
            await self._store.set_marks(marks)
        while time.monotonic() < ends_at:
            after = (marks["sweep_cb"], marks["sweep_c"])
            batch = await self._store.conversations(after, _BATCH)
            for passed in batch:
                longest = await self._pass(passed, today, marks["sweep_months"], swept)
                marks["sweep_longest"] = _longer(marks["sweep_longest"], longest)
            if len(batch) < _BATCH:
                await self._end(marks, swept)
                break
            last = batch[-1].place
            marks |= {"sweep_cb": last.cb, "sweep_c": last.c}
            await self._store.set_marks(marks)
            await asyncio.sleep(_PAUSE_SECONDS)
        return await self._told(swept)

    async def _told(self, swept: Swept) -> Swept:
        """Report what was done, if anything was, once no older copy of it is left."""
        if swept:
            await self._wipe()
            self.totals = self.totals.plus(swept)
            if self.report is not None:
                self.report(swept)
        return swept

    async def _wipe(self) -> None:
        await self._store.wipe()
        await self._store.set_marks({"wipe": 0})

    async def _prune(self, today: int, ends_at: float, swept: Swept) -> None:
        """Drop what is old of every inbox; what is left undone is found by the next run."""
        after: tuple[int, int] | None = (-1, 0)
        while after is not None and time.monotonic() < ends_at:
            pruned = await self._inboxes.prune(after, today, INBOX_DAYS)
            swept.deleted_inbox_rows += pruned.rows
            after = pruned.next
            await asyncio.sleep(_PAUSE_SECONDS)
        if after is None:
            await self._store.set_marks({"pruned_day": today})

    async def _begun(self, today: int, before: Mapping[str, int]) -> dict[str, int]:
        """Return the marks of a sweep that begins; *before* are those of the last one.

        Months end by the longest retention that the last whole sweep met.
        """
        default = _as_mark(self._lifetimes.default)
        longest = _longer(before.get("sweep_kept", _WITHOUT_END), default)
        ended = 0
        if longest != _WITHOUT_END:
            ended = month_of((today - longest - MARGIN_DAYS) * _DAY_MS) - 1
            oldest = await self._store.oldest_month()
            if oldest is None or ended < oldest:
                # No month is due: nobody has to look what is still sealed under one.
                ended = 0
        return {
            "sweep_day": today,
            "sweep_done": 0,
            "sweep_cb": -1,
            "sweep_c": 0,
            "sweep_longest": default,
            "sweep_months": ended,
        }

    async def _pass(self, passed: Passed, today: int, months: int, swept: Swept) -> int:
        """Do what one conversation is due; return how long it keeps what is said, as a mark."""
        days = self._lifetimes.default
        swept.conversations += 1
        try:
            days = await self._due(passed, today, swept)
        except (Denied, RowMacError):
            # It must not keep the others waiting.
            self._alarm(swept)
        swept.resealed += await self._store.leave_months(passed.place, months)
        return _as_mark(days)

    async def _due(self, passed: Passed, today: int, swept: Swept) -> int | None:
        """End what is too old of one conversation; return for how many days it keeps the rest."""
        place, ended = passed.place, Ended(0, altered=False)
        days = self._lifetimes.default
        # Holds first: what falls under one meanwhile must not end a moment before.
        if passed.frozen:
            swept.resealed += await self._store.tend_holds(place, self._clock.now_ms())
        if passed.day is not None and passed.day < today - self._lifetimes.shortest:
            own = await self._store.newest_state(place, RETENTION)
            days = self._lifetimes.days(clear_content(own) if own is not None else None)
            if days is not None:
                ended = await self._store.retire(place, today - days)
        if ended.events:
            self._forget(place.conv)
            swept.ended += ended.events
        if ended.events or passed.retired:
            cleared = await self._store.clear(place)
            swept.deleted_events += cleared.events
            swept.deleted_epochs += cleared.epochs
            if cleared.events:
                self._forget(place.conv)
            await self._tell(place)
        if ended.altered:
            self._alarm(swept)
        return days

    def _alarm(self, swept: Swept) -> None:
        """Say that a conversation was changed: what is left of it stays, for whoever looks."""
        swept.damaged += 1
        _alarm.critical("a conversation is not as it was written: no more of it is deleted")

    async def _tell(self, place: Place) -> None:
        """Count no event as unread that is no more."""
        found = await self._store.untold(place)
        if found is None:
            return
        begins, people = found
        for user in people:
            listed = await self._mailbox.place(user, place.conv)
            if listed is None or not (listed.notify or listed.highlight):
                continue
            if listed.read_seq < begins - 1:
                told = await self._mailbox.set_read(user, place.conv, begins - 1)
                self._wakeups.recount(user, place.conv)
                self._wakeups.ring([told])
        await self._store.set_told(place, begins)

    async def _end(self, marks: dict[str, int], swept: Swept) -> None:
        """End the months that nothing is sealed under any more, then the day's sweep."""
        if marks["sweep_months"] > 0:
            await self._store.set_marks({"wipe": 1})
            gone = await self._store.end_months(marks["sweep_months"])
            swept.destroyed_months = len(gone)
        marks |= {"sweep_done": 1, "sweep_kept": marks["sweep_longest"]}
        await self._store.set_marks(marks)


def _as_mark(days: int | None) -> int:
    return _WITHOUT_END if days is None else days


def _longer(one: int, other: int) -> int:
    """Return the longer of two times as marks spell them."""
    return _WITHOUT_END if _WITHOUT_END in (one, other) else max(one, other)
