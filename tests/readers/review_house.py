"""The messaging room with a desk beside it: people who write, and one who reports."""

from collections.abc import Iterable

import msgspec
from tests.messaging.little_house import LittleHouse, Someone
from tests.readers.review_fakes import FakeDesk

from halfdoor.accounts.records import PersonRecord
from halfdoor.messaging.reportable import Sights
from halfdoor.policy.load import policy_from
from halfdoor.policy.review import Review
from halfdoor.readers.review.case_keys import private_key
from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.filing import Filed, Filing, Reporter
from halfdoor.readers.review.own_reports import ToldOutcomes
from halfdoor.readers.review.proving import Proofs
from halfdoor.readers.review.receipts import ReceiptSigner
from halfdoor.readers.review.records import Case, Evidence
from halfdoor.readers.review.report_sources import Witness
from halfdoor.readers.review.reports import Reports
from halfdoor.readers.review.telling import Telling
from halfdoor.sealing.chain import link
from halfdoor.sealing.envelope import EventFields
from halfdoor.sealing.opening.cases import open_case

DAY_MS = 86_400_000
GRACE_MS = 30 * DAY_MS
SEED = bytes(range(32))


class FakeHeld:
    """Bodies of redacted events in memory, until the grace after their redaction is over."""

    def __init__(self, house: LittleHouse) -> None:
        self.house = house

    async def held(self, conv: str, seq: int, now_ms: int) -> bytes | None:
        found = self.house.store.conversations[conv]
        event = found.events[seq - 1]
        by = {one.fields.event_id: one.fields.ts for one in found.events}
        redacted = by[event.redacted_by or ""]
        return found.held[event.fields.event_id] if redacted + GRACE_MS > now_ms else None


class FakeStored:
    """What the conversations of a `LittleHouse` say of what was reported."""

    def __init__(self, house: LittleHouse) -> None:
        self.house = house

    async def witness(self, room: str, seq: int) -> Witness | None:
        found = self.house.store.conversations[room]
        event = found.events[seq - 1]
        body = event.body
        if body is None:
            body = found.held[event.fields.event_id]
        return Witness(found.starts[event.epoch].hh, link(seq, event.fields, body))


class FakePersons:
    """What the desk asks about people, from the same facts."""

    def __init__(self, house: LittleHouse) -> None:
        self.house = house
        self.gone: set[str] = set()

    async def person(self, user: str) -> PersonRecord:
        band = (await self.house.people.person(user)).band
        return PersonRecord(user=user, age_band=str(band))

    async def look_anew(self, users: Iterable[str]) -> None:
        """Everything is known here at once."""

    async def erased(self, user: str) -> bool:
        return user in self.gone

    async def block(self, user: str, peer: str, now: int) -> None:
        self.house.people.blocked[user].add(peer)


class ReviewHouse:
    """A `LittleHouse`, a desk in memory, and the service under test."""

    def __init__(
        self,
        review: dict[str, object] | None = None,
        *,
        house: LittleHouse | None = None,
        desk: FakeDesk | None = None,
    ) -> None:
        self.house = house or LittleHouse()
        self.desk = desk or FakeDesk()
        self.review: Review = policy_from({"review": review or {}}, "test").review
        self.signer = ReceiptSigner(SEED, "a.example")
        self.sights = Sights(
            store=self.house.store,
            held=FakeHeld(self.house),
            rooms=self.house.rooms,
            reading=self.house.reading,
            clock=self.house.clock,
        )
        self.prove_with(Proofs())

    def prove_with(self, proofs: Proofs) -> None:
        """Let evidence of encrypted messages be opened by *proofs*."""
        persons = FakePersons(self.house)
        self.reports = Reports(
            desk=self.desk,
            review=self.review,
            sights=self.sights,
            keys=self.house.keyring,
            facts=self.house.people,
            blocks=persons,
            receipts=Telling(
                desk=self.desk, review=self.review, people=persons, clock=self.house.clock
            ),
            outcomes=ToldOutcomes(self.desk),
            signer=self.signer,
            names=CaseNames(SEED),
            proofs=proofs,
            clock=self.house.clock,
        )

    @classmethod
    def beside(cls, other: "ReviewHouse") -> "ReviewHouse":
        """Return another node on the same stores."""
        return cls(house=other.house, desk=other.desk)

    async def pair(self) -> tuple[Someone, Someone, str]:
        """Ada and Ben in a conversation of the two."""
        ada, ben = await self.house.person("ada"), await self.house.person("ben")
        self.house.connect(ada, ben)
        room = await ada.create(ben)
        await ben.join(room)
        return ada, ben, room

    async def file(self, who: Someone, room: str | None, *events: str, **more: object) -> Filed:
        """Report as *who*, with the reason of harassment unless *more* names one."""
        asked = {"reason": "harassment.targeted", "room": room, "events": events, **more}
        filing = msgspec.convert(asked, Filing, strict=False)
        return await self.reports.file(reporter(who), filing)

    async def case_of(self, filed: Filed) -> Case:
        """Return the case that a report went to."""
        case = await self.desk.case(filed.report.case)
        assert case is not None
        return case

    async def evidence_of(self, filed: Filed) -> list[Evidence]:
        """Return what a report handed over."""
        evidence = await self.desk.evidence(filed.report.case)
        return [one for one in evidence if one.report == filed.report.id]


def reporter(who: Someone) -> Reporter:
    """Return *who* as somebody who reports."""
    return Reporter(who.reader.user, who.reader.device, who.reader.session)


def opened(case: Case, evidence: Evidence) -> str:
    """Return the text of a reported message, opened as the reviewer's side does."""
    fields = msgspec.json.decode(evidence.fields, type=EventFields)
    content = open_case(
        private_key(case),
        evidence.blob,
        case.id,
        evidence.reporter,
        evidence.hh,
        fields,
        evidence.body,
    )
    text: str = msgspec.json.decode(content)["body"]
    return text
