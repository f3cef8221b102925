"""A desk in memory with everything that tells people, and reviewers who decide."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.messaging.little_house import FixedClock
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.telling_work import TellingWork
from halfdoor.messaging.server_notices import NoKeyYetError
from halfdoor.policy.load import load
from halfdoor.readers.review.appeals import Appeals
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.decisions import Decisions
from halfdoor.readers.review.grouping import Circumstances, grown, new_case
from halfdoor.readers.review.noticeboard import Noticeboard
from halfdoor.readers.review.records import Case, CaseState, Evidence, Report
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.telling import QUEUE, Telling
from halfdoor.safety.measures import Kind
from halfdoor.store.jobs import Job

ROLES = frozenset({"reviewer", "child_safety", "lead"})
RUTH = StaffMember(id="stf_ruth", name="Ruth", roles=ROLES, place="FI")
SAM = StaffMember(id="stf_sam", name="Sam", roles=ROLES, place="FI")
MALLORY, ALICE, BOB = "@mallory:a.example", "@alice:a.example", "@bob:a.example"
ROOM = "!room:a.example"
HOUR, DAY = 3_600_000, 86_400_000
LIMIT = Choice(
    reason="harassment.targeted", actions=(Action(kind=Kind.NO_NEW_CONVERSATIONS, days=7),)
)
NOTHING = Choice()


@dataclass
class FakePeople:
    """Ages, countries, connections, and who is still here."""

    records: dict[str, PersonRecord] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)

    async def person(self, user: str) -> PersonRecord:
        return self.records.get(user) or PersonRecord(user=user)

    async def look_anew(self, users: Iterable[str]) -> None:
        self.looked |= set(users)

    async def connections(self, user: str) -> frozenset[str]:
        return frozenset()

    async def exists(self, user: str) -> bool:
        return user not in self.gone

    async def erased(self, user: str) -> bool:
        return user in self.gone


@dataclass
class FakeCompany:
    """Conversations of more than two, by name; all others are of two."""

    groups: set[str] = field(default_factory=set)

    async def is_pair(self, room: str) -> bool:
        return room not in self.groups


@dataclass
class FakeVoice:
    """What was said in the app, once for each notice id."""

    said: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    keyless: set[str] = field(default_factory=set)
    why: type[Exception] = NoKeyYetError
    calls: int = 0

    async def say(self, user: str, notice: str, content: dict[str, Any]) -> str | None:
        if user in self.keyless:
            raise self.why
        self.calls += 1
        self.said.setdefault(notice, (user, content))
        return notice

    def to(self, user: str) -> list[str]:
        return [content["body"] for whom, content in self.said.values() if whom == user]


class FakeJobs:
    """The tasks of a desk as jobs that somebody works on."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk
        self.over: set[str] = set()
        self._later: dict[str, int] = {}

    def due(self, now: int) -> list[Job]:
        return [
            Job(ub=0, id=one.id, queue=one.queue, run_at=now, payload=one.payload)
            for one in self._desk.tasks.values()
            if one.queue == QUEUE
            and one.id not in self.over
            and self._later.get(one.id, one.run_at) <= now
        ]

    async def end(self, job: Job) -> None:
        self.over.add(job.id)

    async def save(self, job: Job, payload: bytes, run_at: int) -> Job:
        assert payload == job.payload
        self._later[job.id] = run_at
        return replace(job, run_at=run_at)


class TellingDesk:
    """Everything of the desk that tells people."""

    def __init__(self, *, delay: int = 0) -> None:
        """*delay* (ms) is by how much measures in a conversation of two come later."""
        self.clock = FixedClock()
        self.desk = FakeDesk()
        self.review = load(None).review
        self.people = FakePeople()
        self.company = FakeCompany()
        self.voice = FakeVoice()
        self.jobs = FakeJobs(self.desk)
        self.conflicts = Conflicts(self.desk, self.people)
        self.telling = Telling(
            desk=self.desk, review=self.review, people=self.people, clock=self.clock
        )
        self.decisions = Decisions(
            desk=self.desk,
            review=self.review,
            conflicts=self.conflicts,
            people=self.people,
            company=self.company,
            clock=self.clock,
            below=lambda most: min(delay, most - 1),
        )
        self.appeals = Appeals(
            desk=self.desk,
            review=self.review,
            decisions=self.decisions,
            conflicts=self.conflicts,
            clock=self.clock,
        )
        self.board = Noticeboard(self.desk, self.clock)
        self.work = TellingWork(
            jobs=self.jobs,  # type: ignore[arg-type]  # the part of it that this work uses
            desk=self.desk,
            telling=self.telling,
            voice=self.voice,  # type: ignore[arg-type]  # the part of it that this work uses
            accounts=self.people,
            clock=self.clock,
        )
        self._numbers = itertools.count(1)

    async def report(
        self,
        reporter: str = ALICE,
        reason: str = "harassment.targeted",
        *,
        subject: str = MALLORY,
        room: str | None = ROOM,
        hidden: bool = False,
    ) -> Report:
        """File a report, as the intake does, with one piece of evidence that says when."""
        number, now = next(self._numbers), self.clock.now
        leaf = self.review.reason(reason)
        assert leaf is not None
        report = Report(
            id=f"rep_{number}",
            case="",
            reporter=reporter,
            subject=subject,
            at=now,
            reason=reason,
            room=room,
            events=(f"$event{number}",) if room else (),
            hidden=hidden,
        )
        case = await self.desk.open_case(subject, leaf.queue)
        case = (
            grown(case, report, leaf, Circumstances())
            if case is not None
            else new_case(f"case_{number}", report, leaf, Circumstances(), new_case_key())
        )
        report = replace(report, case=case.id)
        told = await self.telling.receipt(report)
        evidence = () if room is None else (_evidence(report, room, number, now - DAY),)
        await self.desk.commit(
            DeskChange(
                cases=(case,),
                reports=(report,),
                evidence=evidence,
                notices=told.notices,
                tasks=told.tasks,
            )
        )
        return report

    async def claim(self, case: str, staff: StaffMember = RUTH) -> Case:
        """Put a case into somebody's hands."""
        held = await self.desk.case(case)
        assert held is not None
        mine = replace(
            held, holder=staff.id, lease_until=self.clock.now + HOUR, state=CaseState.CLAIMED
        )
        return (await self.desk.commit(DeskChange(cases=(mine,))))[0]

    async def decide(self, case: str, choice: Choice = LIMIT, staff: StaffMember = RUTH) -> None:
        """Claim a case and decide it."""
        await self.claim(case, staff)
        await self.decisions.decide(staff, case, choice)

    async def work_on(self) -> None:
        """Do what is due by now, until nothing is."""
        while due := self.jobs.due(self.clock.now):
            for job in due:
                await self.work.step(job, self.clock.now)

    async def later(self, ms: int) -> None:
        """Let time pass, and do what is due then."""
        self.clock.now += ms
        await self.work_on()

    async def told(self, user: str, *, hidden: bool = False) -> list[dict[str, Any]]:
        """Return what somebody is told by the API, oldest first."""
        return (await self.board.listed(user, hidden=hidden))[::-1]

    async def kinds(self, user: str, *, hidden: bool = False) -> list[str]:
        return [one["kind"] for one in await self.told(user, hidden=hidden)]


def _evidence(report: Report, room: str, number: int, ts: int) -> Evidence:
    return Evidence(
        id=f"evd_{number}",
        report=report.id,
        case=report.case,
        reporter=report.reporter,
        room=room,
        event_id=f"$event{number}",
        sender=report.subject,
        ts=ts,
        seq=number,
        hh=bytes(32),
        header=b"{}",
        fields=msgspec.json.encode({}),
        body=b"\x01secret words",
        blob=b"",
    )
