"""The board counts cases and minutes, and says nothing of people."""

import asyncio
from statistics import median

from hypothesis import given
from hypothesis import strategies as st
from tests.readers.review.desk_scene import ANNA, BERT, DAY, MINUTE, T0, Scene

from halfdoor.readers.review.board import Times, backlog, board, times
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import CaseState, ModerationEvent
from halfdoor.readers.review.store import Counts, DeskChange

TODAY = T0 // DAY


def event(case: str, n: int, at: int, kind: str) -> ModerationEvent:
    return ModerationEvent(case=case, n=n, at=at, kind=kind, actor="")


def test_of_nothing_there_are_no_times_and_no_backlog() -> None:
    empty = board([], [], {}, TODAY - 1, TODAY)
    assert [(one.day, one.opened, one.decided) for one in empty.inflow] == [
        (TODAY - 1, 0, 0),
        (TODAY, 0, 0),
    ]
    assert empty.backlog == ()
    assert empty.times[0] == Times(0, 0, None, None, None, None)


async def test_a_worked_day_is_counted() -> None:
    scene = Scene()
    for minutes in (2, 4, 9):
        case = await scene.case("threat.life")
        scene.clock.pass_minutes(minutes)
        await scene.cases.claim(ANNA, case.id)
        scene.clock.pass_minutes(1)
        kept = await scene.kept(case.id)
        await scene.desk.commit(
            DeskChange(cases=(kept,), events=(happened(kept, scene.clock.now, "decided", "anna"),))
        )
    waits = await scene.case("spam.unwanted")
    events = await scene.desk.events_since(0, 1000)
    ranks = {one.case: (await scene.kept(one.case)).rank for one in events}
    numbers = board(events, await scene.desk.counts(), ranks, TODAY, TODAY)
    (day,) = numbers.inflow
    assert (day.opened, day.reports, day.decided) == (4, 4, 3)
    worst, mild = numbers.times[0], numbers.times[waits.rank]
    assert (worst.cases, worst.claim_median, worst.claim_p90) == (3, 4 * MINUTE, 9 * MINUTE)
    assert (worst.decide_median, mild.cases, mild.claim_median) == (MINUTE, 1, None)


def test_a_decision_that_was_taken_back_is_none() -> None:
    events = [
        event("c", 1, T0, "reported"),
        event("c", 2, T0 + 1, "claimed"),
        event("c", 3, T0 + 2, "decided"),
        event("c", 4, T0 + 3, "undone"),
    ]
    assert times(events, {"c": 1})[1].decide_median is None
    again = [*events, event("c", 5, T0 + 9, "decided")]
    assert times(again, {"c": 1})[1].decide_median == 8


def test_a_case_that_began_before_the_board_is_not_timed() -> None:
    events = [event("c", 7, T0, "claimed"), event("c", 8, T0 + 5, "decided")]
    assert times(events, {"c": 1})[1].cases == 0
    (day,) = board(events, [], {"c": 1}, TODAY, TODAY).inflow
    assert (day.opened, day.decided) == (0, 1)


def test_a_case_nobody_may_know_of_is_in_no_number() -> None:
    assert times([event("c", 1, T0, "reported")], {})[0].cases == 0


def test_what_waits_is_told_queue_by_queue_the_most_urgent_first() -> None:
    counts = [
        Counts("spam", CaseState.OPEN, 5, 900),
        Counts("spam", CaseState.DECIDED, 70, 1),
        Counts("threats", CaseState.CLAIMED, 2, 500),
        Counts("threats", CaseState.ESCALATED, 1, 400),
        Counts("done", CaseState.CLOSED, 1, 1),
    ]
    assert [(one.queue, one.waiting, one.worked_on, one.due) for one in backlog(counts)] == [
        ("threats", 1, 2, 400),
        ("spam", 5, 0, 900),
    ]


waits = st.lists(st.integers(0, 10_000), min_size=1, max_size=40)


@given(waits)
def test_half_wait_no_longer_than_the_median_and_nine_of_ten_no_longer_than_p90(
    waited: list[int],
) -> None:
    events = [
        one
        for n, wait in enumerate(waited)
        for one in (
            event(f"c{n}", 1, T0, "reported"),
            event(f"c{n}", 2, T0 + wait, "claimed"),
        )
    ]
    shown = times(events, {f"c{n}": 2 for n in range(len(waited))})[2]
    assert shown.claim_median == round(median(waited))
    assert shown.claim_p90 in waited
    p90 = shown.claim_p90 or 0
    assert sum(one <= p90 for one in waited) >= 0.9 * len(waited)
    assert sum(one < p90 for one in waited) < 0.9 * len(waited)


def test_no_name_of_staff_or_person_is_on_the_board() -> None:
    async def story() -> str:
        scene = Scene()
        case = await scene.case()
        await scene.cases.claim(ANNA, case.id)
        await scene.cases.release(ANNA, case.id)
        await scene.cases.claim(BERT, case.id)
        events = await scene.desk.events_since(0, 100)
        return repr(board(events, await scene.desk.counts(), {case.id: 2}, TODAY, TODAY))

    printed = asyncio.run(story())
    for name in ("anna", "bert", "@", "case_"):
        assert name not in printed
