"""A review desk in memory with real sealing: what the tests of cases and reveals share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.load import load
from halfdoor.policy.review import Review
from halfdoor.readers.review.case_keys import new_case_key, public_key
from halfdoor.readers.review.cases import Cases
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.filing import Reportable
from halfdoor.readers.review.moves import happened
from halfdoor.readers.review.receipts import ReceiptSigner
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Report,
    StaffEntry,
)
from halfdoor.readers.review.report_sources import Witness
from halfdoor.readers.review.reveal import Reveals
from halfdoor.readers.review.staff_days import StaffDays
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.sealing.cases import seal_case
from halfdoor.sealing.chain import link
from halfdoor.sealing.envelope import EventFields, seal_event
from halfdoor.sealing.epochs import NO_EPOCH, EscrowEntry, Header, parse_header
from halfdoor.sealing.labels import Denied, canonical
from halfdoor.sealing.opening.events import EventOpener

DAY = 86_400_000
MINUTE = 60_000
T0 = 20_780 * DAY + 8 * 60 * MINUTE
ROOM = "!room:a.example"
BAD, KID, PAL = "@bad:a.example", "@kid:a.example", "@pal:a.example"
CEK = bytes(range(32))
REVIEW: Review = load().review
SIGNER = ReceiptSigner(b"\x05" * 32, "a.example")


def member(id: str, *roles: str, **more: Any) -> StaffMember:
    return StaffMember(id=id, name=id.title(), roles=frozenset(roles), place="FI", **more)


ANNA = member("anna", "reviewer")
BERT = member("bert", "reviewer")
CARA = member("cara", "child_safety")
LEA = member("lea", "lead")
ADAM = member("adam", "admin")
AUDREY = member("audrey", "auditor")


def header(conv: str = ROOM) -> Header:
    """Return the header of the first epoch of a conversation."""
    form = {
        "v": 1,
        "entity": "a.example",
        "conv": conv,
        "epoch": 1,
        "day": T0 // DAY,
        "posture": "standard",
        "prev": NO_EPOCH,
        "members": [(BAD, None), (KID, None), (PAL, None)],
        "escrow": [EscrowEntry(set=bytes(32), share_commit=(bytes(32),))],
        "cek_commit": bytes(32),
    }
    return parse_header(canonical(msgspec.to_builtins(form)))


HEADER = header()


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: int = T0

    def now_ms(self) -> int:
        return self.now

    def pass_minutes(self, minutes: float) -> int:
        self.now += round(minutes * MINUTE)
        return self.now


@dataclass
class Town:
    """Who knows whom."""

    known: dict[str, frozenset[str]] = field(default_factory=dict)

    async def look_anew(self, users: Iterable[str]) -> None:
        """Everything is known here at once."""

    async def connections(self, user: str) -> frozenset[str]:
        return self.known.get(user, frozenset())


@dataclass
class Said:
    """A message as it is stored, and its key."""

    fields: EventFields
    body: bytes
    key: bytes


def say(text: str, event_id: str = "$1", sender: str = BAD, hh: bytes = HEADER.hh) -> Said:
    """Return a sealed message of a conversation."""
    fields = EventFields(
        event_id=event_id, sender=sender, device="D", ts=T0 - 1000, type="m.room.message"
    )
    content = msgspec.json.encode({"msgtype": "m.text", "body": text})
    body = seal_event(CEK, hh, fields, content)
    return Said(fields, body, EventOpener(CEK, hh).key(fields, body))


@dataclass
class Shelf:
    """The conversation ROOM as its store has it: what was said, each in its place from 1 on."""

    kept: list[Witness] = field(default_factory=list)
    # Everything before this was ended by retention.
    begins: int = 1

    def put(self, said: Said) -> int:
        """Keep *said* and return its place; the same message has one."""
        for seq, one in enumerate(self.kept, 1):
            if one == self.witnessed(said, seq):
                return seq
        self.kept.append(self.witnessed(said, len(self.kept) + 1))
        return len(self.kept)

    def exchange(self, seq: int, said: Said, hh: bytes = HEADER.hh) -> None:
        """Put *said* in the place of what is there."""
        self.kept[seq - 1] = self.witnessed(said, seq)._replace(hh=hh)

    @staticmethod
    def witnessed(said: Said, seq: int) -> Witness:
        return Witness(HEADER.hh, link(seq, said.fields, said.body))

    async def witness(self, room: str, seq: int) -> Witness | None:
        if room != ROOM or not 0 < seq <= len(self.kept):
            raise Denied
        return self.kept[seq - 1] if seq >= self.begins else None


class Scene:
    """A desk, its services over one clock, and short words for what tests do all the time."""

    def __init__(self, store: FakeDesk | None = None, review: Review = REVIEW) -> None:
        self.desk = FakeDesk() if store is None else store
        self.clock = Clock()
        self.town = Town()
        self.shelf = Shelf()
        self.review = review
        self._numbers = count(1)
        self.conflicts = Conflicts(self.desk, self.town)
        self.cases, self.reveals = self.server(self.desk)

    def server(self, store: DeskStore) -> tuple[Cases, Reveals]:
        """Return the services of one more server over the same desk."""
        days, conflicts = StaffDays(store), Conflicts(store, self.town)
        opener = EvidenceOpener(store, SIGNER.public, self.shelf)
        return (
            Cases(store, self.review, self.clock, conflicts, days),
            Reveals(store, self.review, self.clock, conflicts, days, opener),
        )

    async def case(self, reason: str = "harassment.targeted", **other: Any) -> Case:
        """Put a case on the desk, with the event that reported it; anything may be given."""
        known = self.review.reason(reason)
        assert known is not None
        public, private = new_case_key()
        now = self.clock.now
        usual: dict[str, Any] = {
            "id": f"case_{next(self._numbers):04}",
            "kind": CaseKind.REPORT,
            "subject": BAD,
            "reason": reason,
            "queue": known.queue,
            "rank": known.rank,
            "state": CaseState.OPEN,
            "opened": now,
            "due": now + known.claim_minutes * MINUTE,
            "child_safety": known.child_safety,
            "reports": 1,
            "victims": (KID,),
            "weight": 1.0,
            "key_public": public,
            "key_sealed": private,
        }
        case = Case(**usual | other)
        (written,) = await self.desk.commit(
            DeskChange(cases=(case,), events=(happened(case, now, "reported", KID),))
        )
        return written

    async def report(
        self, case: Case, *said: Said, reporter: str = KID, context: int = 0, **other: Any
    ) -> tuple[Report, list[Evidence]]:
        """Hand over messages in a report of *case*; the last *context* of them are neighbours."""
        report, evidence = self.filed(case, *said, reporter=reporter, context=context, **other)
        await self.desk.commit(DeskChange(reports=(report,), evidence=tuple(evidence)))
        return report, evidence

    def filed(
        self, case: Case, *said: Said, reporter: str = KID, context: int = 0, **other: Any
    ) -> tuple[Report, list[Evidence]]:
        """Return a report with its evidence and receipt, which nobody keeps yet."""
        number = next(self._numbers)
        chosen = said[: len(said) - context]
        usual: dict[str, Any] = {
            "id": f"rep_{number:04}",
            "case": case.id,
            "reporter": reporter,
            "subject": case.subject,
            "at": self.clock.now,
            "reason": case.reason,
            "room": ROOM,
            "events": tuple(one.fields.event_id for one in chosen),
            "context": tuple(one.fields.event_id for one in said[len(chosen) :]),
        }
        report = Report(**usual | other)
        handed = [
            (
                Reportable(
                    room=ROOM,
                    seq=self.shelf.put(one),
                    hh=HEADER.hh,
                    header=HEADER.bytes,
                    fields=one.fields,
                    body=one.body,
                ),
                n > len(chosen),
            )
            for n, one in enumerate(said, 1)
        ]
        numbered = zip(count(1), said, handed, strict=False)
        report = replace(report, receipt=SIGNER.sign(report, handed))
        evidence = [
            Evidence(
                id=f"evd_{number:04}_{n}",
                report=report.id,
                case=case.id,
                reporter=reporter,
                room=ROOM,
                event_id=one.fields.event_id,
                sender=one.fields.sender,
                ts=one.fields.ts,
                seq=item.seq,
                hh=HEADER.hh,
                header=HEADER.bytes,
                fields=msgspec.json.encode(one.fields),
                body=one.body,
                blob=seal_case(
                    public_key(case),
                    case.id,
                    reporter,
                    HEADER.hh,
                    one.fields.event_id,
                    one.body,
                    one.key,
                ),
                context=context_too,
            )
            for n, one, (item, context_too) in numbered
        ]
        return report, evidence

    async def kept(self, id: str) -> Case:
        """Return a case as it stands."""
        case = await self.desk.case(id)
        assert case is not None
        return case

    async def kinds(self, id: str) -> list[str]:
        """Return what happened in a case, in words."""
        return [one.kind for one in await self.desk.events(id)]

    async def last(self, id: str) -> tuple[ModerationEvent, dict[str, Any]]:
        """Return what happened last in a case, and its detail."""
        event = (await self.desk.events(id))[-1]
        return event, msgspec.json.decode(event.detail)

    async def log(self, *lines: StaffEntry) -> None:
        """Write lines to the staff log."""
        await self.desk.commit(DeskChange(log=lines))

    def logged(self) -> list[tuple[str, str, str | None, str | None, str]]:
        """Return who, what, case, what about and why of each line of the staff log."""
        return [(one.staff, one.what, one.case, one.about, one.reason) for one in self.desk.log]
