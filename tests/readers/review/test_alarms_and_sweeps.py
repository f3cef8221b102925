"""A case that is late raises one alarm, and a claim without a sign ends by itself."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.readers.review.desk_scene import ANNA, BERT, LEA, MINUTE, T0, Scene
from tests.readers.review_fakes import FakeDesk

from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.sweeping import Swept
from halfdoor.readers.review.webhooks import webhook_of


async def alarms(scene: Scene, case: str) -> list[bytes]:
    return [one.detail for one in await scene.desk.events(case) if one.kind == "alarm"]


def late(stage: str, due: int) -> bytes:
    return b'{"due":%d,"late":"%s"}' % (due, stage.encode())


async def test_in_time_there_is_no_alarm() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    assert await scene.cases.sweep(T0 + 15 * MINUTE - 1) == Swept()
    scene.clock.pass_minutes(14)
    await scene.cases.claim(ANNA, case.id)
    scene.clock.pass_minutes(9)
    await scene.cases.heartbeat(ANNA, case.id)
    assert await scene.cases.sweep(scene.clock.now) == Swept()
    assert await alarms(scene, case.id) == []
    assert not scene.cases.alarms


async def test_a_case_claimed_too_late_raises_one_alarm() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    now = scene.clock.pass_minutes(15)
    assert await scene.cases.sweep(now) == Swept(alarms=1)
    assert await scene.cases.sweep(now) == Swept()
    assert await scene.cases.sweep(scene.clock.pass_minutes(600)) == Swept()
    assert await alarms(scene, case.id) == [late("claim", case.due)]
    assert scene.cases.alarms == {"claim": 1}
    event = (await scene.desk.events(case.id))[-1]
    told = webhook_of(event)
    assert told is not None
    assert (told.type, told.late) == ("case.alarm", "claim")


async def test_a_late_claim_that_no_sweep_saw_raises_the_alarm_itself() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    scene.clock.pass_minutes(15.5)
    await scene.cases.claim(ANNA, case.id)
    assert await scene.kinds(case.id) == ["reported", "alarm", "claimed"]
    assert scene.cases.alarms == {"claim": 1}
    assert await scene.cases.sweep(scene.clock.now) == Swept()


async def test_each_case_raises_one_alarm_for_each_thing_that_is_late() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    await scene.cases.sweep(scene.clock.pass_minutes(16))
    claimed = await scene.cases.claim(ANNA, case.id)
    for _ in range(8):
        scene.clock.pass_minutes(8)
        await scene.cases.heartbeat(ANNA, case.id)
        await scene.cases.sweep(scene.clock.now)
    assert await alarms(scene, case.id) == [
        late("claim", case.due),
        late("decide", claimed.due),
    ]
    # Going from hand to hand raises none of them again.
    await scene.cases.release(ANNA, case.id)
    for who in (BERT, ANNA, BERT):
        await scene.cases.sweep(scene.clock.pass_minutes(100))
        await scene.cases.claim(who, case.id)
        await scene.cases.sweep(scene.clock.pass_minutes(100))
    assert len(await alarms(scene, case.id)) == 2
    assert scene.cases.alarms == {"claim": 1, "decide": 1}


async def test_a_case_let_go_in_time_is_to_be_claimed_again_in_time() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    await scene.cases.claim(ANNA, case.id)
    free = await scene.cases.release(ANNA, case.id)
    await scene.cases.sweep(scene.clock.pass_minutes(20))
    assert await alarms(scene, case.id) == [late("claim", free.due)]
    # It was never decided either, and the time for that runs from the first claim.
    await scene.cases.claim(BERT, case.id)
    await scene.cases.sweep(scene.clock.pass_minutes(41))
    assert await alarms(scene, case.id) == [
        late("claim", free.due),
        late("decide", T0 + 60 * MINUTE),
    ]


@pytest.mark.parametrize("state", [CaseState.ESCALATED, CaseState.SECOND])
async def test_what_waits_for_a_lead_or_a_second_person_is_late_too(state: CaseState) -> None:
    scene = Scene()
    case = await scene.case(state=state, due=T0)
    assert (await scene.cases.sweep(T0)).alarms == 1
    assert len(await alarms(scene, case.id)) == 1


@pytest.mark.parametrize("state", [CaseState.DECIDED, CaseState.CLOSED])
async def test_what_is_over_is_not_late(state: CaseState) -> None:
    scene = Scene()
    await scene.case(state=state, due=T0)
    assert await scene.cases.sweep(T0 + MINUTE) == Swept()


async def test_several_servers_sweep_at_once_and_each_alarm_goes_off_once() -> None:
    class Slow(FakeDesk):
        async def events(self, case: str) -> list[ModerationEvent]:
            found = await super().events(case)
            await asyncio.sleep(0)
            return found

    scene = Scene(Slow())
    made = [await scene.case("threat.life") for _ in range(5)]
    held = [await scene.case("threat.life") for _ in range(3)]
    for case in held:
        await scene.cases.claim(ANNA, case.id)
    now = scene.clock.pass_minutes(15)
    servers = [scene.server(scene.desk)[0] for _ in range(3)]
    swept = await asyncio.gather(*(one.sweep(now) for one in servers))
    assert sum(one.alarms for one in swept) == 5
    assert sum(one.let_go for one in swept) == 3
    assert sum(one.alarms["claim"] for one in servers) == 5
    for case in made:
        assert len(await alarms(scene, case.id)) == 1
    for case in held:
        assert (await scene.kinds(case.id)).count("released") == 1


async def test_more_late_cases_than_one_look_finds_are_all_found() -> None:
    scene = Scene()
    case = await scene.case("threat.life")
    for n in range(1100):
        await scene.desk.commit(DeskChange(cases=(replace(case, id=f"case_x{n}", revision=0),)))
    assert (await scene.cases.sweep(T0 + 15 * MINUTE)).alarms == 1101


async def test_what_never_stands_still_is_left_to_the_next_sweep() -> None:
    class Restless(FakeDesk):
        restless = False

        async def commit(self, change: DeskChange) -> tuple[Case, ...]:
            if self.restless:
                raise StaleCaseError("it moved on")
            return await super().commit(change)

    desk = Restless()
    scene = Scene(desk)
    late, lapsed = await scene.case("threat.life"), await scene.case("spam.unwanted")
    for n in range(600):
        await desk.commit(DeskChange(cases=(replace(late, id=f"case_x{n}", revision=0),)))
    await scene.cases.claim(ANNA, lapsed.id)
    now = scene.clock.pass_minutes(15)
    desk.restless = True
    assert await scene.cases.sweep(now) == Swept()
    assert not scene.cases.alarms
    desk.restless = False
    assert await scene.cases.sweep(now) == Swept(alarms=601, let_go=1)


async def test_more_lapsed_claims_than_one_look_finds_all_end() -> None:
    scene = Scene()
    case = await scene.case("spam.unwanted")
    held = await scene.cases.claim(ANNA, case.id)
    for n in range(1100):
        await scene.desk.commit(DeskChange(cases=(replace(held, id=f"case_x{n}", revision=0),)))
    assert (await scene.cases.sweep(T0 + 10 * MINUTE)).let_go == 1101


async def test_a_lapsed_claim_waits_for_somebody_again() -> None:
    scene = Scene()
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    assert await scene.cases.sweep(T0 + 10 * MINUTE - 1) == Swept()
    now = scene.clock.pass_minutes(10)
    assert await scene.cases.sweep(now) == Swept(let_go=1)
    free = await scene.kept(case.id)
    assert (free.state, free.holder, free.lease_until) == (CaseState.OPEN, None, 0)
    event, detail = await scene.last(case.id)
    assert (event.kind, event.actor, detail) == ("released", "", {"lapsed": "anna"})
    assert [one.id for one in await scene.cases.queue(BERT)] == [case.id]
    assert await scene.cases.next(BERT) is not None


async def test_a_second_person_who_falls_silent_lets_another_one_look() -> None:
    scene = Scene()
    case = await scene.case(state=CaseState.SECOND)
    await scene.cases.claim(ANNA, case.id)
    assert await scene.cases.queue(BERT) == []
    await scene.cases.sweep(scene.clock.pass_minutes(10))
    free = await scene.kept(case.id)
    assert (free.state, free.holder) == (CaseState.SECOND, None)
    assert (await scene.cases.claim(LEA, case.id)).holder == "lea"


async def test_a_sign_at_the_last_moment_keeps_the_case() -> None:
    """The sweep looked before the sign came, and writes after it."""

    class Late(FakeDesk):
        until = 0

        async def events(self, case: str) -> list[ModerationEvent]:
            if self.until:
                kept = await self.case(case)
                assert kept is not None
                longer = replace(kept, lease_until=self.until)
                self.until = 0
                await self.commit(DeskChange(cases=(longer,)))
            return await super().events(case)

    desk = Late()
    scene = Scene(desk)
    case = await scene.case()
    await scene.cases.claim(ANNA, case.id)
    now = scene.clock.pass_minutes(10)

    desk.until = now + MINUTE
    assert await scene.cases.sweep(now) == Swept()
    assert (await scene.kept(case.id)).holder == "anna"
