"""A desk in memory with a decided case of the vault on it, and everything a referral needs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace
from tests.readers.review.deciding import ANNA, CARA, CARL, LEA, NOW, REVIEW, Moving
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.choices import Decision
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.cyber_tip_facts import Filer, IncidentType, Party
from halfdoor.readers.review.exhibits import Exhibits
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Report,
    StaffEntry,
)
from halfdoor.readers.review.referral_events import ReferralRequest
from halfdoor.readers.review.referral_filing import Filing
from halfdoor.readers.review.referrals import Referrals
from halfdoor.readers.review.store import DeskChange
from halfdoor.safety.measures import Kind, Measure
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import XWING, PrivateKey, PublicKey

CASE = "case_one"
SUBJECT, CHILD = "@mallory:a.example", "@kim:a.example"
LATER = NOW + 60_000
CANARY = "do not tell your mum"
DAY = 86_400_000
ENTICEMENT = ReferralRequest(incident=IncidentType.ENTICEMENT)
FILER = Filer(service="Chat", first_name="Ada", last_name="Lo", email="safety@a.example")
__all__ = ["ANNA", "CARA", "CARL", "LEA", "NOW", "REVIEW"]


class KeptFiles:
    """Sealed files in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def keep(self, name: str, sealed: bytes) -> None:
        self.kept[name] = sealed

    async def read(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def destroy(self, name: str) -> bool:
        return self.kept.pop(name, None) is not None


class Key:
    """The child-safety key; `opened` counts how often the private part was asked for."""

    def __init__(self) -> None:
        self.key = PrivateKey.generate(XWING)
        self.opened = 0

    def public(self) -> PublicKey:
        return self.key.public

    def private(self) -> PrivateKey:
        self.opened += 1
        return self.key


class Town:
    """Who people are, and that nobody of the staff knows any of them."""

    async def look_anew(self, users: Iterable[str]) -> None:
        """Everything is known here at once."""

    async def connections(self, user: str) -> frozenset[str]:
        return frozenset()

    async def party(self, user: str) -> Party:
        return Party(user=user, age_band="13-15" if user == CHILD else "adult")


@dataclass
class Opener:
    """Opens what was reported; `opened` is what, in which order. *bad* does not open."""

    desk: FakeDesk
    opened: list[str] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)

    async def open_evidence(self, case: Case, evidence: Evidence) -> tuple[bytes, bool]:
        # What is opened without a line in the log before it was opened in secret.
        assert any(line.what == "refer" and line.case == CASE for line in self.desk.log)
        assert evidence.case == case.id
        if evidence.id in self.bad:
            raise Denied
        self.opened.append(evidence.id)
        return evidence.body, True


def evidence(n: int, text: str = CANARY) -> Evidence:
    fields = EventFields(
        event_id=f"${n}", sender=SUBJECT, device="", ts=NOW - 1000 + n, type="m.room.message"
    )
    return Evidence(
        id=f"evd_{n}",
        report="rep_one",
        case=CASE,
        reporter=CHILD,
        room="!room:a.example",
        event_id=f"${n}",
        sender=SUBJECT,
        ts=fields.ts,
        seq=n,
        hh=b"",
        header=b"",
        fields=msgspec.json.encode(fields),
        body=msgspec.json.encode({"body": f"{text} {n}", "msgtype": "m.text"}),
        blob=b"",
    )


def decided_event(**changes: object) -> ModerationEvent:
    """Return the event of a decision that ended the account."""
    ended = Measure(id="dec_1.1", kind=Kind.TERMINATED, decision="dec_1", starts=NOW)
    decision = Decision(
        id="dec_1",
        case=CASE,
        subject=SUBJECT,
        reason="child_safety.grooming",
        rank=0,
        by=CARA.id,
        at=NOW,
        undo_until=NOW,
        acts_at=NOW,
        starts=NOW,
        measures=(ended,),
    )
    return ModerationEvent(
        case=CASE,
        n=0,
        at=NOW,
        kind="decided",
        actor=CARA.id,
        detail=msgspec.json.encode(replace(decision, **changes)),
    )


class VaultDesk:
    """All of it."""

    def __init__(self, *, send: bool = False) -> None:
        self.clock = Moving(LATER)
        self.desk = FakeDesk()
        self.files = KeptFiles()
        self.key = Key()
        self.opener = Opener(self.desk)
        self.referrals = Referrals(
            desk=self.desk,
            conflicts=Conflicts(self.desk, Town()),
            exhibits=Exhibits(self.opener),
            persons=Town(),
            files=self.files,
            key=self.key,
            filer=FILER,
            review=REVIEW,
            clock=self.clock,
            send=send,
        )
        self.filing = Filing(desk=self.desk, files=self.files, key=self.key, clock=self.clock)

    async def open(self, *, told: bool = True, **changes: object) -> Case:
        """Put the case on the desk: decided by one, with three messages that nobody viewed.

        Its events tell of the decision where *told*.
        """
        public, private = new_case_key()
        case = Case(
            id=CASE,
            kind=CaseKind.REPORT,
            subject=SUBJECT,
            reason="child_safety.grooming",
            queue="child_safety",
            rank=0,
            state=CaseState.DECIDED,
            opened=NOW - 5000,
            due=NOW,
            child_safety=True,
            reports=1,
            victims=(CHILD,),
            decided_by=CARA.id,
            decided_at=NOW,
            key_public=public,
            key_sealed=private,
        )
        report = Report(
            id="rep_one",
            case=CASE,
            reporter=CHILD,
            subject=SUBJECT,
            at=NOW - 5000,
            reason=case.reason,
            room="!room:a.example",
            events=("$1", "$2", "$3"),
            note="he scares me",
        )
        (written,) = await self.desk.commit(
            DeskChange(
                cases=(replace(case, **changes),),
                reports=(report,),
                evidence=(evidence(1), evidence(2), evidence(3)),
                events=(decided_event(),) if told else (),
            )
        )
        return written

    async def viewed(self, *names: str, by: StaffMember = CARA, what: str = "reveal") -> None:
        """Let somebody reveal evidence, as the log of the desk says it."""
        lines = tuple(
            StaffEntry(at=NOW, staff=by.id, what=what, case=CASE, about=name, reason="to judge")
            for name in names
        )
        await self.desk.commit(DeskChange(log=lines))

    async def decided_to_refer(self, second: str | None) -> None:
        """Let a decision that says so follow."""
        event = decided_event(id="dec_2", second=second, refer=True)
        await self.desk.commit(DeskChange(events=(event,)))

    def kinds(self) -> list[str]:
        """What the log says was done, in its order."""
        return [line.what for line in self.desk.log]
