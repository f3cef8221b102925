"""A case at one node belongs to nobody at the other, also where both are asked in one moment."""

import asyncio

import pytest
from tests.bus.two_nodes import Two

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.errors import BreakError, HeldError, NotHeldError
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import Case, CaseKind, CaseState, StaffEntry
from halfdoor.readers.review.store import DeskChange

STAFF = [
    StaffMember(id=f"s{n}", name=f"Heron {n}", roles=frozenset({"reviewer"}), place="FI")
    for n in range(6)
]


async def reported(two: Two, name: str, minutes: int = 60) -> Case:
    """Put a case on the desk that both nodes share."""
    now = two.a.house.clock.now_ms()
    public, private = new_case_key()
    case = Case(
        id=name,
        kind=CaseKind.REPORT,
        subject="@mallory:x",
        reason="harassment.targeted",
        queue="harassment",
        rank=2,
        state=CaseState.OPEN,
        opened=now,
        due=now + minutes * 60_000,
        key_public=public,
        key_sealed=private,
    )
    (kept,) = await two.a.house.store.desk.commit(
        DeskChange(cases=(case,), events=(happened(case, now, "reported", "@kid:x"),))
    )
    return kept


async def test_of_all_who_claim_at_both_nodes_at_once_one_gets_the_case(two: Two) -> None:
    case = await reported(two, "case_one")
    nodes = [one.house.desk.cases for one in (two.a, two.b)]
    answers = await asyncio.gather(
        *(nodes[n % 2].claim(who, case.id) for n, who in enumerate(STAFF)), return_exceptions=True
    )
    got = [one for one in answers if isinstance(one, Case)]
    assert [type(one) for one in answers if not isinstance(one, Case)] == [HeldError] * 5
    (mine,) = got
    events = await two.b.house.store.desk.events(case.id)
    assert [(one.kind, one.actor) for one in events[1:]] == [("claimed", mine.holder)]
    other = next(one for one in STAFF if one.id != mine.holder)
    with pytest.raises(NotHeldError):
        await two.b.house.desk.cases.heartbeat(other, case.id)


async def test_each_who_asks_for_the_next_case_gets_another_one(two: Two) -> None:
    for n in range(6):
        await reported(two, f"case_{n}", minutes=30 + n)
    nodes = [one.house.desk.cases for one in (two.a, two.b)]
    got = await asyncio.gather(*(nodes[n % 2].next(who) for n, who in enumerate(STAFF)))
    assert len({one.id for one in got if one is not None}) == 6


async def test_both_nodes_sweep_and_each_late_case_raises_one_alarm(two: Two) -> None:
    for n in range(4):
        await reported(two, f"case_{n}", minutes=0)
    now = two.a.house.clock.now_ms()
    swept = await asyncio.gather(
        *(node.house.desk.cases.sweep(now) for node in (two.a, two.b, two.a))
    )
    assert sum(one.alarms for one in swept) == 4
    for n in range(4):
        events = await two.a.house.store.desk.events(f"case_{n}")
        assert [one.kind for one in events] == ["reported", "alarm"]


async def test_what_was_shown_at_one_node_counts_at_the_other(two: Two) -> None:
    case = await reported(two, "case_one")
    now = two.a.house.clock.now_ms()
    most = two.a.house.desk.review.wellness.reveals_a_day
    line = StaffEntry(at=now, staff="s0", what="reveal", case=case.id)
    assert (await two.b.house.desk.cases.meter(STAFF[0])).reveals == 0
    await two.a.house.store.desk.commit(DeskChange(log=(line,) * most))
    with pytest.raises(BreakError):
        await two.b.house.desk.cases.next(STAFF[0])
    assert await two.b.house.desk.cases.next(STAFF[1]) is not None
