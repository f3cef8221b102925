"""Reports, cases and what belongs to them, for the tests of the review desk's rows."""

import random
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.readers.review_fakes import FakeDesk

from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Notice,
    Report,
    StaffEntry,
    Task,
)
from halfdoor.readers.review.store import DeskChange, DeskStore, QueuePage

NOW = 1_790_000_000_000
# Names that stand in no other test: some are looked for in all that a server holds.
MALLORY = "@mallory.reported:a.example"
QUEUES = ("harassment", "vault", "other")
REASONS = ("harassment.targeted", "other.spam")
PEOPLE = (MALLORY, "@oscar:a.example", "@trudy:a.example")
REPORTERS = ("@kim.reports:a.example", "@lee.reports:a.example", "@noa.reports:a.example")
STAFF = ("staff_ann", "staff_ben")


def case(id: str = "case_a", **more: Any) -> Case:
    """Return a fresh case about Mallory."""
    known: dict[str, Any] = {
        "kind": CaseKind.REPORT,
        "subject": MALLORY,
        "reason": REASONS[0],
        "queue": QUEUES[0],
        "rank": 1,
        "state": CaseState.OPEN,
        "opened": NOW,
        "due": NOW + 900_000,
        "weight": 0.75,
        "victims": (REPORTERS[0],),
        "key_public": b"\x01public",
        "key_sealed": b"\x01private",
    }
    return Case(id=id, **(known | more))


def report(id: str = "rep_a", case: str = "case_a", **more: Any) -> Report:
    """Return a report by Kim."""
    known: dict[str, Any] = {
        "reporter": REPORTERS[0],
        "subject": MALLORY,
        "at": NOW,
        "reason": REASONS[0],
        "note": "they know where I live",
        "room": "!room:a.example",
        "events": ("$one", "$two"),
        "receipt": b"signed",
    }
    return Report(id=id, case=case, **(known | more))


def evidence(id: str = "evd_a", case: str = "case_a", report: str = "rep_a") -> Evidence:
    """Return one event that Kim handed over."""
    return Evidence(
        id=id,
        report=report,
        case=case,
        reporter=REPORTERS[0],
        room="!room:a.example",
        event_id="$one",
        sender=MALLORY,
        ts=NOW,
        seq=3,
        hh=b"h" * 32,
        header=b"{}",
        fields=msgspec.json.encode({"sender": MALLORY}),
        body=b"\x01sealed body of the event",
        blob=b"\x01key of the event",
    )


def happened(kind: str = "reported", case: str = "case_a", **more: Any) -> ModerationEvent:
    """Return something that happened."""
    known: dict[str, Any] = {"at": NOW, "actor": REPORTERS[0]}
    return ModerationEvent(case=case, n=0, kind=kind, **(known | more))


def did(what: str = "reveal", **more: Any) -> StaffEntry:
    """Return what somebody of the staff did."""
    known: dict[str, Any] = {"at": NOW, "staff": STAFF[0], "case": "case_a", "reason": "to judge"}
    return StaffEntry(what=what, **(known | more))


def told(id: str = "ntc_a", **more: Any) -> Notice:
    """Return what Kim is told."""
    known: dict[str, Any] = {
        "user": REPORTERS[0],
        "case": "case_a",
        "kind": "receipt",
        "at": NOW,
        "show_at": NOW,
        "body": b'{"words":"we got your report"}',
    }
    return Notice(id=id, **(known | more))


def whole_change(**more: Any) -> DeskChange:
    """Return a change with a row of every kind."""
    known: dict[str, Any] = {
        "cases": (case(reports=1),),
        "reports": (report(),),
        "evidence": (evidence(),),
        "events": (happened(),),
        "log": (did("file"),),
        "notices": (told(),),
        "tasks": (Task(id="task_a", queue="enforce", run_at=NOW, payload=b"what to do"),),
    }
    return DeskChange(**(known | more))


def some_change(chance: random.Random, known: list[Case], number: int) -> DeskChange:
    """Return a change that fits *known*: new cases, others that move on, and what belongs."""
    cases = [
        case(
            f"case_{number}_{i}",
            subject=chance.choice(PEOPLE),
            reason=chance.choice(REASONS),
            queue=chance.choice(QUEUES),
            rank=chance.randrange(4),
            kind=chance.choice(list(CaseKind)),
            opened=NOW + chance.randrange(5),
            due=NOW + chance.randrange(4),
            minor=chance.random() < 0.4,
            language=chance.choice((None, "de", "pt")),
        )
        for i in range(chance.randrange(4))
    ]
    moving = chance.sample(known, min(len(known), chance.randrange(3)))
    cases += [
        replace(
            one,
            state=chance.choice(list(CaseState)),
            holder=chance.choice((None, *STAFF)),
            due=NOW + chance.randrange(6),
            alarmed=chance.random() < 0.3,
        )
        for one in moving
    ]
    ids = [one.id for one in (*known, *cases)] or ["case_none"]
    of = [chance.choice(ids) for _ in range(6)] if ids != ["case_none"] else []
    return DeskChange(
        cases=tuple(cases),
        reports=tuple(
            report(
                f"rep_{number}_{i % 4}",
                one,
                reporter=chance.choice(REPORTERS),
                subject=chance.choice(PEOPLE),
                at=NOW + chance.randrange(5),
            )
            for i, one in enumerate(of)
        ),
        evidence=tuple(evidence(f"evd_{number}_{i % 4}", one) for i, one in enumerate(of)),
        events=tuple(happened("noted", one, at=NOW + chance.randrange(5)) for one in of),
        destroyed=tuple({one for one in of[:1] if chance.random() < 0.3}),
        log=tuple(did(f"act {i}") for i in range(chance.randrange(3))),
        notices=tuple(
            told(
                f"ntc_{chance.randrange(number + 2)}",
                user=chance.choice(REPORTERS),
                show_at=NOW + chance.randrange(5),
            )
            for _ in range(2)
        ),
    )


async def everything(desk: DeskStore, plain: FakeDesk, after: list[Case]) -> list[Any]:
    """Return the answers of *desk* to every question, about what *plain* knows."""
    found: list[Any] = [await desk.counts(), await desk.staff_log(0, 1000)]
    found += [await desk.staff_log(n, 3) for n in range(0, len(plain.log) + 2, 2)]
    for one in after:
        found += [await desk.case(one.id), await desk.reports(one.id)]
        found += [await desk.evidence(one.id), await desk.events(one.id)]
    for person in PEOPLE:
        found += [await desk.cases_about(person), await desk.cases_about(person, 2)]
        found += [await desk.open_case(person, queue) for queue in QUEUES]
        found += [await desk.reporters_of(person, NOW + n) for n in range(4)]
    for person in REPORTERS:
        found += [await desk.reports_by(person, NOW + 2), await desk.reports_by(person, 0, 3)]
        found += [await desk.notices(person, NOW + n, 4) for n in range(4)]
        found += [await desk.notice(person, f"ntc_{n}") for n in range(4)]
    found += [await desk.held_by(staff) for staff in STAFF]
    found += [await desk.overdue(NOW + n, 5) for n in range(6)]
    found += [await desk.events_since(NOW + 2, 7), await desk.report("rep_1_0")]
    found += [await desk.events_after(n, 9) for n in (0, 4, 50, 10_000)]
    pages = [
        QueuePage(queues=QUEUES, states=tuple(CaseState), limit=1000),
        QueuePage(queues=QUEUES, states=tuple(CaseState), limit=1000, by_rank=True),
        QueuePage(queues=QUEUES[:2], minor=True),
        QueuePage(queues=QUEUES[:2], minor=False, by_rank=True),
        QueuePage(queues=QUEUES, language="de", reason=REASONS[1]),
        QueuePage(queues=(), limit=5),
    ]
    for page in pages:
        found.append(await desk.queue(page))
        found += [await desk.queue(replace(page, after=one.id, limit=4)) for one in after[::3]]
    return found
