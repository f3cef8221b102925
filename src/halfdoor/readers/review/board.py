"""The desk in numbers: what comes in, what waits, how long it takes. Pure.

Nothing here is about one member of staff, and nothing about the people in the cases.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from halfdoor.clock import day_of
from halfdoor.readers.review.leases import UNDECIDED
from halfdoor.readers.review.records import CaseState, ModerationEvent
from halfdoor.readers.review.store import Counts

RANKS: Final = range(4)


class Inflow(msgspec.Struct, frozen=True):
    """How many cases came and were decided on one day, counted from 1970-01-01 UTC."""

    day: int
    opened: int
    reports: int
    decided: int


class Backlog(msgspec.Struct, frozen=True):
    """How many cases of a queue wait for somebody, are worked on, and the earliest due of them."""

    queue: str
    waiting: int
    worked_on: int
    due: int | None


class Times(msgspec.Struct, frozen=True):
    """How long cases of one severity took (ms); None where there was none."""

    rank: int
    cases: int
    claim_median: int | None
    claim_p90: int | None
    decide_median: int | None
    decide_p90: int | None


class Board(msgspec.Struct, frozen=True):
    """All of it."""

    inflow: tuple[Inflow, ...]
    backlog: tuple[Backlog, ...]
    times: tuple[Times, ...]


def board(
    events: Sequence[ModerationEvent],
    counts: Iterable[Counts],
    ranks: Mapping[str, int],
    first_day: int,
    last_day: int,
) -> Board:
    """Return the board from the first day to the last, both counted in.

    *events* are those of all cases since then, oldest first; *ranks* the severity of each case in
    them. Who may not know of some cases is given none of their events and counts.
    """
    return Board(
        inflow=_inflow(events, first_day, last_day),
        backlog=backlog(counts),
        times=times(events, ranks),
    )


def backlog(counts: Iterable[Counts]) -> tuple[Backlog, ...]:
    """Return what stands in each queue, the most urgent first."""
    queues: defaultdict[str, list[Counts]] = defaultdict(list)
    for one in counts:
        if one.state in UNDECIDED:
            queues[one.queue].append(one)
    stands = [
        Backlog(
            queue=name,
            waiting=sum(one.cases for one in found if one.state is not CaseState.CLAIMED),
            worked_on=sum(one.cases for one in found if one.state is CaseState.CLAIMED),
            due=min((one.due for one in found if one.cases), default=None),
        )
        for name, found in queues.items()
    ]
    return tuple(sorted(stands, key=lambda one: (one.due is None, one.due or 0, one.queue)))


def times(events: Sequence[ModerationEvent], ranks: Mapping[str, int]) -> tuple[Times, ...]:
    """Return for each severity how long cases took, to their first claim and on to the decision.

    It is the last decision that stood. A case whose first report is not among the *events* is not
    counted: its waiting began before.
    """
    claims: defaultdict[int, list[int]] = defaultdict(list)
    decisions: defaultdict[int, list[int]] = defaultdict(list)
    cases: Counter[int] = Counter()
    for case, happened in _by_case(events).items():
        if case not in ranks or happened[0].kind not in {"reported", "appealed"}:
            continue
        rank = ranks[case]
        cases[rank] += 1
        claimed = next((one.at for one in happened if one.kind == "claimed"), None)
        if claimed is None:
            continue
        claims[rank].append(max(0, claimed - happened[0].at))
        decided = _decided(happened)
        if decided is not None:
            decisions[rank].append(max(0, decided - claimed))
    return tuple(
        Times(
            rank=rank,
            cases=cases[rank],
            claim_median=_median(claims[rank]),
            claim_p90=_p90(claims[rank]),
            decide_median=_median(decisions[rank]),
            decide_p90=_p90(decisions[rank]),
        )
        for rank in RANKS
    )


def _decided(events: Iterable[ModerationEvent]) -> int | None:
    """Return when a case was decided, None where it was not, or that was taken back."""
    at: int | None = None
    for one in events:
        if one.kind == "decided":
            at = one.at
        elif one.kind == "undone":
            at = None
    return at


def _inflow(events: Sequence[ModerationEvent], first_day: int, last_day: int) -> tuple[Inflow, ...]:
    """Return what came and went on each day, also on days on which nothing did."""
    opened: Counter[int] = Counter()
    reports: Counter[int] = Counter()
    decided: Counter[int] = Counter()
    for happened in _by_case(events).values():
        first = next((one for one in happened if one.n == 1), None)
        if first is not None:
            opened[day_of(first.at)] += 1
        for one in happened:
            if one.kind in {"reported", "appealed"}:
                reports[day_of(one.at)] += 1
        last = _decided(happened)
        if last is not None:
            decided[day_of(last)] += 1
    return tuple(
        Inflow(day, opened[day], reports[day], decided[day])
        for day in range(first_day, last_day + 1)
    )


def _by_case(events: Sequence[ModerationEvent]) -> dict[str, list[ModerationEvent]]:
    """Return the events of each case in their order."""
    cases: defaultdict[str, list[ModerationEvent]] = defaultdict(list)
    for one in events:
        cases[one.case].append(one)
    return {case: sorted(found, key=lambda one: one.n) for case, found in cases.items()}


def _median(values: Sequence[int]) -> int | None:
    """Return the median in whole ms, None of nothing."""
    return round(median(values)) if values else None


def _p90(values: Sequence[int]) -> int | None:
    """Return the least value that nine of ten do not exceed, None of nothing."""
    return sorted(values)[-(-len(values) * 9 // 10) - 1] if values else None
