"""A report by HTTP, a decision at the desk of the same house, and what the next request is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.apps.opened_house import Person, make, open_house, user
from tests.readers.review.deciding import Moving

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.house import House
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.readers.review.records import CaseState
from halfdoor.readers.review.replay import measures_of, replay
from halfdoor.safety.measures import NONE, Kind, fold

ALICE, BEN = user("alice"), user("ben")
ROLES = frozenset({"reviewer", "lead", "child_safety"})
ANNA = StaffMember(id="stf_anna", name="Heron", roles=ROLES, place="FI")
BERT = StaffMember(id="stf_bert", name="Crane", roles=ROLES, place="FI")
OWN = "/_matrix/client/unstable/org.halfdoor"
YEAR_MS = 365 * 86_400_000


class Scene:
    """Alice wrote to Ben, who is 14, and he can report it."""

    def __init__(self, house: House, clock: Moving) -> None:
        self.house = house
        self.clock = clock
        self.alice, self.ben = Person(house, "alice"), Person(house, "ben")
        self.room = self.event = ""
        self.sent = 0

    async def begin(self) -> None:
        for one in (self.alice, self.ben):
            await make(self.house, one.name, "adult")
            await one.sign_in()
        await self.house.people.connect(ALICE, BEN, "platform", self.clock.now)
        self.room = await self.alice.room_with([BEN])
        await self.ben.must("POST", f"/rooms/{quote(self.room)}/join", {})
        await self.house.people.change({BEN: {"age_band": "13-15"}})
        self.event = (await self.say("meet me, and tell nobody"))[1]["event_id"]

    async def say(self, text: str) -> tuple[int, Any]:
        self.sent += 1
        path = f"/rooms/{quote(self.room)}/send/m.room.message/{self.sent}"
        return await self.alice.call("PUT", path, {"msgtype": "m.text", "body": text})

    async def report(self, reason: str) -> str:
        """Report the message; return the id of the case."""
        path = f"/rooms/{quote(self.room)}/report/{quote(self.event)}"
        await self.ben.must("POST", path, {"org.halfdoor.report": {"reason": reason}})
        (case,) = await self.house.desk.store.cases_about(ALICE)
        return case.id

    async def decide(self, case: str, choice: Choice) -> None:
        """Let one decide and another agree, where that is due."""
        await self.house.desk.cases.claim(ANNA, case)
        try:
            await self.house.desk.decisions.decide(ANNA, case, choice)
        except SecondPersonError:
            await self.house.desk.decisions.confirm(BERT, case)

    async def work(self) -> None:
        await self.house.work.go_on(10)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = Moving()
    house = open_house(tmp_path, clock=clock)
    made = Scene(house, clock)
    await made.begin()
    yield made
    await house.close()


async def test_who_is_reported_is_limited_at_once_and_free_after_a_reversal(scene: Scene) -> None:
    case = await scene.report("threat.life")
    choice = Choice(
        reason="threat.life",
        actions=(
            Action(kind=Kind.NO_MINORS, days=30),
            Action(kind=Kind.REMOVE_MESSAGE, room=scene.room, scope=scene.event),
        ),
    )
    await scene.decide(case, choice)
    await scene.work()
    status, answer = await scene.say("why?")
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    page = await scene.ben.must("GET", f"/rooms/{quote(scene.room)}/messages?dir=b&limit=20")
    shown = {one["event_id"]: one for one in page["chunk"]}
    assert shown[scene.event]["content"] == {}
    scene.clock.now += 60_000
    await scene.house.desk.decisions.reverse(BERT, case, "the wrong person")
    await scene.work()
    assert (await scene.say("thank you"))[0] == 200
    events = await scene.house.desk.store.events(case)
    found = await scene.house.desk.store.case(case)
    assert found is not None
    assert replay(events).agrees_with(found)
    assert found.state is CaseState.CLOSED
    assert fold(measures_of(replay(events)), scene.clock.now) == NONE


async def test_a_decision_survives_a_crash_before_anything_of_it_is_done(
    scene: Scene, tmp_path: Path
) -> None:
    case = await scene.report("threat.life")
    choice = Choice(reason="threat.life", actions=(Action(kind=Kind.SUSPENDED, days=7),))
    await scene.decide(case, choice)
    token = scene.alice.caller.token
    await scene.house.close()
    house = open_house(tmp_path, clock=scene.clock)
    again = Scene(house, scene.clock)
    again.room, again.sent, again.alice.caller.token = scene.room, scene.sent, token
    await again.work()
    assert (await again.say("no"))[1]["errcode"] == "M_USER_SUSPENDED"
    scene.house = house


async def test_a_suspended_person_may_report_and_read_what_they_are_told(scene: Scene) -> None:
    case = await scene.report("threat.life")
    choice = Choice(reason="threat.life", actions=(Action(kind=Kind.SUSPENDED, days=7),))
    await scene.decide(case, choice)
    await scene.work()
    assert (await scene.say("no"))[1]["errcode"] == "M_USER_SUSPENDED"
    page = await scene.alice.must("GET", f"/rooms/{quote(scene.room)}/messages?dir=b&limit=20")
    assert page["chunk"]
    path = f"/users/{quote(BEN)}/report"
    await scene.alice.must("POST", path, {"reason": "he began"})
    for name in ("reports", "notices"):
        status, answer = await scene.alice.caller.call("GET", f"{OWN}/{name}", None)
        assert status == 200, msgspec.json.decode(answer)
    await scene.alice.must("POST", f"/rooms/{quote(scene.room)}/leave", {})


async def test_a_child_safety_report_holds_the_conversation_and_two_end_the_account(
    scene: Scene,
) -> None:
    case = await scene.report("child_safety.grooming")
    await scene.work()
    (held,) = await scene.house.store.retention.freezes(scene.room)
    assert held.until == scene.clock.now + YEAR_MS
    choice = Choice(
        reason="child_safety.grooming",
        actions=(Action(kind=Kind.TERMINATED), Action(kind=Kind.NO_MINORS)),
    )
    await scene.decide(case, choice)
    await scene.work()
    status, answer = await scene.alice.call("GET", "/account/whoami")
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert (await scene.alice.sign_in())["errcode"] == "M_USER_DEACTIVATED"
    await scene.ben.must("GET", "/sync?timeout=0")
