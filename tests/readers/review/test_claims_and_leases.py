"""One case belongs to one person at a time, for as long as they give a sign."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace
from tests.readers.review.desk_scene import (
    ADAM,
    ANNA,
    AUDREY,
    BAD,
    BERT,
    CARA,
    LEA,
    MINUTE,
    T0,
    Scene,
    member,
    say,
)
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import (
    HeldError,
    NotHeldError,
    ReviewError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.freezing import freezing_of
from halfdoor.readers.review.leases import is_held
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Report
from halfdoor.readers.review.replay import replay
from halfdoor.readers.review.store import DeskChange

STAFF = [member(f"s{n}", "reviewer") for n in range(8)]


class SlowDesk(FakeDesk):
    """A desk at which others come between each reading and the writing after it."""

    async def case(self, id: str) -> Case | None:
        await asyncio.sleep(0)
        return await super().case(id)

    async def reports(self, case: str) -> list[Report]:
        await asyncio.sleep(0)
        return await super().reports(case)


# --- refusals -------------------------------------------------------------------------------------


async def test_a_case_that_is_not_there_cannot_be_claimed() -> None:
    with pytest.raises(UnknownCaseError):
        await Scene().cases.claim(ANNA, "case_none")


@pytest.mark.parametrize("who", [ADAM, AUDREY, CARA])
async def test_without_its_role_a_case_cannot_be_claimed(who: StaffMember) -> None:
    scene = Scene()
    case = await scene.case()
    with pytest.raises(RoleError):
        await scene.cases.claim(who, case.id)
    assert (await scene.kept(case.id)).holder is None


@pytest.mark.parametrize("who", [ANNA, LEA, ADAM, AUDREY])
async def test_a_case_of_the_vault_does_not_exist_for_others(who: StaffMember) -> None:
    scene = Scene()
    case = await scene.case("child_safety.grooming")
    with pytest.raises(UnknownCaseError):
        await scene.cases.claim(who, case.id)
    with pytest.raises(UnknownCaseError):
        await scene.cases.view(who, case.id)
    assert (await scene.cases.claim(CARA, case.id)).holder == "cara"


async def test_a_vault_case_stays_one_whatever_queue_it_stands_in() -> None:
    scene = Scene()
    case = await scene.case("child_safety.grooming", queue="harassment")
    with pytest.raises(UnknownCaseError):
        await scene.cases.claim(ANNA, case.id)


async def test_a_case_somebody_holds_is_refused_to_others() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    scene.clock.pass_minutes(9.99)
    with pytest.raises(HeldError):
        await scene.cases.claim(BERT, case.id)


async def test_a_decided_case_cannot_be_claimed() -> None:
    scene = Scene()
    for state in (CaseState.DECIDED, CaseState.CLOSED):
        case = await scene.case(state=state)
        with pytest.raises(StaleCaseError):
            await scene.cases.claim(ANNA, case.id)


async def test_a_sign_after_the_end_of_the_lease_is_too_late() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    scene.clock.pass_minutes(10)
    for act in (scene.cases.heartbeat, scene.cases.release):
        with pytest.raises(NotHeldError):
            await act(ANNA, case.id)
    with pytest.raises(NotHeldError):
        await scene.cases.escalate(ANNA, case.id, "too hard")


async def test_who_does_not_hold_a_case_cannot_move_it() -> None:
    scene = Scene()
    case = await scene.case()
    for held_by_anna in (False, True):
        if held_by_anna:
            await scene.cases.claim(ANNA, case.id)
        for act in (scene.cases.heartbeat, scene.cases.release):
            with pytest.raises(NotHeldError):
                await act(BERT, case.id)
        with pytest.raises(NotHeldError):
            await scene.cases.escalate(LEA, case.id, "mine")


async def test_a_case_of_a_kind_one_opted_out_of_cannot_be_claimed() -> None:
    scene = Scene()
    case = await scene.case("harassment.stalking")
    out = replace(ANNA, opted_out=frozenset({"harassment"}))
    with pytest.raises(UnknownCaseError):
        await scene.cases.claim(out, case.id)
    with pytest.raises(UnknownCaseError):
        await scene.cases.view(out, case.id)
    assert await scene.cases.queue(out) == []
    assert await scene.cases.next(out) is None


async def test_who_proposed_a_decision_does_not_hold_up_the_second_person() -> None:
    scene = Scene()
    case = await scene.case(state=CaseState.SECOND)
    await scene.desk.commit(
        DeskChange(events=(happened(case, T0, "proposed", "anna", id="d", by="anna"),))
    )
    with pytest.raises(SecondPersonError):
        await scene.cases.claim(ANNA, case.id)
    assert await scene.cases.next(ANNA) is None
    second = await scene.cases.claim(BERT, case.id)
    assert (second.state, second.holder) == (CaseState.SECOND, "bert")
    with pytest.raises(ReviewError):
        await scene.cases.escalate(BERT, case.id, "not mine to say")


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501, "\x1b[2J"])
async def test_a_move_wants_a_reason_one_can_read(reason: str) -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    with pytest.raises(ReviewError):
        await scene.cases.escalate(ANNA, case.id, reason)


async def test_a_case_can_be_handed_to_a_lead_or_the_vault_alone() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    with pytest.raises(ReviewError):
        await scene.cases.escalate(ANNA, case.id, "for the admin", to="admin")


# --- races ----------------------------------------------------------------------------------------


async def test_of_many_who_claim_at_once_one_gets_the_case() -> None:
    scene = Scene(SlowDesk())
    case = await scene.case()
    servers = [scene.server(scene.desk)[0] for _ in range(3)]
    answers = await asyncio.gather(
        *(servers[n % 3].claim(who, case.id) for n, who in enumerate(STAFF)),
        return_exceptions=True,
    )
    got = [one for one in answers if isinstance(one, Case)]
    assert len(got) == 1
    assert [type(one) for one in answers if not isinstance(one, Case)] == [HeldError] * 7
    assert (await scene.kinds(case.id)).count("claimed") == 1
    assert [line[1] for line in scene.logged()] == ["claim"]


async def test_of_many_who_take_over_at_once_one_gets_the_case() -> None:
    scene = Scene(SlowDesk())
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    scene.clock.pass_minutes(11)
    answers = await asyncio.gather(
        *(scene.cases.claim(who, case.id) for who in STAFF), return_exceptions=True
    )
    assert sum(isinstance(one, Case) for one in answers) == 1
    assert sum(isinstance(one, HeldError) for one in answers) == 7
    assert (await scene.last(case.id))[1] == {"taken_over_from": "anna"}


async def test_of_many_who_ask_for_the_next_each_gets_another_case() -> None:
    scene = Scene(SlowDesk())
    for _ in range(8):
        await scene.case()
    got = await asyncio.gather(*(scene.cases.next(who) for who in STAFF))
    assert len({case.id for case in got if case is not None}) == 8


async def test_a_report_that_joins_meanwhile_does_not_lose_the_claim() -> None:
    scene = Scene(SlowDesk())
    case = await scene.case()

    async def join() -> None:
        grown = await scene.desk.case(case.id)
        assert grown is not None
        await scene.desk.commit(DeskChange(cases=(replace(grown, reports=2),)))

    claimed, _ = await asyncio.gather(scene.cases.claim(ANNA, case.id), join())
    assert (claimed.holder, claimed.reports) == ("anna", 2)


async def test_a_case_that_never_stands_still_is_given_up() -> None:
    class Restless(FakeDesk):
        async def commit(self, change: DeskChange) -> tuple[Case, ...]:
            if change.cases and change.cases[0].revision:
                raise StaleCaseError("it moved on")
            return await super().commit(change)

    scene = Scene(Restless())
    case = await scene.case()
    with pytest.raises(StaleCaseError):
        await scene.cases.claim(ANNA, case.id)


# --- what it does ---------------------------------------------------------------------------------


async def test_a_claim_lasts_ten_minutes_from_each_sign() -> None:
    scene = Scene()
    case = await scene.case()
    first = await scene.cases.claim(ANNA, case.id)
    assert (first.state, first.holder) == (CaseState.CLAIMED, "anna")
    assert first.lease_until == T0 + 10 * MINUTE
    scene.clock.pass_minutes(9)
    assert (await scene.cases.heartbeat(ANNA, case.id)).lease_until == T0 + 19 * MINUTE
    scene.clock.pass_minutes(5)
    again = await scene.cases.claim(ANNA, case.id)
    assert again.lease_until == T0 + 24 * MINUTE
    assert await scene.kinds(case.id) == ["reported", "claimed"]


async def test_a_lapsed_claim_is_taken_over_and_the_case_tells_from_whom() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    scene.clock.pass_minutes(10)
    assert (await scene.cases.claim(BERT, case.id)).holder == "bert"
    event, detail = await scene.last(case.id)
    assert (event.kind, event.actor, detail) == ("claimed", "bert", {"taken_over_from": "anna"})
    with pytest.raises(NotHeldError):
        await scene.cases.heartbeat(ANNA, case.id)


async def test_letting_go_wins_no_time() -> None:
    scene = Scene()
    case = await scene.case("sextortion.threat")
    claimed = await scene.cases.claim(ANNA, case.id)
    assert claimed.due == T0 + 45 * MINUTE
    scene.clock.pass_minutes(9)
    free = await scene.cases.release(ANNA, case.id)
    assert (free.state, free.holder, free.due) == (CaseState.OPEN, None, T0 + 24 * MINUTE)
    scene.clock.pass_minutes(14)
    assert (await scene.cases.claim(BERT, case.id)).due == T0 + 45 * MINUTE
    scene.clock.pass_minutes(9)
    assert (await scene.cases.release(BERT, case.id)).due == T0 + 45 * MINUTE


async def test_an_appeal_is_due_when_it_was_from_the_start() -> None:
    scene = Scene()
    due = T0 + 7 * 24 * 60 * MINUTE
    case = await scene.case(kind=CaseKind.APPEAL, queue="appeals", due=due)
    assert (await scene.cases.claim(ANNA, case.id)).due == due
    assert (await scene.cases.release(ANNA, case.id)).due == due


async def test_an_escalated_case_is_for_a_lead_from_then_on() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    handed = await scene.cases.escalate(ANNA, case.id, "the law is unclear")
    assert (handed.state, handed.holder, handed.queue) == (
        CaseState.ESCALATED,
        None,
        "harassment",
    )
    assert (await scene.last(case.id))[1] == {
        "queue": "harassment",
        "reason": "the law is unclear",
        "to": "lead",
    }
    with pytest.raises(RoleError):
        await scene.cases.claim(BERT, case.id)
    assert await scene.cases.queue(BERT) == []
    assert [one.id for one in await scene.cases.queue(LEA)] == [case.id]
    assert (await scene.cases.claim(LEA, case.id)).state is CaseState.CLAIMED
    # It stays with the leads, also once one of them lets go of it or falls silent.
    assert (await scene.cases.release(LEA, case.id)).state is CaseState.ESCALATED
    await scene.cases.claim(LEA, case.id)
    scene.clock.pass_minutes(11)
    with pytest.raises(RoleError):
        await scene.cases.claim(BERT, case.id)


async def test_a_case_handed_to_the_vault_is_the_vaults_and_freezes_what_was_reported() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, say("how old are you"))
    await scene.cases.claim(ANNA, case.id)
    handed = await scene.cases.escalate(ANNA, case.id, "a child", to="child_safety")
    assert (handed.queue, handed.child_safety, handed.rank) == ("child_safety", True, 0)
    assert handed.due == T0 + 15 * MINUTE
    with pytest.raises(UnknownCaseError):
        await scene.cases.claim(LEA, case.id)
    with pytest.raises(UnknownCaseError):
        await scene.cases.view(ANNA, case.id)
    (task,) = scene.desk.tasks.values()
    assert (task.queue, freezing_of(task.payload).room) == ("freeze", "!room:a.example")
    claimed = await scene.cases.claim(CARA, case.id)
    assert claimed.due == T0 + 60 * MINUTE


async def test_without_a_vault_nothing_is_handed_to_it() -> None:
    review = Scene().review
    queues = tuple(one for one in review.queues if one.role != "child_safety")
    scene = Scene(review=replace(review, queues=queues))
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    with pytest.raises(ReviewError):
        await scene.cases.escalate(ANNA, case.id, "a child", to="child_safety")
    assert (await scene.kept(case.id)).holder == "anna"


async def test_a_name_in_a_report_freezes_no_conversation() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.report(case, room="!elsewhere:a.example")
    await scene.cases.claim(ANNA, case.id)
    await scene.cases.escalate(ANNA, case.id, "a child", to="child_safety")
    assert scene.desk.tasks == {}


async def test_what_happened_says_how_a_case_stands() -> None:
    """The record and its events never tell two stories."""
    scene = Scene()
    case = await scene.case()
    steps: list[Callable[[], Awaitable[object]]] = [
        lambda: scene.cases.claim(ANNA, case.id),
        lambda: scene.cases.release(ANNA, case.id),
        lambda: scene.cases.claim(BERT, case.id),
        lambda: scene.cases.escalate(BERT, case.id, "hard"),
        lambda: scene.cases.claim(LEA, case.id),
        lambda: scene.cases.sweep(scene.clock.pass_minutes(11)),
    ]
    for step in steps:
        await step()
        assert replay(await scene.desk.events(case.id)).agrees_with(await scene.kept(case.id))
    assert (await scene.kept(case.id)).state is CaseState.ESCALATED


class Hands(RuleBasedStateMachine):
    """Eight people and a sweep do anything in any order; a plain table says who holds the case."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.scene = Scene()
        self.id = self.loop.run_until_complete(self.scene.case()).id
        self.holder: str | None = None
        self.until = 0

    def teardown(self) -> None:
        self.loop.close()

    def _lives(self) -> bool:
        return self.holder is not None and self.until > self.scene.clock.now

    @rule(who=st.sampled_from(STAFF[:3]))
    def claim(self, who: StaffMember) -> None:
        free = not self._lives() or self.holder == who.id
        try:
            self.loop.run_until_complete(self.scene.cases.claim(who, self.id))
            assert free
            self.holder, self.until = who.id, self.scene.clock.now + 10 * MINUTE
        except HeldError:
            assert not free

    @rule(who=st.sampled_from(STAFF[:3]), act=st.sampled_from(["heartbeat", "release"]))
    def sign(self, who: StaffMember, act: str) -> None:
        mine = self._lives() and self.holder == who.id
        try:
            self.loop.run_until_complete(getattr(self.scene.cases, act)(who, self.id))
            assert mine
            self.until = self.scene.clock.now + 10 * MINUTE
            if act == "release":
                self.holder = None
        except NotHeldError:
            assert not mine

    @rule(minutes=st.integers(0, 12))
    def wait(self, minutes: int) -> None:
        self.scene.clock.pass_minutes(minutes)

    @rule()
    def sweep(self) -> None:
        self.loop.run_until_complete(self.scene.cases.sweep(self.scene.clock.now))
        if not self._lives():
            self.holder = None

    @invariant()
    def the_row_says_the_same(self) -> None:
        case = self.loop.run_until_complete(self.scene.kept(self.id))
        assert is_held(case, self.scene.clock.now) is self._lives()
        if self._lives():
            assert (case.holder, case.lease_until) == (self.holder, self.until)
        story = replay(self.loop.run_until_complete(self.scene.desk.events(self.id)))
        assert story.agrees_with(case)


TestHands = Hands.TestCase
TestHands.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(1, 40))
def test_a_lease_ends_at_its_minute_and_not_before(waited: int, minutes: int) -> None:
    review = replace(Scene().review, desk=replace(Scene().review.desk, lease_minutes=minutes))

    async def story() -> None:
        scene = Scene(review=review)
        case = await scene.case(subject=BAD)
        await scene.cases.claim(ANNA, case.id)
        scene.clock.pass_minutes(waited)
        try:
            await scene.cases.heartbeat(ANNA, case.id)
            assert waited < minutes
        except NotHeldError:
            assert waited >= minutes

    asyncio.run(story())
