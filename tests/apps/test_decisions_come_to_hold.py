"""What was decided comes to hold whatever crashes, in whatever order, and is undone as surely."""

from collections.abc import AsyncIterator, Coroutine, Iterable
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.accounts.fake_accounts import FakeAccountStore
from tests.accounts.little_accounts import PASSWORD, LittleAccounts
from tests.readers.review.deciding import (
    ANNA,
    BERT,
    CARA,
    CARL,
    DAY,
    END,
    EVENT,
    HOUR,
    LEA,
    LIMIT,
    NOW,
    REMOVE,
    ROOM,
    SUSPEND,
    URGENT,
    Bench,
)

from halfdoor.accounts.errors import DeactivatedError, ErasedError, UnknownTokenError
from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.session import LoginRequest
from halfdoor.apps.enforcing import AGAIN_MS, Enforcing
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import ReviewError, SecondPersonError
from halfdoor.readers.review.records import Task
from halfdoor.safety.measures import NONE, Kind, Limits, fold
from halfdoor.store.jobs import Job

T = TypeVar("T")

ALICE = "@alice:a.example"
EVERYTHING = replace(
    END,
    actions=(
        Action(kind=Kind.LABEL, scope="watch"),
        *REMOVE.actions,
        *LIMIT.actions,
        *SUSPEND.actions,
        *END.actions,
    ),
)


class DiedError(Exception):
    """The process died here."""


class Fate:
    """Lets the process die at the n-th thing that it does, just before or just after it."""

    def __init__(self) -> None:
        self.left = -1
        self.after = False

    async def meets(self, what: Coroutine[Any, Any, T]) -> T:
        """Do *what*, unless the process dies before it."""
        dies = self.left == 0
        self.left -= 1
        if dies and not self.after:
            what.close()
            raise DiedError
        done = await what
        if dies:
            raise DiedError
        return done


class Scene:
    """The accounts room, a desk, and the worker between them."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.bench.town.pairs.clear()
        self.accounts = LittleAccounts(FakeAccountStore())
        self.fate = Fate()
        self.removed: list[tuple[str, str]] = []
        self.nudged: list[str] = []
        self.jobs: dict[str, Job] = {}
        self.known: set[str] = set()
        accounts, scene = self.accounts, self

        class People:
            async def look_anew(self, users: Iterable[str]) -> None:
                await accounts.people.look_anew(users)

            async def exists(self, user: str) -> bool:
                return await accounts.people.exists(user)

            async def person(self, user: str) -> PersonRecord:
                return await scene.fate.meets(accounts.people.person(user))

            async def change(self, facts: Any) -> None:
                await scene.fate.meets(accounts.people.change(facts))

        class Sessions:
            async def end_all(self, user: str) -> None:
                await scene.fate.meets(accounts.devices.end_all(user))

        class Removal:
            async def remove(self, conv: str, target: str) -> bool:
                async def remove() -> bool:
                    there = (conv, target) not in scene.removed
                    scene.removed += [(conv, target)] if there else []
                    return there

                return await scene.fate.meets(remove())

        class Jobs:
            async def save(self, job: Job, payload: bytes, run_at: int) -> Job:
                async def save() -> Job:
                    scene.jobs[job.id] = replace(job, payload=payload, run_at=run_at)
                    return scene.jobs[job.id]

                return await scene.fate.meets(save())

            async def end(self, job: Job) -> None:
                async def end() -> None:
                    scene.jobs.pop(job.id, None)

                await scene.fate.meets(end())

        class Wakeups:
            def nudge(self, users: Iterable[str]) -> None:
                scene.nudged += users

        self.worker = Enforcing(
            desk=self.bench.desk,
            people=People(),  # type: ignore[arg-type]
            sessions=Sessions(),
            removal=Removal(),
            wakeups=Wakeups(),
            jobs=Jobs(),  # type: ignore[arg-type]
        )

    @property
    def now(self) -> int:
        return self.bench.clock.now

    @now.setter
    def now(self, value: int) -> None:
        self.bench.clock.now = value

    async def case(self, id: str = "case_a", *, known: bool = True) -> None:
        """Open a case about Alice, whom the platform named if she did not come herself."""
        if known:
            await self.name_her()
        await self.bench.case(id, subject=ALICE)

    async def name_her(self) -> None:
        if not await self.accounts.people.exists(ALICE):
            await self.accounts.people.put([PersonRecord(user=ALICE, age_band="adult")])

    async def decide(self, choice: Choice, id: str = "case_a") -> None:
        """Decide, with a second person where that is due."""
        try:
            await self.bench.decisions.decide(ANNA, id, choice)
        except SecondPersonError:
            await self.bench.decisions.confirm(BERT, id)

    def new_tasks(self) -> list[Task]:
        tasks = [one for one in self.bench.desk.tasks.values() if one.queue == "enforce"]
        return [one for one in tasks if one.id not in self.known]

    def take_up(self) -> None:
        """Make jobs of the desk's tasks, as the store does."""
        for one in self.new_tasks():
            self.known.add(one.id)
            self.jobs[one.id] = Job(
                ub=0, id=one.id, queue=one.queue, run_at=one.run_at, payload=one.payload
            )

    async def work(self) -> None:
        """Do all that is due; what dies is done again."""
        self.take_up()
        for _ in range(100):
            due = [job for job in self.jobs.values() if job.run_at <= self.now]
            if not due:
                return
            try:
                await self.worker.step(due[0], self.now)
            except DiedError:
                continue
        raise AssertionError("the work does not come to its end")

    async def limits(self, at: int | None = None) -> Limits:
        record = await self.accounts.people.person(ALICE)
        return fold(record.measures, self.now if at is None else at)

    async def can_sign_in(self) -> bool:
        try:
            await self.accounts.login.password("alice", PASSWORD, LoginRequest(), self.now)
        except DeactivatedError:
            return False
        return True


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.accounts.close()


async def test_before_the_time_to_take_it_back_is_over_nothing_holds(scene: Scene) -> None:
    await scene.case()
    await scene.decide(LIMIT)
    scene.now += 9_999
    await scene.work()
    assert await scene.limits() == NONE
    assert (await scene.accounts.people.person(ALICE)).measures == ()
    await scene.bench.decisions.undo(ANNA, "case_a")
    scene.now += DAY
    await scene.work()
    assert await scene.limits() == NONE
    assert scene.jobs == {}


async def test_afterwards_it_holds_until_its_end(scene: Scene) -> None:
    await scene.case()
    await scene.decide(LIMIT)
    scene.now += 10_000
    await scene.work()
    assert (await scene.limits()).no_new_conversations
    assert scene.nudged == [ALICE]
    assert scene.jobs == {}
    assert not (await scene.limits(scene.now + 7 * DAY)).no_new_conversations


async def test_a_measure_in_a_conversation_of_two_is_known_before_it_begins(scene: Scene) -> None:
    scene.bench.town.pairs.add(ROOM)
    await scene.case()
    await scene.decide(LIMIT)
    scene.now += 10_000
    await scene.work()
    assert not (await scene.limits()).no_new_conversations
    assert (await scene.limits(scene.now + HOUR)).no_new_conversations


async def test_a_removal_waits_for_the_same_moment(scene: Scene) -> None:
    scene.bench.town.pairs.add(ROOM)
    await scene.case()
    await scene.decide(REMOVE)
    scene.now += 10_000
    await scene.work()
    assert scene.removed == []
    assert [job.run_at - scene.now for job in scene.jobs.values()] == [HOUR]
    scene.now += HOUR
    await scene.work()
    assert scene.removed == [(ROOM, EVENT)]
    assert scene.jobs == {}


async def test_where_danger_is_it_holds_at_once_and_can_still_be_taken_back(scene: Scene) -> None:
    await scene.case()
    await scene.decide(URGENT)
    await scene.work()
    assert (await scene.limits()).suspended
    scene.now += 5_000
    await scene.bench.decisions.undo(ANNA, "case_a")
    await scene.work()
    assert await scene.limits() == NONE


async def test_an_account_that_was_ended_lets_nobody_in_until_that_is_reversed(
    scene: Scene,
) -> None:
    signed = await scene.accounts.alice()
    await scene.case()
    await scene.decide(END)
    scene.now += 10_000
    await scene.work()
    with pytest.raises(UnknownTokenError):
        await scene.accounts.who(signed.access_token, scene.now)
    assert not await scene.can_sign_in()
    # The name stays taken: the account is there, and so are its keys.
    assert (await scene.accounts.state()).slots
    assert not (await scene.accounts.state()).account.deactivated
    await scene.bench.decisions.reverse(LEA, "case_a", "wrong")
    await scene.work()
    assert await scene.limits() == NONE
    assert await scene.can_sign_in()


async def test_a_session_that_slipped_in_meanwhile_ends_too(scene: Scene) -> None:
    await scene.accounts.alice()
    await scene.case()
    await scene.decide(END)
    scene.now += 10_000
    await scene.work()
    late = await scene.accounts.sign_in.open(ALICE, LoginRequest(), _given(), scene.now)
    scene.now += AGAIN_MS
    await scene.work()
    with pytest.raises(UnknownTokenError):
        await scene.accounts.who(late.access_token, scene.now)
    assert scene.jobs == {}


async def test_somebody_without_an_account_can_be_kept_from_making_one(scene: Scene) -> None:
    await scene.case()
    await scene.decide(END)
    scene.now += 10_000
    await scene.work()
    with pytest.raises(DeactivatedError):
        await scene.accounts.jwt_login("alice", now=scene.now)


async def test_no_record_is_made_of_nobody(scene: Scene) -> None:
    await scene.case(known=False)
    await scene.decide(EVERYTHING)
    scene.now += 10_000
    await scene.work()
    assert not await scene.accounts.people.exists(ALICE)
    assert scene.removed == [(ROOM, EVENT)]


async def test_nobody_is_bound_who_was_erased_and_their_message_goes_all_the_same(
    scene: Scene,
) -> None:
    async def refuse(facts: Any) -> None:
        raise ErasedError

    scene.accounts.people.change = refuse  # type: ignore[method-assign]
    await scene.case()
    await scene.decide(EVERYTHING)
    scene.now += 10_000
    await scene.work()
    assert scene.removed == [(ROOM, EVENT)]
    scene.now += AGAIN_MS
    await scene.work()
    assert scene.jobs == {}


async def test_a_job_of_a_case_that_is_not_there_ends(scene: Scene) -> None:
    scene.jobs["lost"] = Job(ub=0, id="lost", queue="enforce", run_at=0, payload=b'{"case":"no"}')
    await scene.work()
    assert scene.jobs == {}


async def test_two_cases_about_one_person_do_not_touch_each_other(scene: Scene) -> None:
    await scene.case()
    await scene.decide(LIMIT)
    await scene.case("case_b")
    await scene.decide(SUSPEND, "case_b")
    scene.now += 10_000
    await scene.work()
    assert (await scene.limits()).suspended
    await scene.bench.decisions.reverse(LEA, "case_b", "wrong")
    await scene.work()
    limits = await scene.limits()
    assert limits.no_new_conversations
    assert not limits.suspended


async def test_the_platform_lifts_no_decision_and_no_decision_lifts_the_platforms_word(
    scene: Scene,
) -> None:
    people = scene.accounts.people
    await people.suspend(ALICE, suspended=True)
    await scene.case()
    await scene.decide(SUSPEND)
    scene.now += 10_000
    await scene.work()
    await people.suspend(ALICE, suspended=False)
    assert (await scene.limits()).suspended
    await people.suspend(ALICE, suspended=True)
    await scene.bench.decisions.reverse(LEA, "case_a", "wrong")
    await scene.work()
    assert await scene.limits() == NONE
    assert (await people.person(ALICE)).suspended


@pytest.mark.parametrize("after", [False, True], ids=["just before", "just after"])
@pytest.mark.parametrize("at", range(9))
async def test_whatever_it_dies_at_all_is_done_once_in_the_end(
    scene: Scene, at: int, after: bool
) -> None:
    signed = await scene.accounts.alice()
    await scene.case()
    await scene.decide(EVERYTHING)
    scene.now += 10_000
    scene.fate.left, scene.fate.after = at, after
    await scene.work()
    scene.now += AGAIN_MS
    await scene.work()
    limits = await scene.limits()
    assert limits.terminated
    assert limits.labels == {"watch"}
    assert scene.removed == [(ROOM, EVENT)]
    with pytest.raises(UnknownTokenError):
        await scene.accounts.who(signed.access_token, scene.now)
    kept = (await scene.accounts.people.person(ALICE)).measures
    assert len(kept) == len(EVERYTHING.actions) - len(REMOVE.actions)
    # And undone as surely.
    scene.fate.left = at
    await scene.bench.decisions.reverse(LEA, "case_a", "wrong")
    await scene.work()
    assert await scene.limits() == NONE
    assert await scene.can_sign_in()
    assert scene.jobs == {}


STEPS = st.sampled_from(["limit", "suspend", "undo", "reverse", "wait", "work", "again"])


@given(st.lists(STEPS, max_size=14), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
async def test_in_the_end_a_person_stands_where_the_events_say(
    steps: list[str], random: Random
) -> None:
    scene = Scene()
    await scene.case()
    for step in steps:
        decisions = scene.bench.decisions
        try:
            if step in {"limit", "suspend"}:
                await decisions.decide(ANNA, "case_a", LIMIT if step == "limit" else SUSPEND)
            elif step == "undo":
                await decisions.undo(ANNA, "case_a")
            elif step == "reverse":
                await decisions.reverse(LEA, "case_a", "wrong")
            elif step == "wait":
                scene.now += random.choice([5_000, 10_000, HOUR])
            else:
                # Tasks come in any order, and come again.
                scene.known = set() if step == "again" else scene.known
                mixed = list(scene.jobs.items())
                random.shuffle(mixed)
                scene.jobs = dict(mixed)
                await scene.work()
        except ReviewError:
            # A refusal is an answer too.
            continue
    scene.known = set()
    scene.now += 10_000
    await scene.work()
    story = await scene.bench.decisions.story("case_a")
    await scene.bench.agrees()
    limits, stands = await scene.limits(), story.decision
    kinds = {one.kind for one in stands.measures} if stands is not None else set()
    assert limits.suspended == (Kind.SUSPENDED in kinds)
    assert limits.no_new_conversations == (Kind.NO_NEW_CONVERSATIONS in kinds)
    assert scene.jobs == {}
    scene.accounts.close()


async def test_grooming_ends_the_account_with_two_of_the_vault(scene: Scene) -> None:
    await scene.name_her()
    await scene.bench.case(
        "case_v",
        holder=CARA,
        subject=ALICE,
        reason="child_safety.grooming",
        queue="child_safety",
        rank=0,
        child_safety=True,
    )
    choice = Choice(
        reason="child_safety.grooming",
        actions=(Action(kind=Kind.TERMINATED), Action(kind=Kind.NO_MINORS)),
    )
    with pytest.raises(SecondPersonError):
        await scene.bench.decisions.decide(CARA, "case_v", choice)
    await scene.bench.decisions.confirm(CARL, "case_v")
    await scene.work()
    limits = await scene.limits(NOW + 10_000 * DAY)
    assert limits.terminated
    assert limits.no_minors


def _given() -> Any:
    from halfdoor.accounts.signin import Given

    return Given()
