"""A simulated day: 10,000 reports, 100 reviewers, and no child waits longer than 15 minutes.

The desk's own code hands out every case; the people are simulated. Time is a number, so that a day
takes seconds and is the same each time.
"""

import heapq
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace
from tests.readers.review.desk_scene import DAY, MINUTE, REVIEW, T0, Scene, member
from tests.readers.review_fakes import OVER, FakeDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Reason
from halfdoor.readers.review.grouping import Circumstances, grown, new_case
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent, Report, StaffEntry
from halfdoor.readers.review.staff_log import check_lines
from halfdoor.readers.review.store import Counts, DeskChange, QueuePage

REPORTS = 10_000
REVIEWERS = 100
HOUR = 60 * MINUTE
# Of 100 reports so many are of this reason; the rest is spam.
SHARES = {
    "child_safety.grooming": 3,
    "child_safety.csam": 1,
    "threat.life": 2,
    "self_harm.risk": 1,
    "sextortion.threat": 3,
    "harassment.targeted": 25,
    "hate.speech": 10,
    "scam.fraud": 20,
}
# How busy each hour of the day is, against the others.
HOURS = (2, 1, 1, 1, 1, 2, 3, 4, 4, 4, 4, 5, 5, 5, 6, 7, 8, 8, 9, 9, 8, 7, 5, 3)


class QuickDesk(FakeDesk):
    """The desk in memory with an index over what is still to be decided, for a day's worth."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[str, Case] = {}
        self.of_case: defaultdict[str, list[Report]] = defaultdict(list)

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        written = await super().commit(change)
        for case in written:
            if case.state in OVER:
                self.live.pop(case.id, None)
            else:
                self.live[case.id] = case
        for report in change.reports:
            self.of_case[report.case].append(report)
        return written

    async def queue(self, page: QueuePage) -> list[Case]:
        return await self._of_live().queue(page)

    async def held_by(self, staff: str) -> list[Case]:
        return await self._of_live().held_by(staff)

    async def overdue(self, now: int, limit: int) -> list[Case]:
        return await self._of_live().overdue(now, limit)

    async def counts(self) -> list[Counts]:
        return await self._of_live().counts()

    async def open_case(self, subject: str, queue: str) -> Case | None:
        return await self._of_live().open_case(subject, queue)

    async def reports(self, case: str) -> list[Report]:
        return self.of_case[case]

    def _destroy(self, cases: tuple[str, ...]) -> None:
        if cases:
            super()._destroy(cases)

    def _of_live(self) -> FakeDesk:
        """Return a desk of the undecided cases alone, which answers as the whole one would."""
        part = FakeDesk()
        part._cases = self.live
        return part


@dataclass
class Reviewer:
    """Somebody at work for eight hours, from `begins` on."""

    staff: StaffMember
    begins: int
    busy_until: int = 0
    case: str | None = None
    silent: bool = False

    def is_here(self, minute: int) -> bool:
        return (minute - self.begins) % 1440 < 480


def crew() -> list[Reviewer]:
    """Return 100 people in shifts: 40 of them know child safety, most of them work at the peak."""
    people = []
    for n in range(REVIEWERS):
        # Of four people one works the night, one the day, and two overlap in the evening.
        begins = (0, 480, 840, 1020)[n % 4]
        roles = ("child_safety",) if n < 20 else ("child_safety", "reviewer")
        if n >= 40:
            roles = ("reviewer",) if n >= 48 else ("reviewer", "lead")
        out = frozenset({"hate"}) if n % 10 == 9 else frozenset()
        people.append(Reviewer(member(f"s{n:02}", *roles, opted_out=out), begins))
    return people


def arrivals(dice: random.Random) -> list[tuple[int, Reason, str]]:
    """Return the reports of a day by time: minute by minute, of which reason, about whom."""
    reasons = [REVIEW.reason(key) for key in SHARES]
    spam = REVIEW.reason("spam.unwanted")
    weights = [*SHARES.values(), 100 - sum(SHARES.values())]
    hours = dice.choices(range(24), HOURS, k=REPORTS)
    found = [
        (
            T0 + hour * HOUR + dice.randrange(HOUR),
            reason,
            # Some people are reported again and again.
            f"@u{int(dice.paretovariate(0.6)) % 6000}:x",
        )
        for hour, reason in zip(
            hours, dice.choices([*reasons, spam], weights, k=REPORTS), strict=True
        )
        if reason is not None
    ]
    return sorted(found, key=lambda one: (one[0], one[2]))


@dataclass
class Day:
    """One day at the desk."""

    seed: int
    scene: Scene = field(default_factory=lambda: Scene(QuickDesk()))
    shown: Counter[str] = field(default_factory=Counter)
    vanished: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.people = crew()
        self.done: list[tuple[int, int]] = []

    async def live(self) -> None:
        """Let the day pass, a minute at a time, and an hour more for what came last."""
        waiting = arrivals(self.dice)[::-1]
        for minute in range(25 * 60):
            now = T0 + (minute + 1) * MINUTE
            number = 0
            while waiting and waiting[-1][0] < now:
                at, reason, subject = waiting.pop()
                number += 1
                self.scene.clock.now = at
                await self._file(f"{minute:04}_{number:03}", reason, subject)
            self.scene.clock.now = now
            await self.scene.cases.sweep(now)
            await self._finish(now)
            await self._take(minute % 1440, now)

    async def _file(self, name: str, reason: Reason, subject: str) -> None:
        """File a report, as the intake does: into the open case about the person, or a new one."""
        desk, now = self.scene.desk, self.scene.clock.now
        case = await desk.open_case(subject, reason.queue)
        report = Report(
            id=f"rep_{name}",
            case=f"case_{name}" if case is None else case.id,
            reporter=f"@r{name}:x",
            subject=subject,
            at=now,
            reason=reason.key,
        )
        around = Circumstances(minor=self.dice.random() < 0.3)
        after = (
            new_case(report.case, report, reason, around, (b"", b""))
            if case is None
            else grown(case, report, reason, around)
        )
        event = happened(after, now, "reported", report.reporter)
        await desk.commit(DeskChange(cases=(after,), reports=(report,), events=(event,)))

    async def _take(self, minute: int, now: int) -> None:
        """Let everybody who is free ask for a case, until there is none for their like."""
        nothing_for: set[tuple[frozenset[str], frozenset[str]]] = set()
        for n, one in enumerate(self.people):
            like = (one.staff.roles, one.staff.opted_out)
            if one.case is not None or not one.is_here(minute) or like in nothing_for:
                continue
            case = await self.scene.cases.next(one.staff)
            if case is None:
                nothing_for.add(like)
                continue
            one.case, one.silent = case.id, self.dice.random() < 0.01
            self.vanished += one.silent
            # Somebody whose connection broke gives no sign, and comes back in half an hour.
            minutes = 30 if one.silent else self.dice.randint(2, 8)
            heapq.heappush(self.done, (now + minutes * MINUTE, n))

    async def _finish(self, now: int) -> None:
        """Let those decide who are done: two messages were looked at for it."""
        while self.done and self.done[0][0] <= now:
            one = self.people[heapq.heappop(self.done)[1]]
            name, one.case = one.case, None
            if name is None or one.silent:
                continue
            case = await self.scene.kept(name)
            assert case.holder == one.staff.id
            line = StaffEntry(at=now, staff=one.staff.id, what="reveal", case=name)
            self.shown[one.staff.id] += 2
            decided = replace(case, state=CaseState.DECIDED, holder=None, decided_at=now)
            await self.scene.desk.commit(
                DeskChange(
                    cases=(decided,),
                    events=(happened(case, now, "decided", one.staff.id),),
                    log=(line, line),
                )
            )


def first(events: Iterable[ModerationEvent], kind: str) -> int:
    """Return when *kind* first happened."""
    return next(one.at for one in events if one.kind == kind)


async def test_in_a_day_of_10000_reports_every_child_safety_case_is_claimed_in_15_minutes() -> None:
    day = Day(seed=29)
    await day.live()
    desk = day.scene.desk
    events: dict[str, list[ModerationEvent]] = desk._events
    cases = list(desk._cases.values())
    assert sum(case.reports for case in cases) == REPORTS
    vault = [case for case in cases if case.child_safety]
    assert len(vault) > 250
    waited = [first(events[one.id], "claimed") - one.opened for one in vault]
    assert max(waited) <= 15 * MINUTE
    # Nothing else is left behind for it: whatever is due within minutes was claimed in time too.
    urgent = [case for case in cases if case.rank == 0]
    assert not [one.id for one in urgent if "alarm" in {e.kind for e in events[one.id]}]
    # Some fell silent, and others took their cases up again.
    assert day.vanished > 10
    all_events = [one for of_case in events.values() for one in of_case]
    lapsed = [one for one in all_events if one.kind == "released" and one.actor == ""]
    assert len(lapsed) == day.vanished
    # Nobody was shown more than a day holds, and what was shown stands in one unbroken log.
    assert max(day.shown.values()) <= REVIEW.wellness.reveals_a_day
    worst = {one.id for one in urgent}
    severe = Counter(one.staff for one in desk.log if one.what == "reveal" and one.case in worst)
    assert max(severe.values()) <= REVIEW.wellness.severe_reveals_a_day
    check_lines(desk.log)
    assert day.scene.clock.now == T0 + DAY + HOUR


async def test_the_same_day_passes_the_same_way() -> None:
    one, two = arrivals(random.Random(7)), arrivals(random.Random(7))
    assert one == two
    assert len(one) == REPORTS
