"""The next case is the one with the least time left, and nobody is shown more than a day holds."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ADAM,
    ANNA,
    AUDREY,
    BERT,
    CARA,
    DAY,
    LEA,
    MINUTE,
    REVIEW,
    T0,
    Scene,
    member,
    say,
)

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Wellness
from halfdoor.readers.review import staff_days
from halfdoor.readers.review.errors import BreakError
from halfdoor.readers.review.priorities import place
from halfdoor.readers.review.records import Case, CaseState, StaffEntry
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.store import DeskChange, QueuePage
from halfdoor.readers.review.wellness import (
    Day,
    Touched,
    check_budget,
    check_severe_budget,
    meter,
    needs_relief,
    severe_in_a_row,
)

LITTLE = Wellness(reveals_a_day=3, severe_reveals_a_day=2, severe_in_a_row=2)
GENTLE = replace(REVIEW, wellness=LITTLE)


# --- who is offered what --------------------------------------------------------------------------


@pytest.mark.parametrize("who", [ADAM, AUDREY])
async def test_without_a_content_role_nothing_is_offered(who: StaffMember) -> None:
    scene = Scene()
    for reason in ("harassment.targeted", "child_safety.csam", "threat.life"):
        await scene.case(reason)
    assert await scene.cases.queue(who) == []
    assert await scene.cases.next(who) is None


async def test_each_role_is_offered_its_own_queues() -> None:
    scene = Scene()
    vault, plain = await scene.case("child_safety.csam"), await scene.case()
    for who, expected in ((ANNA, [plain.id]), (LEA, [plain.id]), (CARA, [vault.id])):
        assert [one.id for one in await scene.cases.queue(who)] == expected
    both = member("both", "reviewer", "child_safety")
    assert [one.id for one in await scene.cases.queue(both)] == [vault.id, plain.id]


async def test_a_queue_that_the_policy_dropped_falls_to_the_leads() -> None:
    scene = Scene()
    lost = await scene.case(queue="former")
    assert await scene.cases.queue(ANNA) == []
    assert [one.id for one in await scene.cases.queue(LEA)] == [lost.id]
    assert (await scene.cases.claim(LEA, lost.id)).holder == "lea"


async def test_no_policy_makes_an_admin_see_reports() -> None:
    queues = tuple(replace(one, role="admin") for one in REVIEW.queues)
    scene = Scene(review=replace(REVIEW, queues=queues))
    case = await scene.case()
    assert await scene.cases.queue(ADAM) == []
    assert await scene.cases.next(ADAM) is None
    assert [one.id for one in await scene.cases.queue(LEA)] == [case.id]


async def test_a_queue_is_read_page_after_page_and_narrowed() -> None:
    scene = Scene()
    ids = [(await scene.case(minor=n % 2 == 0, due=T0 + n * MINUTE)).id for n in range(1, 8)]
    spam = await scene.case("spam.unwanted")
    first = await scene.cases.queue(ANNA, QueuePage(queues=(), limit=3))
    rest = await scene.cases.queue(ANNA, QueuePage(queues=(), limit=50, after=first[-1].id))
    assert [one.id for one in (*first, *rest)] == [*ids, spam.id]
    narrowed = await scene.cases.queue(ANNA, QueuePage(queues=("spam", "child_safety")))
    assert [one.id for one in narrowed] == [spam.id]
    grouped = await scene.cases.queue(ANNA, group="spam")
    assert [one.id for one in grouped] == [spam.id]
    minors = await scene.cases.queue(ANNA, QueuePage(queues=(), minor=True))
    assert len(minors) == 3
    decided = QueuePage(queues=(), states=(CaseState.DECIDED, CaseState.CLAIMED))
    assert await scene.cases.queue(ANNA, decided) == []


async def test_opting_out_hides_those_cases_and_no_others() -> None:
    scene = Scene()
    await scene.case("harassment.stalking")
    hate, spam = await scene.case("hate.speech"), await scene.case("spam.unwanted")
    out = replace(ANNA, opted_out=frozenset({"harassment"}))
    assert [one.id for one in await scene.cases.queue(out)] == [hate.id, spam.id]
    # Also where a page holds nothing else.
    one_by_one = await scene.cases.queue(out, QueuePage(queues=(), limit=1))
    assert [one.id for one in one_by_one] == [hate.id]
    everything = frozenset({"harassment", "hate", "privacy", "nudity", "minor", "scam"})
    none_left = replace(ANNA, opted_out=everything | {"spam"})
    assert await scene.cases.queue(none_left) == []


async def test_a_line_of_a_queue_names_nobody() -> None:
    scene = Scene()
    await scene.case()
    (line,) = await scene.cases.queue(ANNA)
    assert "@" not in repr(line)


# --- the order ------------------------------------------------------------------------------------


async def test_least_time_left_comes_first_and_minors_before_others() -> None:
    scene = Scene()
    late = await scene.case(due=T0 + 30 * MINUTE)
    adult = await scene.case(due=T0 + 20 * MINUTE)
    minor = await scene.case(due=T0 + 20 * MINUTE, minor=True)
    got = [await scene.cases.next(who) for who in (ANNA, BERT, LEA)]
    assert [one and one.id for one in got] == [minor.id, adult.id, late.id]
    assert await scene.cases.next(member("dora", "reviewer")) is None


async def test_once_time_is_up_for_anything_the_worst_comes_first() -> None:
    """Old spam keeps nobody from a threat that was reported just now."""
    scene = Scene()
    for _ in range(3):
        await scene.case("spam.unwanted", due=T0 - 1)
    threat = await scene.case("threat.life")
    got = await scene.cases.next(ANNA)
    assert got is not None
    assert got.id == threat.id


async def test_who_holds_a_case_gets_that_one_back() -> None:
    scene = Scene()
    first, _ = await scene.case(), await scene.case()
    assert await next_id(scene, ANNA) == first.id
    assert await next_id(scene, ANNA) == first.id
    assert [one.id for one in await scene.cases.held(ANNA)] == [first.id]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=8))
def test_cases_are_handed_out_in_order(cases: list[tuple[int, bool]]) -> None:
    async def story() -> None:
        scene = Scene()
        made = [
            await scene.case(due=T0 + minutes * MINUTE, minor=minor) for minutes, minor in cases
        ]
        got = [await scene.cases.next(member(f"s{n}", "reviewer")) for n in range(len(made))]
        assert [one and one.id for one in got] == [one.id for one in sorted(made, key=place)]

    asyncio.run(story())


# --- wellness -------------------------------------------------------------------------------------


async def test_after_several_severe_cases_comes_another_kind() -> None:
    scene = Scene(review=GENTLE)
    for _ in range(3):
        await scene.case("threat.life")
    spam = await scene.case("spam.unwanted")
    ranks = []
    for _ in range(4):
        got = await scene.cases.next(ANNA)
        assert got is not None
        ranks.append(got.rank)
        done = replace(got, state=CaseState.DECIDED, holder=None)
        await scene.desk.commit(change_of(done))
        scene.clock.pass_minutes(1)
    assert ranks == [0, 0, spam.rank, 0]


async def test_where_there_is_nothing_else_a_child_does_not_wait() -> None:
    scene = Scene(review=GENTLE)
    for _ in range(3):
        await scene.case("child_safety.grooming")
    for n in range(3):
        got = await scene.cases.next(CARA)
        assert got is not None, n
        await scene.desk.commit(change_of(replace(got, state=CaseState.DECIDED, holder=None)))


async def test_past_the_budget_of_a_day_nothing_opens_until_time_has_passed() -> None:
    scene = Scene(review=GENTLE)
    case = await scene.case()
    said = [say(f"no {n}", f"${n}") for n in range(5)]
    _, items = await scene.report(case, *said)
    await scene.cases.claim(ANNA, case.id)
    for item in items[:3]:
        await scene.reveals.reveal(ANNA, case.id, item.id, "to judge")
    with pytest.raises(BreakError):
        await scene.reveals.reveal(ANNA, case.id, items[3].id, "to judge")
    assert [line[3] for line in scene.logged() if line[1] == "reveal"] == [
        one.id for one in items[:3]
    ]
    await scene.cases.release(ANNA, case.id)
    with pytest.raises(BreakError):
        await scene.cases.next(ANNA)
    # Others are not held up, and after a day neither is she.
    assert await scene.cases.next(BERT) is not None
    await scene.cases.release(BERT, case.id)
    scene.clock.now += DAY
    assert await scene.cases.next(ANNA) is not None
    await scene.reveals.reveal(ANNA, case.id, items[3].id, "to judge")


async def test_of_the_worst_a_day_holds_less() -> None:
    scene = Scene(review=GENTLE)
    threat = await scene.case("threat.life")
    _, items = await scene.report(threat, *(say(f"no {n}", f"${n}") for n in range(3)))
    await scene.cases.claim(ANNA, threat.id)
    for item in items[:2]:
        await scene.reveals.reveal(ANNA, threat.id, item.id, "to judge")
    with pytest.raises(BreakError):
        await scene.reveals.reveal(ANNA, threat.id, items[2].id, "to judge")
    await scene.cases.release(ANNA, threat.id)
    assert await scene.cases.next(ANNA) is None
    spam = await scene.case("spam.unwanted")
    assert await next_id(scene, ANNA) == spam.id
    used = await scene.cases.meter(ANNA)
    assert (used.reveals, used.severe, used.groups) == (2, 2, {"threat": 2})


async def test_two_reveals_at_once_do_not_share_the_last_of_a_budget() -> None:
    scene = Scene(review=GENTLE)
    case = await scene.case()
    _, items = await scene.report(case, *(say(f"no {n}", f"${n}") for n in range(6)))
    await scene.cases.claim(ANNA, case.id)
    got = await asyncio.gather(
        *(scene.reveals.reveal(ANNA, case.id, one.id, "to judge") for one in items),
        return_exceptions=True,
    )
    assert sum(isinstance(one, BreakError) for one in got) == 3
    assert len([line for line in scene.logged() if line[1] == "reveal"]) == 3


async def test_a_day_is_found_in_a_long_log_and_survives_a_restart() -> None:
    scene = Scene()
    case = await scene.case()
    old = [
        StaffEntry(at=T0 - 3 * DAY + n, staff="anna", what="reveal", case=case.id)
        for n in range(1500)
    ]
    await scene.log(*old)
    await scene.log(
        StaffEntry(at=T0 - DAY, staff="anna", what="reveal", case=case.id),
        StaffEntry(at=T0 - 5, staff="anna", what="reveal", case=case.id),
        StaffEntry(at=T0 - 4, staff="bert", what="reveal", case=case.id),
        StaffEntry(at=T0 - 3, staff="anna", what="sign_in"),
    )
    fresh = StaffDays(scene.desk)
    assert [one.at for one in (await fresh.of("anna", T0)).reveals] == [T0 - 5]
    assert len((await fresh.of("bert", T0)).reveals) == 1
    await scene.log(StaffEntry(at=T0, staff="anna", what="reveal", case=case.id))
    assert len((await fresh.of("anna", T0)).reveals) == 2
    assert len(await fresh.everyone(T0)) == 2
    assert (await fresh.of("anna", T0 + 2 * DAY)).reveals == ()


async def test_a_server_that_runs_for_days_remembers_one_day() -> None:
    scene = Scene()
    case = await scene.case()
    days = StaffDays(scene.desk)
    now = T0
    for _ in range(5):
        now += DAY
        await scene.log(StaffEntry(at=now, staff="anna", what="reveal", case=case.id))
        # Somebody else asks: what Anna saw is followed all the same, and forgotten.
        await days.of("bert", now)
    assert len(days._lines["anna"]) <= 2
    assert len((await days.of("anna", now)).reveals) == 1


async def test_of_very_many_cases_the_kinds_are_looked_up_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staff_days, "_KINDS", 2)
    scene = Scene()
    cases = [await scene.case(reason) for reason in ("threat.life", "hate.speech", "spam.unwanted")]
    for _ in range(2):
        await scene.log(
            *(StaffEntry(at=T0, staff="anna", what="reveal", case=one.id) for one in cases)
        )
    await scene.log(StaffEntry(at=T0, staff="anna", what="reveal", case="case_gone"))
    reveals = (await StaffDays(scene.desk).of("anna", T0)).reveals
    assert [one.severe for one in reveals] == [True, False, False] * 2 + [False]


severe = st.booleans().map(lambda one: Touched(0, one, "threat" if one else "spam"))


@given(st.lists(severe), st.lists(severe))
def test_budgets_are_what_their_words_say(claims: list[Touched], reveals: list[Touched]) -> None:
    day = Day(tuple(claims), tuple(reveals))
    run = 0
    for one in claims:
        run = run + 1 if one.severe else 0
    assert severe_in_a_row(day) == run
    assert needs_relief(LITTLE, day) is (run >= 2)
    used = meter(LITTLE, day)
    assert sum(used.groups.values()) == used.reveals == len(reveals)
    for check, over in (
        (check_budget, len(reveals) >= 3),
        (check_severe_budget, sum(one.severe for one in reveals) >= 2),
    ):
        if over:
            with pytest.raises(BreakError):
                check(LITTLE, day)
        else:
            check(LITTLE, day)


def change_of(case: Case) -> DeskChange:
    return DeskChange(cases=(case,))


async def next_id(scene: Scene, who: StaffMember) -> str | None:
    case = await scene.cases.next(who)
    return None if case is None else case.id
