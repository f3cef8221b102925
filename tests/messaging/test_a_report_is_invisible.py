"""What a subject or a guardian can fetch is the same, byte for byte, with and without a report.

SAFETY §5.10, SEALING §8 no. 50: until a measure is due.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from tests.messaging.little_house import FixedClock
from tests.messaging.whole_house import V3, Client, WholeHouse
from tests.store.postgres_houses import WHOLE, Postgresql

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.long_work import desk_workers
from halfdoor.apps.stores import DatabasePlace, open_postgres
from halfdoor.apps.work import Work
from halfdoor.messaging.removal import Company
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.decisions import Decisions
from halfdoor.readers.review.errors import SecondPersonError
from halfdoor.safety.measures import Kind
from halfdoor.store.jobs import Job, JobStore
from halfdoor.store.outerkey import outer_key_file

OWN = "/_matrix/client/unstable/org.halfdoor"
HOUR, DAY = 3_600_000, 86_400_000
DELAY = 5 * HOUR
ROLES = frozenset({"reviewer", "child_safety", "lead"})
RUTH = StaffMember(id="stf_ruth", name="Ruth", roles=ROLES, place="FI")
SAM = StaffMember(id="stf_sam", name="Sam", roles=ROLES, place="FI")
HARASSED, GROOMED = "harassment.targeted", "child_safety.grooming"
# Ids, positions and each house's own public key, which are random or name what is random.
_IDS = re.compile(
    r"[$!][A-Za-z0-9_-]{18,43}(?::localhost)?|default\.\d+\.[0-9a-f]{8}\.\d+|\b[A-Z]{10}\b"
    r"|(?:rep|ntc|case)_[A-Za-z0-9_-]{22}|\"receipt_key\": \"[^\"]+\""
)


@dataclass
class Story:
    """What differs between two runs; everything else happens in both."""

    path: str = ""  # "event", "room" or "user": how it is reported, "" for not at all
    extension: dict[str, Any] = field(default_factory=dict)
    # What becomes of it: "" for nothing, else "reveal", "nothing", "label", "limit", "child".
    review: str = ""
    # Blocks are invisible for themselves, so they are there in both.
    blocks: bool = False


def same_names(text: str, names: dict[str, str]) -> str:
    """Give every random id the name of its first appearance."""
    return _IDS.sub(lambda found: names.setdefault(found[0], f"id{len(names)}"), text)


def counted_anew(text: str) -> str:
    """Count what `same_names` named once more: some of it is gone from *text*."""
    names: dict[str, str] = {}
    return re.sub(r"\bid\d+\b", lambda one: names.setdefault(one[0], f"n{len(names)}"), text)


def first_difference(one: str, other: str) -> str:
    """Return where two runs part, "" where they are the same byte for byte."""
    if one == other:
        return ""
    at = next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    return f"{one[max(0, at - 300) : at + 300]} <-> {other[max(0, at - 300) : at + 300]}"


# --- the house ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Postgresql]:
    server = Postgresql.started()
    yield server
    server.stop()


@asynccontextmanager
async def open_house(folder: Path, server: Postgresql | None) -> AsyncIterator[WholeHouse]:
    clock = FixedClock()
    if server is None:
        house = WholeHouse(folder, clock=clock)
    else:
        data = folder / "data"
        key = outer_key_file(folder / "outer.key", data, make=True)
        place = DatabasePlace(url=server.dsn(await server.create(WHOLE)))
        opened = await open_postgres(place, data, key, clock, alone=True)
        house = WholeHouse(folder, opened=opened, clock=clock)
    try:
        yield house
    finally:
        await house.house.close()


def decisions_in(house: WholeHouse) -> Decisions:
    """Return the desk's decisions, with a delay that one can wait for."""
    inside = house.house
    return Decisions(
        desk=inside.desk.store,
        review=inside.desk.review,
        conflicts=inside.desk.conflicts,
        people=inside.people,
        company=Company(inside.rooms),
        clock=inside.clock,
        below=lambda most: min(DELAY, most - 1),
    )


class NobodyListens:
    """The platform's end of webhooks: every one is taken, and nothing comes of it."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def step(self, job: Job, now: int) -> None:
        await self._jobs.end(job)


async def wait(house: WholeHouse, ms: int) -> None:
    """Let time pass, and the work of that time be done."""
    house.clock.now += ms
    inside = house.house
    jobs = inside.store.jobs
    workers = {**desk_workers(inside), "webhook": NobodyListens(jobs)}
    await Work(jobs, workers, inside.clock).go_on(20.0)
    await inside.sweep_seldom()


# --- what happens -------------------------------------------------------------------------------


async def file(who: Client, room: str, event: str, whom: Client, story: Story) -> None:
    """Report as *story* says."""
    path = {
        "event": f"{V3}/rooms/{quote(room)}/report/{quote(event)}",
        "room": f"{V3}/rooms/{quote(room)}/report",
        "user": f"{V3}/users/{quote(whom.user)}/report",
    }[story.path]
    await who.ask("POST", path, {"org.halfdoor.report": story.extension})


async def review(house: WholeHouse, story: Story, subject: Client) -> None:
    """Let reviewers work on the case about *subject*."""
    desk, decisions = house.house.desk, decisions_in(house)
    case = (await desk.store.cases_about(subject.user))[0]
    await desk.cases.claim(RUTH, case.id)
    evidence = await desk.store.evidence(case.id)
    for one in evidence:
        await desk.reveals.reveal(RUTH, case.id, one.id, "to judge it")
    limit = Action(kind=Kind.NO_NEW_CONVERSATIONS, days=7)
    choices = {
        "nothing": Choice(),
        "label": Choice(reason=HARASSED, actions=(Action(kind=Kind.LABEL, scope="watch"),)),
        "limit": Choice(reason=HARASSED, actions=(limit,)),
        "warn": Choice(reason=HARASSED, actions=(Action(kind=Kind.WARNING),)),
        "child": Choice(reason=GROOMED, actions=(limit,)),
    }
    choice = choices.get(story.review)
    if choice is None:
        return
    try:
        await decisions.decide(RUTH, case.id, choice)
    except SecondPersonError:
        await decisions.confirm(SAM, case.id)


# --- what is looked at --------------------------------------------------------------------------


class Viewer:
    """Somebody who fetches everything there is to fetch, again and again."""

    def __init__(self, client: Client, room: str, event: str, other: Client) -> None:
        self.client, self.room, self.event, self.other = client, room, event, other
        self.since: str | None = None
        self.seen: list[Any] = []
        self._turn = 0

    async def look(self) -> None:
        self._turn += 1
        answer = await self.client.sync(self.since)
        self.since = answer["next_batch"]
        self.seen += [answer, await self.client.sync()]
        for method, path, body in (*self._quiet(), *self._loud()):
            self.seen.append([unquote(path), await self.client.any_status(method, path, body)])

    def _quiet(self) -> list[tuple[str, str, Any]]:
        """Return what changes nothing."""
        room, event = quote(self.room), quote(self.event)
        me, other = quote(self.client.user), quote(self.other.user)
        here = f"{V3}/rooms/{room}"
        paths = [
            f"{here}/messages?dir=b&limit=50",
            f"{here}/messages?dir=f&limit=50",
            f"{here}/state",
            f"{here}/members",
            f"{here}/joined_members",
            f"{here}/context/{event}",
            f"{here}/event/{event}",
            f"/_matrix/client/v1/rooms/{room}/relations/{event}",
            f"{V3}/joined_rooms",
            f"{V3}/profile/{me}",
            f"{V3}/profile/{other}",
            f"{V3}/account/whoami",
            f"{V3}/capabilities",
            f"{V3}/devices",
            f"{V3}/pushrules/",
            f"{V3}/user/{me}/account_data/m.direct",
            f"{V3}/user/{other}/account_data/m.direct",
            f"{V3}/user/{me}/rooms/{room}/tags",
            f"{OWN}/pending",
            f"{OWN}/notices",
            f"{OWN}/notices?hidden=true",
            f"{OWN}/notices/ntc_AAAAAAAAAAAAAAAAAAAAAA",
            f"{OWN}/notices/ntc_AAAAAAAAAAAAAAAAAAAAAA/statement",
            f"{OWN}/reports",
            f"{OWN}/reports/reasons",
            f"{OWN}/reports/rep_AAAAAAAAAAAAAAAAAAAAAA",
            f"{OWN}/people/{other}/reports",
            f"{OWN}/people/{me}/reports",
        ]
        asked: list[tuple[str, str, Any]] = [("GET", path, None) for path in paths]
        words = {"text": "tell me"}
        return [
            *asked,
            ("POST", f"{V3}/user_directory/search", {"search_term": "alice"}),
            ("POST", f"{OWN}/notices/ntc_AAAAAAAAAAAAAAAAAAAAAA/appeal", words),
            ("POST", f"{OWN}/reports/rep_AAAAAAAAAAAAAAAAAAAAAA/complaint", words),
        ]

    def _loud(self) -> list[tuple[str, str, Any]]:
        """Return what others may notice: words, invitations, signs of life."""
        room, turn = quote(self.room), self._turn
        here = f"{V3}/rooms/{room}"
        said = {"msgtype": "m.text", "body": f"are you there? {turn}"}
        return [
            ("PUT", f"{here}/send/m.room.message/turn{turn}", said),
            ("PUT", f"{here}/typing/{quote(self.client.user)}", {"typing": True, "timeout": 1}),
            ("POST", f"{here}/receipt/m.read/{quote(self.event)}", {}),
            ("POST", f"{here}/invite", {"user_id": self.other.user}),
            ("POST", f"{V3}/createRoom", {"invite": [self.other.user], "is_direct": True}),
            ("PUT", f"{V3}/profile/{quote(self.client.user)}/displayname", {"displayname": "B"}),
        ]

    def all(self) -> str:
        return same_names(json.dumps(self.seen), {})


class Screens(Viewer):
    """Another device of the reporter's account: what it shows to whoever picks it up."""

    def __init__(self, client: Client, room: str) -> None:
        super().__init__(client, room, "", client)

    def _quiet(self) -> list[tuple[str, str, Any]]:
        here = f"{V3}/rooms/{quote(self.room)}"
        paths = [f"{OWN}/notices", f"{OWN}/reports", f"{V3}/devices", f"{here}/messages?dir=b"]
        return [("GET", path, None) for path in paths]

    def _loud(self) -> list[tuple[str, str, Any]]:
        return []


@dataclass
class Seen:
    """All that each viewer saw: of the subject and the guardian before anything was due, and then.

    `screens` is what the reporter's own account shows on another device, without being asked for
    what is hidden.
    """

    subject: str = ""
    guardian: str = ""
    screens: str = ""
    afterwards: str = ""


async def the_course_of_things(
    folder: Path, story: Story, server: Postgresql | None = None
) -> Seen:
    """Run the same day with or without a report, and return all that anybody got to see."""
    async with open_house(folder, server) as house:
        alice, bob = await house.person("alice", "16-17"), await house.person("bob", "adult")
        gwen = await house.person("gwen", "adult")
        await house.house.people.change({alice.user: {"guardian": gwen.user, "dm_choice": True}})
        for one, other in ((alice, bob), (alice, gwen)):
            await house.connect(one, other)
        room, home = await bob.create(alice), await gwen.create(alice)
        for place in (room, home):
            await alice.join(place)
        event = await bob.say(room, "you are so grown up")
        await alice.say(room, "leave me alone")
        mothers = await gwen.say(home, "dinner")
        second = await house.device(alice.user, device_id="tablet-in-the-kitchen")
        subject, guardian = Viewer(bob, room, event, alice), Viewer(gwen, home, mothers, alice)
        screens = Screens(second, room)
        for viewer in (subject, guardian, screens):
            await viewer.look()
        # The reporter's client is there at that moment, whatever it does.
        await alice.sync()
        if story.blocks and not story.path:
            await house.house.people.block(alice.user, bob.user, house.clock.now_ms())
        if story.path:
            await file(alice, room, event, bob, story)
        await wait(house, 60_000)
        for viewer in (subject, guardian, screens):
            await viewer.look()
        if story.review:
            await review(house, story, bob)
        # Past the time to take it back, and short of the measure.
        for pause in (11_000, DELAY - 60_000):
            await wait(house, pause)
            for viewer in (subject, guardian, screens):
                await viewer.look()
        seen = Seen(subject.all(), guardian.all(), screens.all())
        await wait(house, 3 * DAY)
        before = len(subject.seen)
        await subject.look()
        await wait(house, 1_000)
        await subject.look()
        seen.afterwards = same_names(json.dumps(subject.seen[before:]), {})
        await guardian.look()
        seen.guardian = guardian.all()
        return seen


# --- the promise --------------------------------------------------------------------------------

EVENT = {"reason": HARASSED, "note": "he will not stop"}
CHILD = {"reason": GROOMED, "note": "he is 40"}
STORIES = {
    "a message": Story("event", EVENT),
    "a message, by a stock client": Story("event", {}),
    "a conversation": Story("room", {"reason": HARASSED}),
    "a person": Story("user", {"reason": HARASSED}),
    "child safety, which freezes": Story("event", CHILD),
    "hidden": Story("event", {**CHILD, "hidden": True, "tell_guardian": True}),
    "revealed to a reviewer": Story("event", EVENT, "reveal"),
    "decided: nothing found": Story("event", EVENT, "nothing"),
    "decided: only watched": Story("event", EVENT, "label"),
    "decided: limited, not yet due": Story("event", EVENT, "limit"),
    "decided: warned, not yet due": Story("event", EVENT, "warn"),
}
# After which the subject never learns of anything.
UNSEEN = ("revealed to a reviewer", "decided: nothing found", "decided: only watched", "hidden")


async def test_a_report_changes_nothing_that_subject_or_guardian_can_fetch(tmp_path: Path) -> None:
    without = await the_course_of_things(tmp_path / "without", Story())
    assert "are you there? 3" in without.subject
    for name, story in STORIES.items():
        with_it = await the_course_of_things(tmp_path / name.replace(" ", "-"), story)
        assert first_difference(with_it.subject, without.subject) == "", name
        assert first_difference(with_it.guardian, without.guardian) == "", name
        if name in UNSEEN:
            assert first_difference(with_it.afterwards, without.afterwards) == "", name
        if story.extension.get("hidden"):
            # Nor does another device of the reporter's own account show a trace.
            assert first_difference(with_it.screens, without.screens) == "", name


async def test_a_guardian_is_told_of_the_report_for_which_the_child_says_so(
    tmp_path: Path,
) -> None:
    without = await the_course_of_things(tmp_path / "without", Story())
    for decision, ending in (("", ""), ("nothing", "nothing")):
        story = Story("event", {**EVENT, "tell_guardian": True}, decision)
        told = await the_course_of_things(tmp_path / f"told-{decision}", story)
        assert first_difference(told.subject, without.subject) == ""
        assert HARASSED in told.guardian
        assert (f'"outcome": "{ending}"' in told.guardian) is bool(ending)
        # Not what was said, nor by whom, nor in which conversation.
        (own,) = re.findall(
            r'people/@alice:localhost/reports", \[200, \{"reports": (\[\{.*?\}\])', told.guardian
        )[-1:]
        assert set(json.loads(own)[0]) <= {
            *("id", "at", "reason", "reason_title", "state", "outcome", "outcome_at")
        }
        assert "he will not stop" not in told.guardian
        quiet = re.sub(
            r'(people/@alice:localhost/reports", \[200, \{"reports": )\[.*?\]',
            r"\1[]",
            told.guardian,
        )
        assert first_difference(counted_anew(quiet), counted_anew(without.guardian)) == ""


async def test_with_a_block_nothing_changes_either(tmp_path: Path) -> None:
    blocked = await the_course_of_things(tmp_path / "blocked", Story(blocks=True))
    for hidden in (False, True):
        story = Story("event", {**CHILD, "block": True, "hidden": hidden}, blocks=True)
        reported = await the_course_of_things(tmp_path / f"reported-{hidden}", story)
        assert first_difference(reported.subject, blocked.subject) == ""
        assert first_difference(reported.guardian, blocked.guardian) == ""
        assert first_difference(reported.afterwards, blocked.afterwards) == ""
        if hidden:
            assert first_difference(reported.screens, blocked.screens) == ""
        else:
            assert "We got your report" in reported.screens


@pytest.mark.parametrize("decision", ["limit", "warn"])
async def test_once_a_measure_is_due_the_subject_sees_it_and_the_guardian_does_not(
    tmp_path: Path, decision: str
) -> None:
    without = await the_course_of_things(tmp_path / "without", Story())
    acted = await the_course_of_things(tmp_path / "acted", Story("event", EVENT, decision))
    # That the comparison above notices anything at all.
    assert acted.afterwards != without.afterwards
    assert "contest_until" in acted.afterwards
    assert first_difference(acted.guardian, without.guardian) == ""


async def test_the_same_in_postgresql(tmp_path: Path, postgresql: Postgresql) -> None:
    without = await the_course_of_things(tmp_path / "without", Story(), postgresql)
    story = Story("event", {**EVENT, "block": False}, "limit")
    with_it = await the_course_of_things(tmp_path / "with", story, postgresql)
    assert first_difference(with_it.subject, without.subject) == ""
    assert first_difference(with_it.guardian, without.guardian) == ""
    assert with_it.afterwards != without.afterwards
