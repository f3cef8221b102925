"""A decision is made by whoever holds the case and may make it, and can be taken back in time."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.readers.review.deciding import (
    ADAM,
    ANNA,
    BERT,
    DAY,
    END,
    HOUR,
    LEA,
    LIMIT,
    NOTHING,
    NOW,
    REMOVE,
    REPORTER,
    SUBJECT,
    SUSPEND,
    URGENT,
    WARN,
    Bench,
)

from halfdoor.readers.review.errors import (
    ChoiceRefusedError,
    ConflictOfInterestError,
    HeldError,
    NotHeldError,
    ReviewError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.records import CaseKind, CaseState
from halfdoor.readers.review.replay import measures_of, replay
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.strikes import standing_strikes
from halfdoor.safety.measures import NONE, Kind, fold


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_who_does_not_hold_the_case_decides_nothing(bench: Bench) -> None:
    await bench.case()
    before = bench.desk.everything()
    with pytest.raises(NotHeldError):
        await bench.decisions.decide(BERT, "case_a", WARN)
    with pytest.raises(UnknownCaseError):
        await bench.decisions.decide(ANNA, "case_z", WARN)
    bench.clock.now += 10 * 60_000
    with pytest.raises(NotHeldError):
        await bench.decisions.decide(ANNA, "case_a", WARN)
    assert bench.desk.everything() == before


async def test_of_two_who_decide_at_once_one_is_refused(bench: Bench) -> None:
    await bench.case()
    answers = await asyncio.gather(
        bench.decisions.decide(ANNA, "case_a", WARN),
        bench.decisions.decide(ANNA, "case_a", LIMIT),
        bench.decisions.decide(BERT, "case_a", SUSPEND),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, Exception) for one in answers) == [False, True, True]
    assert (await bench.kinds()).count("decided") == 1
    with pytest.raises(StaleCaseError):
        await bench.decisions.decide(ANNA, "case_a", WARN)


async def test_an_admin_and_the_subject_themselves_decide_nothing(bench: Bench) -> None:
    await bench.case(holder=ADAM)
    with pytest.raises(RoleError):
        await bench.decisions.decide(ADAM, "case_a", WARN)
    for own in (SUBJECT, REPORTER):
        close = replace(ANNA, people=(own,))
        await bench.hold("case_a", close)
        with pytest.raises(ConflictOfInterestError):
            await bench.decisions.decide(close, "case_a", WARN)
        with pytest.raises(ConflictOfInterestError):
            await bench.decisions.options(close, "case_a")


async def test_a_report_that_came_since_is_looked_at_first(bench: Bench) -> None:
    case = await bench.case()
    await bench.decisions.preview(ANNA, "case_a", WARN)
    with pytest.raises(StaleCaseError):
        await bench.decisions.decide(ANNA, "case_a", replace(WARN, reports=case.reports - 1))
    await bench.decisions.decide(ANNA, "case_a", replace(WARN, reports=case.reports))


async def test_only_messages_are_removed_that_the_subject_is_proven_to_have_written(
    bench: Bench,
) -> None:
    await bench.case()
    ticked = bench.item("case_a", REPORTER, event="$theirs", context=True)
    await bench.desk.commit(DeskChange(evidence=(ticked,)))
    for event in ("$theirs", "$typed"):
        action = replace(REMOVE.actions[0], scope=event)
        with pytest.raises(ChoiceRefusedError):
            await bench.decisions.decide(ANNA, "case_a", replace(REMOVE, actions=(action,)))
    await bench.decisions.decide(ANNA, "case_a", REMOVE)


async def test_a_complaint_reaches_as_far_as_what_it_contests(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", NOTHING)
    complaint = replace(
        await bench.at(),
        id="case_c",
        kind=CaseKind.COMPLAINT,
        origin="case_a",
        state=CaseState.OPEN,
        decided_by=None,
        decided_at=None,
        revision=0,
    )
    begun = bench.event("case_c", "appealed", REPORTER)
    await bench.desk.commit(DeskChange(cases=(complaint,), events=(begun,)))
    await bench.hold("case_c", BERT)
    await bench.decisions.decide(BERT, "case_c", REMOVE)
    decision = (await bench.decisions.story("case_c")).decision
    assert decision is not None
    assert decision.pair


async def test_an_appeal_is_not_decided_like_a_report(bench: Bench) -> None:
    await bench.case(kind=CaseKind.APPEAL)
    with pytest.raises(ChoiceRefusedError):
        await bench.decisions.decide(ANNA, "case_a", WARN)


async def test_nothing_is_done_before_the_time_to_take_it_back_is_over(bench: Bench) -> None:
    bench.town.pairs.clear()
    await bench.case()
    case = await bench.decisions.decide(ANNA, "case_a", LIMIT)
    assert (case.state, case.decided_by, case.holder) == (CaseState.DECIDED, "anna", None)
    assert bench.tasks("enforce") == [10_000]
    assert bench.tasks("tell") == [10_000]
    decision = (await bench.decisions.story("case_a")).decision
    assert decision is not None
    assert [one.starts - NOW for one in decision.measures] == [10_000]
    assert [one.ends for one in decision.measures] == [decision.starts + 7 * DAY]
    await bench.agrees()


async def test_in_a_conversation_of_two_it_begins_at_a_moment_nobody_can_foresee(
    bench: Bench,
) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    assert bench.asked_below == [12 * HOUR + 1]
    decision = (await bench.decisions.story("case_a")).decision
    assert decision is not None
    assert decision.pair
    assert decision.starts == NOW + 10_000 + HOUR
    # The work is done now, and the measure says itself when it begins.
    assert bench.tasks("enforce") == [10_000]


async def test_where_somebody_is_in_danger_it_holds_at_once(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", URGENT)
    assert bench.tasks("enforce") == [0]
    decision = (await bench.decisions.story("case_a")).decision
    assert decision is not None
    assert decision.starts == NOW
    # And can be taken back all the same.
    bench.clock.now += 9_999
    await bench.decisions.undo(ANNA, "case_a")
    assert bench.tasks("enforce") == [0, 9_999]


async def test_what_was_taken_back_in_time_was_never_decided(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    with pytest.raises(StaleCaseError):
        await bench.decisions.undo(BERT, "case_a")
    bench.clock.now += 9_999
    case = await bench.decisions.undo(ANNA, "case_a")
    assert (case.state, case.holder, case.decided_by) == (CaseState.CLAIMED, "anna", None)
    await bench.agrees()
    story = await bench.decisions.story("case_a")
    assert story.decision is None
    assert fold(measures_of(story), NOW + DAY) == NONE
    # They hold it, and decide anew.
    await bench.decisions.decide(ANNA, "case_a", WARN)
    await bench.agrees()


async def test_after_ten_seconds_nobody_takes_it_back(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    bench.clock.now += 10_000
    before = bench.desk.everything()
    with pytest.raises(StaleCaseError):
        await bench.decisions.undo(ANNA, "case_a")
    assert bench.desk.everything() == before


async def test_there_is_nothing_to_take_back_in_a_case_that_is_open(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(StaleCaseError):
        await bench.decisions.undo(ANNA, "case_a")
    with pytest.raises(StaleCaseError):
        await bench.decisions.reverse(LEA, "case_a", "wrong")


async def test_a_report_that_does_not_hold_ends_without_measures(bench: Bench) -> None:
    await bench.case()
    case = await bench.decisions.decide(ANNA, "case_a", NOTHING)
    assert case.state is CaseState.DECIDED
    assert bench.tasks("enforce") == []
    assert bench.tasks("tell") == [10_000]
    assert await standing_strikes(bench.desk, bench.review, SUBJECT, NOW) == ()


# --- two people -------------------------------------------------------------------------------


async def test_the_end_of_an_account_waits_for_a_second_person(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    case = await bench.at()
    assert (case.state, case.holder) == (CaseState.SECOND, None)
    assert bench.tasks("enforce") == []
    await bench.agrees()
    for same in (ANNA, replace(BERT, id="anna")):
        with pytest.raises(SecondPersonError):
            await bench.decisions.confirm(same, "case_a")
    case = await bench.decisions.confirm(BERT, "case_a")
    assert (case.state, case.decided_by) == (CaseState.DECIDED, "anna")
    assert bench.tasks("enforce") == [10_000]
    await bench.agrees()
    decision = (await bench.decisions.story("case_a")).decision
    assert decision is not None
    assert (decision.by, decision.second) == ("anna", "bert")


async def test_one_person_with_two_accounts_is_no_second_person(bench: Bench) -> None:
    one = replace(ANNA, people=("@anna:x",))
    other = replace(BERT, people=("@else:x", "@anna:x"))
    await bench.case(holder=one)
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(one, "case_a", END)
    with pytest.raises(SecondPersonError):
        await bench.decisions.confirm(other, "case_a")
    with pytest.raises(SecondPersonError):
        await bench.decisions.refuse(other, "case_a", "no")


async def test_an_approval_that_is_sent_again_approves_nothing_else(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    first = await bench.decisions.proposal(BERT, "case_a")
    await bench.decisions.refuse(LEA, "case_a", "too much")
    assert (await bench.at()).state is CaseState.OPEN
    await bench.agrees()
    with pytest.raises(StaleCaseError):
        await bench.decisions.confirm(BERT, "case_a", first.id)
    await bench.hold("case_a", LEA)
    ends = replace(END, actions=(*END.actions, *LIMIT.actions))
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(LEA, "case_a", ends)
    with pytest.raises(StaleCaseError):
        await bench.decisions.confirm(BERT, "case_a", first.id)
    second = await bench.decisions.proposal(BERT, "case_a")
    await bench.decisions.confirm(BERT, "case_a", second.id)
    with pytest.raises(StaleCaseError):
        await bench.decisions.confirm(BERT, "case_a", second.id)
    assert (await bench.kinds()).count("decided") == 1


async def test_of_two_second_people_one_counts(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    answers = await asyncio.gather(
        bench.decisions.confirm(BERT, "case_a"),
        bench.decisions.refuse(LEA, "case_a", "too much"),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, StaleCaseError) for one in answers) == [False, True]
    await bench.agrees()


async def test_what_another_person_is_looking_at_is_not_confirmed_over_them(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    await bench.hold("case_a", LEA)
    assert (await bench.at()).state is CaseState.SECOND
    with pytest.raises(HeldError):
        await bench.decisions.confirm(BERT, "case_a")
    with pytest.raises(StaleCaseError):
        await bench.decisions.decide(LEA, "case_a", WARN)
    await bench.decisions.confirm(LEA, "case_a")
    await bench.agrees()


async def test_who_proposed_may_withdraw_and_decide_anew(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    with pytest.raises(StaleCaseError):
        await bench.decisions.undo(BERT, "case_a")
    case = await bench.decisions.undo(ANNA, "case_a")
    assert (case.state, case.holder) == (CaseState.CLAIMED, "anna")
    await bench.agrees()
    with pytest.raises(StaleCaseError):
        await bench.decisions.confirm(BERT, "case_a")
    await bench.decisions.decide(ANNA, "case_a", WARN)


async def test_whatever_is_done_to_a_minor_needs_two(bench: Bench) -> None:
    bench.town.bands[SUBJECT] = "13-15"
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", WARN)
    await bench.decisions.confirm(BERT, "case_a")
    # But that nothing was found, one says.
    await bench.case("case_b")
    await bench.decisions.decide(ANNA, "case_b", NOTHING)
    assert (await bench.decisions.options(ANNA, "case_a")).minor


async def test_either_of_the_two_may_take_it_back_in_time(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    await bench.decisions.confirm(BERT, "case_a")
    await bench.decisions.undo(BERT, "case_a")
    await bench.agrees()
    assert (await bench.decisions.story("case_a")).decision is None


# --- reversals --------------------------------------------------------------------------------


async def test_only_somebody_else_reverses_a_decision(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    await bench.decisions.confirm(BERT, "case_a")
    bench.clock.now += DAY
    for one in (ANNA, BERT):
        with pytest.raises(SecondPersonError):
            await bench.decisions.reverse(replace(one, roles=LEA.roles), "case_a", "wrong")
    with pytest.raises(ReviewError):
        await bench.decisions.reverse(LEA, "case_a", "  ")
    with pytest.raises(RoleError):
        await bench.decisions.reverse(ADAM, "case_a", "wrong")
    case = await bench.decisions.reverse(LEA, "case_a", "it was a joke between friends")
    assert case.state is CaseState.CLOSED
    assert bench.tasks("enforce") == [10_000, DAY]
    assert bench.tasks("tell") == [10_000, DAY]
    await bench.agrees()
    with pytest.raises(StaleCaseError):
        await bench.decisions.reverse(LEA, "case_a", "again")


async def test_a_reviewer_reverses_only_what_they_judge_an_appeal_against(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    with pytest.raises(RoleError):
        await bench.decisions.reverse(BERT, "case_a", "wrong")
    await bench.case("case_p", holder=None, kind=CaseKind.APPEAL, origin="case_z")
    await bench.hold("case_p", BERT)
    with pytest.raises(RoleError):
        await bench.decisions.reverse(BERT, "case_a", "wrong")
    await bench.case("case_q", holder=None, kind=CaseKind.APPEAL, origin="case_a")
    await bench.hold("case_q", BERT)
    bench.clock.now += 10 * 60_000
    with pytest.raises(RoleError):
        await bench.decisions.reverse(BERT, "case_a", "wrong")
    await bench.hold("case_q", BERT)
    await bench.decisions.reverse(BERT, "case_a", "wrong")
    await bench.agrees()


async def test_work_that_is_due_at_once_is_not_waited_for(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", URGENT)
    # And once more when nobody can take it back, which others wait for.
    assert bench.hurried == [0, 10_020]
    await bench.decisions.undo(ANNA, "case_a")
    assert bench.hurried == [0, 10_020, 0]


async def test_a_reversal_undoes_everything_by_the_events_alone(bench: Bench) -> None:
    await bench.case()
    both = replace(LIMIT, actions=(*LIMIT.actions, *SUSPEND.actions, *REMOVE.actions))
    await bench.decisions.decide(ANNA, "case_a", both)
    events = await bench.desk.events("case_a")
    at = NOW + 2 * DAY
    held = fold(measures_of(replay(events)), at)
    assert held.suspended
    assert held.no_new_conversations
    assert len(await standing_strikes(bench.desk, bench.review, SUBJECT, at)) == 1
    bench.clock.now = at
    await bench.decisions.reverse(LEA, "case_a", "wrong")
    events = await bench.desk.events("case_a")
    for moment in (NOW, at, at + DAY, at + 1000 * DAY):
        assert fold(measures_of(replay(events)), moment) == NONE
    assert all(one.reversed == at for one in measures_of(replay(events)))
    assert await standing_strikes(bench.desk, bench.review, SUBJECT, at) == ()


async def test_what_ended_long_ago_can_still_be_reversed_and_its_strike_goes(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    bench.clock.now += 60 * DAY
    story = await bench.decisions.story("case_a")
    assert fold(measures_of(story), bench.clock.now) == NONE
    strikes = await standing_strikes(bench.desk, bench.review, SUBJECT, bench.clock.now)
    assert len(strikes) == 1
    await bench.decisions.reverse(LEA, "case_a", "wrong")
    assert await standing_strikes(bench.desk, bench.review, SUBJECT, bench.clock.now) == ()
    await bench.agrees()


# --- what the desk suggests -------------------------------------------------------------------


async def test_strikes_lead_up_the_ladder_and_expire(bench: Bench) -> None:
    for number in range(3):
        await bench.case(f"case_{number}")
        await bench.decisions.decide(ANNA, f"case_{number}", WARN)
    await bench.case()
    options = await bench.decisions.options(ANNA, "case_a")
    assert len(options.strikes) == 3
    offers = {one.reason.key: one for one in options.offers}
    assert [one.kind for one in offers["spam.bulk"].suggestion.actions] == [Kind.SUSPENDED]
    assert Kind.TERMINATED in offers["spam.bulk"].kinds
    assert "child_safety.grooming" not in offers
    bench.clock.now += 91 * DAY
    await bench.hold("case_a", ANNA)
    options = await bench.decisions.options(ANNA, "case_a")
    assert options.strikes == ()
    offers = {one.reason.key: one for one in options.offers}
    assert [one.kind for one in offers["spam.bulk"].suggestion.actions] == [Kind.WARNING]
    assert Kind.TERMINATED not in offers["spam.bulk"].kinds


async def test_a_warning_without_a_strike_leaves_none(bench: Bench) -> None:
    await bench.case()
    await bench.decisions.decide(ANNA, "case_a", replace(WARN, strike=False))
    assert await standing_strikes(bench.desk, bench.review, SUBJECT, NOW) == ()


async def test_every_step_stands_in_the_staff_log(bench: Bench) -> None:
    await bench.case()
    with pytest.raises(SecondPersonError):
        await bench.decisions.decide(ANNA, "case_a", END)
    await bench.decisions.refuse(BERT, "case_a", "too much")
    await bench.hold("case_a", ANNA)
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    await bench.decisions.undo(ANNA, "case_a")
    await bench.decisions.decide(ANNA, "case_a", LIMIT)
    await bench.decisions.reverse(LEA, "case_a", "wrong")
    assert [(one.staff, one.what) for one in bench.desk.log] == [
        ("anna", "propose"),
        ("bert", "refuse"),
        ("anna", "decide"),
        ("anna", "undo"),
        ("anna", "decide"),
        ("lea", "reverse"),
    ]
