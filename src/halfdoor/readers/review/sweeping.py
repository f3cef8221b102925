"""What the desk does by itself: alarms for cases that are late, and leases that end."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, final

import msgspec

from halfdoor.policy.review import Review
from halfdoor.readers.review import moves
from halfdoor.readers.review.case_changes import CaseChanges, Judge
from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.leases import UNDECIDED, has_lapsed
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent
from halfdoor.readers.review.store import DeskChange, DeskStore, QueuePage

_AT_ONCE: Final = 500
_HELD: Final = (CaseState.CLAIMED, CaseState.SECOND)


class Swept(msgspec.Struct, frozen=True):
    """What a sweep did, in numbers alone."""

    alarms: int = 0
    let_go: int = 0


class _Alarm(msgspec.Struct, frozen=True):
    """What the event of an alarm tells."""

    late: str


def count_alarms(counter: Counter[str], events: Iterable[ModerationEvent]) -> None:
    """Count the alarms among *events* by what came too late."""
    for one in events:
        if one.kind == "alarm":
            counter[msgspec.json.decode(one.detail, type=_Alarm).late] += 1


@final
class Sweeper:
    """Goes over the cases every few seconds; several servers may do so at once."""

    def __init__(self, store: DeskStore, review: Review, alarms: Counter[str]) -> None:
        self._store = store
        self._review = review
        self._alarms = alarms
        self._changes = CaseChanges(store)

    async def sweep(self, now: int) -> Swept:
        """Let go of lapsed leases, then raise the alarm, once, over each case that is late."""
        let_go = 0
        for name in await self._lapsed(now):
            let_go += await self._let_go(name, now)
        alarms = 0
        while True:
            late = await self._store.overdue(now, _AT_ONCE)
            raised = sum([await self._raise(case.id, now) for case in late])
            alarms += raised
            # What others change all the time is left to the next sweep.
            if len(late) < _AT_ONCE or not raised:
                return Swept(alarms, let_go)

    async def _lapsed(self, now: int) -> list[str]:
        """Return the cases whose holders gave no sign; only those somebody holds are looked at."""
        stood = {one.queue for one in await self._store.counts() if one.state in UNDECIDED}
        found: list[str] = []
        after: str | None = None
        while stood:
            page = QueuePage(queues=tuple(sorted(stood)), states=_HELD, after=after, limit=_AT_ONCE)
            cases = await self._store.queue(page)
            found += [case.id for case in cases if has_lapsed(case, now)]
            if len(cases) < _AT_ONCE:
                break
            after = cases[-1].id
        return found

    async def _let_go(self, id: str, now: int) -> bool:
        """Let go of one case, unless its holder gave a sign meanwhile."""
        holders: list[str] = []

        async def judge(case: Case) -> DeskChange | None:
            if case.state not in _HELD or case.holder is None or not has_lapsed(case, now):
                holders.clear()
                return None
            holders[:] = [case.holder]
            events = await self._store.events(id)
            return moves.release(self._review, case, events, case.holder, now, lapsed=True)

        return await self._changed(id, judge) and bool(holders)

    async def _raise(self, id: str, now: int) -> bool:
        """Raise the alarm over one case, unless another server did."""
        raised: list[ModerationEvent] = []

        async def judge(case: Case) -> DeskChange | None:
            change = moves.alarm(case, await self._store.events(id), now)
            raised[:] = () if change is None else change.events
            return change

        done = await self._changed(id, judge)
        count_alarms(self._alarms, raised if done else ())
        return done and bool(raised)

    async def _changed(self, id: str, judge: Judge) -> bool:
        """Tell whether the case could be changed; one that never stands still waits a moment."""
        try:
            await self._changes.change(id, judge)
        except StaleCaseError:
            return False
        return True
