"""Who is limited is refused at their next request, in words that say what they can do about it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.apps.opened_house import PASSWORD, SERVER, Person, make, open_house, user
from tests.readers.review.deciding import ANNA, BERT, END, LEA, Bench, Moving

from halfdoor.accounts.errors import UserInUseError
from halfdoor.accounts.records import MeasureRecord
from halfdoor.apps.enforcing import Enforcing
from halfdoor.apps.holding import Holding, hold_name
from halfdoor.apps.house import House
from halfdoor.apps.work import Work
from halfdoor.ids import bucket
from halfdoor.messaging.removal import Removal
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.readers.review.freezing import Freezing
from halfdoor.readers.review.judging import ENFORCE
from halfdoor.readers.review.store import DeskChange
from halfdoor.safety.measures import Kind
from halfdoor.store.jobs import Job

ALICE = user("alice")
DAY = 86_400_000


class Front:
    """A house with two people who talk, and a desk that decides about the first."""

    def __init__(self, house: House, clock: Moving) -> None:
        self.house = house
        self.clock = clock
        self.bench = Bench(clock=clock)
        self.alice, self.ben = Person(house, "alice"), Person(house, "ben")
        self.room = ""
        jobs = house.store.jobs
        server = f"@server:{SERVER}"
        removal = Removal(
            store=house.store.conversations, rooms=house.rooms, keeper=house.keeper, server=server
        )
        enforcing = Enforcing(
            desk=self.bench.desk,
            people=house.people,
            sessions=house.devices,
            removal=removal,
            wakeups=house.wakeups,
            jobs=jobs,
        )
        holding = Holding(house.store.retention, jobs)
        self.work = Work(jobs, {ENFORCE: enforcing, "freeze": holding}, clock)

    async def begin(self, band: str = "adult") -> None:
        for one in (self.alice, self.ben):
            await make(self.house, one.name, "adult")
            await one.sign_in()
        await self.house.people.connect(ALICE, self.ben.user, "platform", self.clock.now)
        self.room = await self.alice.room_with([self.ben.user])
        await self.ben.must("POST", f"/rooms/{quote(self.room)}/join", {})
        await self.house.people.change({self.ben.user: {"age_band": band}})

    async def say(self, text: str, **content: Any) -> tuple[int, Any]:
        path = f"/rooms/{quote(self.room)}/send/m.room.message/{text}"
        return await self.alice.call("PUT", path, {"msgtype": "m.text", "body": text, **content})

    async def measure(self, kind: Kind, **more: Any) -> None:
        """Let a measure hold from now on."""
        one = MeasureRecord(
            id=f"dec.{kind}", kind=kind.value, decision="dec", starts=self.clock.now, **more
        )
        await self.house.people.change({ALICE: {"measures": (one,)}})

    async def add(self, job: Job) -> None:
        await self.house.store.jobs.add(job)
        await self.work.go_on()

    async def enforce(self) -> None:
        """Do what the desk's tasks ask for by now."""
        for one in self.bench.desk.tasks.values():
            if one.queue == ENFORCE:
                job = Job(
                    ub=bucket("review"),
                    id=one.id,
                    queue=one.queue,
                    run_at=one.run_at,
                    payload=one.payload,
                )
                await self.house.store.jobs.add(job)
        await self.work.go_on(10)


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    clock = Moving()
    house = open_house(tmp_path, clock=clock)
    made = Front(house, clock)
    await made.begin()
    yield made
    await house.close()


async def test_a_suspended_person_reads_and_leaves_and_is_told_why_not_to_write(
    front: Front,
) -> None:
    await front.say("before")
    await front.measure(Kind.SUSPENDED, ends=front.clock.now + DAY)
    status, answer = await front.say("after")
    assert (status, answer["errcode"]) == (403, "M_USER_SUSPENDED")
    for method, path, body in (
        ("POST", "/createRoom", {"invite": [front.ben.user]}),
        ("PUT", f"/profile/{quote(ALICE)}/displayname", {"displayname": "x"}),
    ):
        status, answer = await front.alice.call(method, path, body)
        assert (status, answer["errcode"]) == (403, "M_USER_SUSPENDED")
    await front.alice.must("GET", f"/rooms/{quote(front.room)}/messages?dir=b")
    await front.alice.must("GET", "/sync?timeout=0")
    front.clock.now += DAY
    assert (await front.say("again"))[0] == 200
    await front.measure(Kind.TERMINATED)
    await front.alice.must("POST", f"/rooms/{quote(front.room)}/leave", {})


async def test_no_new_conversations_and_no_media_say_so(front: Front) -> None:
    await front.measure(Kind.NO_NEW_CONVERSATIONS)
    await front.measure(Kind.NO_MEDIA)
    status, answer = await front.alice.call("POST", "/createRoom", {"invite": [front.ben.user]})
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    assert answer["org.halfdoor.reason"] == "own_no_new_conversations"
    status, answer = await front.say("picture", msgtype="m.image", url="mxc://a/b")
    assert (status, answer["org.halfdoor.reason"]) == (403, "own_no_media")
    assert "contest" in answer["error"]
    assert (await front.say("words"))[0] == 200
    back = await front.house.people.person(ALICE)
    front.clock.now += 1
    measures = tuple(
        msgspec.structs.replace(one, reversed=front.clock.now) for one in back.measures
    )
    await front.house.people.change({ALICE: {"measures": measures}})
    assert (await front.say("picture2", msgtype="m.image", url="mxc://a/b"))[0] == 200


async def test_no_contact_with_minors_does_not_tell_who_is_one(front: Front) -> None:
    await front.house.people.change({front.ben.user: {"age_band": "13-15"}})
    assert (await front.say("before"))[0] == 200
    await front.measure(Kind.NO_MINORS)
    status, answer = await front.say("after")
    assert (status, answer["org.halfdoor.reason"]) == (403, "not_reachable")
    assert "no_minors" not in str(answer)


async def test_what_was_limited_before_a_restart_is_limited_after_it(
    tmp_path: Path,
) -> None:
    clock = Moving()
    house = open_house(tmp_path, clock=clock)
    front = Front(house, clock)
    await front.begin()
    token = front.alice.caller.token
    await front.measure(Kind.NO_MEDIA)
    await house.close()
    house = open_house(tmp_path, clock=clock)
    again = Front(house, clock)
    again.room, again.alice.caller.token = front.room, token
    assert (await again.say("picture", msgtype="m.image"))[0] == 403
    await house.close()


async def test_a_decision_becomes_true_at_the_front_door_and_is_reversed(front: Front) -> None:
    event = (await front.say("what is reported"))[1]["event_id"]
    bench = front.bench
    bench.town.pairs.clear()
    await bench.case(subject=ALICE)
    item = bench.item("case_a", ALICE, room=front.room, event=event)
    await bench.desk.commit(DeskChange(evidence=(item,)))
    choice = Choice(
        reason="threat.life",
        actions=(
            Action(kind=Kind.REMOVE_MESSAGE, room=front.room, scope=event),
            Action(kind=Kind.SUSPENDED, days=7),
        ),
    )
    await bench.decisions.decide(ANNA, "case_a", choice)
    await front.enforce()
    assert (await front.say("no"))[1]["errcode"] == "M_USER_SUSPENDED"
    path = f"/rooms/{quote(front.room)}/messages?dir=b&limit=50"
    shown = (await front.ben.must("GET", path))["chunk"]
    assert next(one for one in shown if one["event_id"] == event)["content"] == {}
    # The platform says that they are not suspended; the decision stands.
    await front.house.people.suspend(ALICE, suspended=False)
    assert (await front.say("no"))[1]["errcode"] == "M_USER_SUSPENDED"
    front.clock.now += 60_000
    await bench.decisions.reverse(LEA, "case_a", "wrong")
    await front.enforce()
    assert (await front.say("yes"))[0] == 200


async def test_an_ended_account_is_out_at_once_and_its_name_stays_taken(front: Front) -> None:
    await front.bench.case(subject=ALICE)
    with pytest.raises(SecondPersonError):
        await front.bench.decisions.decide(ANNA, "case_a", END)
    front.bench.town.pairs.clear()
    await front.bench.decisions.confirm(BERT, "case_a")
    front.clock.now += 10_000
    await front.enforce()
    status, answer = await front.alice.call("GET", "/account/whoami")
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    answer = await front.alice.sign_in(PASSWORD)
    assert answer["errcode"] == "M_USER_DEACTIVATED"
    with pytest.raises(UserInUseError):
        await front.house.register.check_free("alice")
    assert front.house.keyring.sessions(ALICE) == []


async def test_a_reported_conversation_is_held_for_a_year_and_nobody_notices(front: Front) -> None:
    await front.say("kept")
    before = await front.ben.must("GET", "/sync?timeout=0")
    until = front.clock.now + 365 * DAY
    await front.add(freeze_job("freeze-1", held_for(front.room, until), front))
    (held,) = await front.house.store.retention.freezes(front.room)
    assert (held.hold, held.until) == (hold_name("case_v"), until)
    # A later report makes it longer, one that comes late does not make it shorter.
    for number, other in (("2", until + DAY), ("3", until - DAY)):
        await front.add(freeze_job(f"freeze-{number}", held_for(front.room, other), front))
    (held,) = await front.house.store.retention.freezes(front.room)
    assert held.until == until + DAY
    after = await front.ben.must("GET", f"/sync?timeout=0&since={quote(before['next_batch'])}")
    assert front.room not in after.get("rooms", {}).get("join", {})
    await front.say("as before")
    await front.add(freeze_job("freeze-4", held_for("!gone:example.org", until), front))
    assert await front.house.store.jobs.claim(front.clock.now + 400 * DAY, 1) is None


def freeze_job(name: str, asked: Freezing, front: Front) -> Job:
    return Job(
        ub=bucket("review"),
        id=name,
        queue="freeze",
        run_at=front.clock.now,
        payload=msgspec.json.encode(asked),
    )


def held_for(room: str, until: int) -> Freezing:
    return Freezing(case="case_v", room=room, until=until)
