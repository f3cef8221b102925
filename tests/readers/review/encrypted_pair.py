"""Ada and Ben in an encrypted conversation, Ben's Megolm session, and Anna at a desk."""

from typing import Any

from tests.messaging.encrypted_rooms import ENCRYPTION, open_house
from tests.messaging.little_house import Someone
from tests.readers.review.desk_scene import ANNA, Town
from tests.readers.review.megolm import Talk
from tests.readers.review_house import FakeStored, ReviewHouse

from halfdoor.e2ee.franking_marks import FrankingMarks
from halfdoor.readers.review.cases import Cases
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.disclosures import Disclosure
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.filing import Filed
from halfdoor.readers.review.proving import Proofs
from halfdoor.readers.review.reveal import Revealed, Reveals
from halfdoor.readers.review.staff_days import StaffDays


class FakeFrankingKeys:
    """A `FrankingKeyStore` in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}

    async def franking_key(self, month: str) -> bytes | None:
        return self.keys.get(month)

    async def make_franking_key(self, month: str) -> bytes:
        return self.keys.setdefault(month, month.encode().ljust(32, b"k"))

    async def destroy_franking_keys(self, before: str) -> int:
        gone = [month for month in self.keys if month < before]
        for month in gone:
            del self.keys[month]
        return len(gone)


class EncryptedPair:
    """`ada` reports, `ben` writes; `talk` is Ben's session in their `room`."""

    ada: Someone
    ben: Someone
    room: str
    talk: Talk

    def __init__(self) -> None:
        self.review = ReviewHouse(house=open_house())
        desk, rules, clock = self.review.desk, self.review.review, self.review.house.clock
        self.franking_keys = FakeFrankingKeys()
        self.marks = FrankingMarks(self.franking_keys, clock)
        proofs = Proofs(self.marks)
        self.review.prove_with(proofs)
        conflicts, days = Conflicts(desk, Town()), StaffDays(desk)
        self.cases = Cases(desk, rules, clock, conflicts, days)
        stored = FakeStored(self.review.house)
        self.opener = EvidenceOpener(desk, self.review.signer.public, stored, proofs)
        self.reveals = Reveals(desk, rules, clock, conflicts, days, self.opener)

    @classmethod
    async def meet(cls) -> "EncryptedPair":
        pair = cls()
        house = pair.review.house
        pair.ada, pair.ben = await house.person("ada"), await house.person("ben")
        house.connect(pair.ada, pair.ben)
        pair.room = await pair.new_room()
        pair.talk = Talk(pair.room)
        return pair

    async def new_room(self) -> str:
        room = await self.ben.create(self.ada, initial_state=[ENCRYPTION])
        await self.ada.join(room)
        return room

    async def send(self, content: dict[str, Any], who: Someone | None = None) -> str:
        """Send the content of an encrypted event, as Ben unless *who* says another."""
        return await (who or self.ben).send(self.room, "m.room.encrypted", content)

    async def says(self, text: str) -> str:
        return await self.send(self.talk.say(text))

    async def report(self, event: str, *evidence: Disclosure, **more: Any) -> Filed:
        given = [(event, one) for one in evidence]
        return await self.review.file(
            self.ada, self.room, event, disclosures=more.pop("disclosures", given), **more
        )

    async def revealed(self, filed: Filed) -> list[Revealed]:
        """Return everything of the case, as Anna sees it."""
        case = filed.report.case
        await self.cases.claim(ANNA, case)
        view = await self.cases.view(ANNA, case)
        return [await self.reveals.reveal(ANNA, case, one.id, "to judge") for one in view.evidence]


def words(one: Revealed) -> object:
    return one.content.get("body")
