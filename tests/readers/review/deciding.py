"""A desk in memory with a case on it, and the people who decide about it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.load import load
from halfdoor.policy.review import Desk, Queue, Reason, Review
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.decisions import Decisions
from halfdoor.readers.review.leases import held
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Report,
)
from halfdoor.readers.review.replay import replay
from halfdoor.readers.review.store import DeskChange
from halfdoor.safety.measures import Kind

NOW = 1_795_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SUBJECT, REPORTER = "@bad:x", "@child:x"
ROOM, EVENT = "!room:x", "$event"


def reason(key: str, rank: int, **more: object) -> Reason:
    facts = {
        "key": key,
        "title": key,
        "words": "Something.",
        "queue": "child_safety" if more.get("child_safety") else "harassment",
        "rank": rank,
        "claim_minutes": 15,
        "decide_minutes": 60,
        **more,
    }
    return msgspec.convert(facts, Reason)


REVIEW = Review(
    desk=Desk(jitter_hours=12, undo_seconds=10),
    queues=(
        Queue(name="harassment", title="Harassment"),
        Queue(name="child_safety", title="Child safety", role="child_safety"),
    ),
    reasons=(
        reason("spam.bulk", 3),
        reason("harassment.targeted", 2),
        reason("threat.life", 1, danger=True),
        reason("hate.severe", 1),
        reason("child_safety.grooming", 0, child_safety=True, danger=True),
    ),
)
ANNA = StaffMember(id="anna", name="Heron", roles=frozenset({"reviewer"}), place="FI")
BERT = StaffMember(id="bert", name="Crane", roles=frozenset({"reviewer"}), place="FI")
LEA = StaffMember(id="lea", name="Swan", roles=frozenset({"lead"}), place="FI")
CARA = StaffMember(id="cara", name="Stork", roles=frozenset({"child_safety"}), place="FI")
CARL = StaffMember(id="carl", name="Ibis", roles=frozenset({"child_safety"}), place="FI")
ADAM = StaffMember(id="adam", name="Owl", roles=frozenset({"admin"}), place="FI")

WARN = Choice(reason="harassment.targeted", actions=(Action(kind=Kind.WARNING),))
LIMIT = Choice(
    reason="harassment.targeted", actions=(Action(kind=Kind.NO_NEW_CONVERSATIONS, days=7),)
)
SUSPEND = Choice(reason="harassment.targeted", actions=(Action(kind=Kind.SUSPENDED, days=30),))
END = Choice(reason="hate.severe", actions=(Action(kind=Kind.TERMINATED),))
URGENT = Choice(reason="threat.life", actions=(Action(kind=Kind.SUSPENDED, days=7),))
NOTHING = Choice(facts="It is an answer to an insult.")
REMOVE = Choice(
    reason="harassment.targeted",
    actions=(Action(kind=Kind.REMOVE_MESSAGE, room=ROOM, scope=EVENT),),
)


@dataclass
class Town:
    """Who people are, whom they know, and who is in which conversation."""

    bands: dict[str, str] = field(default_factory=dict)
    known: dict[str, frozenset[str]] = field(default_factory=dict)
    pairs: set[str] = field(default_factory=lambda: {ROOM})

    async def person(self, user: str) -> PersonRecord:
        return PersonRecord(user=user, age_band=self.bands.get(user, "adult"))

    async def look_anew(self, users: Iterable[str]) -> None:
        """Everything is known here at once."""

    async def connections(self, user: str) -> frozenset[str]:
        return self.known.get(user, frozenset())

    async def is_pair(self, room: str) -> bool:
        return room in self.pairs


@dataclass
class Moving:
    """A clock that moves when it is told to."""

    now: int = NOW

    def now_ms(self) -> int:
        return self.now


class BusyDesk(FakeDesk):
    """A desk at which others come between each reading and the writing after it."""

    async def case(self, id: str) -> Case | None:
        await asyncio.sleep(0)
        return await super().case(id)

    async def events(self, case: str) -> list[ModerationEvent]:
        await asyncio.sleep(0)
        return await super().events(case)

    async def commit(self, change: DeskChange) -> tuple[Case, ...]:
        await asyncio.sleep(0)
        return await super().commit(change)


class Bench:
    """Decisions over a desk in memory; chance is what the test says."""

    def __init__(self, review: Review = REVIEW, clock: Moving | None = None) -> None:
        self.desk = BusyDesk()
        self.town = Town()
        self.clock = clock or Moving()
        self.delay = HOUR
        self.asked_below: list[int] = []
        self.hurried: list[int] = []
        self.review = review
        self.decisions = Decisions(
            desk=self.desk,
            review=review,
            conflicts=Conflicts(self.desk, self.town),
            people=self.town,
            company=self.town,
            clock=self.clock,
            below=self.chance,
            soon=self.hurry,
        )

    def hurry(self, after_ms: int) -> None:
        self.hurried.append(after_ms)

    def chance(self, bound: int) -> int:
        self.asked_below.append(bound)
        return self.delay

    async def case(
        self, id: str = "case_a", *, holder: StaffMember | None = ANNA, **facts: object
    ) -> Case:
        """Open a case with one report, in the hands of *holder*."""
        made = {
            "id": id,
            "kind": CaseKind.REPORT,
            "subject": SUBJECT,
            "reason": "harassment.targeted",
            "queue": "harassment",
            "rank": 2,
            "state": CaseState.OPEN,
            "opened": self.clock.now,
            "due": self.clock.now + HOUR,
            "reports": 1,
            "victims": (REPORTER,),
        }
        case = Case(**{**made, **facts})  # type: ignore[arg-type]
        report = Report(
            id=f"rep_{id}",
            case=id,
            reporter=REPORTER,
            subject=SUBJECT,
            at=self.clock.now,
            reason=case.reason,
            room=ROOM,
            events=(EVENT,),
        )
        change = DeskChange(
            cases=(case,),
            reports=(report,),
            evidence=(self.item(id, case.subject),),
            events=(self.event(id, "reported"),),
        )
        await self.desk.commit(change)
        return await self.hold(id, holder) if holder is not None else await self.at(id)

    def item(
        self, case: str, sender: str, room: str = ROOM, event: str = EVENT, **more: object
    ) -> Evidence:
        """Return evidence that *sender* wrote *event*."""
        facts = {
            "id": f"evd_{case}_{event}",
            "report": f"rep_{case}",
            "case": case,
            "reporter": REPORTER,
            "room": room,
            "event_id": event,
            "sender": sender,
            "ts": self.clock.now,
            "seq": 1,
            **dict.fromkeys(("hh", "header", "fields", "body", "blob"), b""),
            **more,
        }
        return Evidence(**facts)  # type: ignore[arg-type]

    async def vault(self, id: str = "case_v", holder: StaffMember = CARA) -> Case:
        """Open a case in the vault."""
        return await self.case(
            id,
            holder=holder,
            reason="child_safety.grooming",
            queue="child_safety",
            rank=0,
            child_safety=True,
        )

    async def hold(self, id: str, staff: StaffMember) -> Case:
        """Let *staff* claim the case."""
        mine = held(await self.at(id), staff.id, self.clock.now, 10)
        event = self.event(id, "claimed", staff.id)
        return (await self.desk.commit(DeskChange(cases=(mine,), events=(event,))))[0]

    def event(self, id: str, kind: str, actor: str = "") -> ModerationEvent:
        return ModerationEvent(case=id, n=0, at=self.clock.now, kind=kind, actor=actor)

    async def at(self, id: str = "case_a") -> Case:
        case = await self.desk.case(id)
        assert case is not None
        return case

    async def agrees(self, id: str = "case_a") -> None:
        """Look whether the events of the case tell what its record says."""
        story = replay(await self.desk.events(id))
        assert story.agrees_with(await self.at(id))

    async def kinds(self, id: str = "case_a") -> list[str]:
        return [one.kind for one in await self.desk.events(id)]

    def tasks(self, queue: str) -> list[int]:
        """Return when the tasks of a queue are to be done, relative to the beginning."""
        return sorted(one.run_at - NOW for one in self.desk.tasks.values() if one.queue == queue)


def shipped() -> Review:
    """Return the review policy that comes with the package."""
    return load(None).review
