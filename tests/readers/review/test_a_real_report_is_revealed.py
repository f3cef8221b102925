"""What people wrote in real conversations, reported by their own session, opens at the desk."""

import pytest
from tests.readers.review.desk_scene import ANNA, Town
from tests.readers.review_house import FakeStored, ReviewHouse

from halfdoor.readers.review.cases import Cases
from halfdoor.readers.review.conflicts import Conflicts
from halfdoor.readers.review.errors import UnknownCaseError
from halfdoor.readers.review.evidence_opening import EvidenceOpener
from halfdoor.readers.review.filing import Filed
from halfdoor.readers.review.reveal import Reveals, Verdict
from halfdoor.readers.review.staff_days import StaffDays


class Bench:
    """The desk of a house, and Anna at it."""

    def __init__(self) -> None:
        self.house = ReviewHouse()
        desk, review, clock = self.house.desk, self.house.review, self.house.house.clock
        conflicts, days = Conflicts(desk, Town()), StaffDays(desk)
        self.cases = Cases(desk, review, clock, conflicts, days)
        opener = EvidenceOpener(desk, self.house.signer.public, FakeStored(self.house.house))
        self.reveals = Reveals(desk, review, clock, conflicts, days, opener)

    async def opened(self, filed: Filed) -> list[tuple[object, str, bool, bool]]:
        """Return text, sender, and whether it is context or was deleted, of all that is there."""
        await self.cases.claim(ANNA, filed.report.case)
        view = await self.cases.view(ANNA, filed.report.case)
        shown = [
            await self.reveals.reveal(ANNA, filed.report.case, one.id, "to judge")
            for one in view.evidence
        ]
        assert {one.verdict for one in shown} <= {Verdict.GENUINE}
        return [(one.content.get("body"), one.by, one.context, one.redacted) for one in shown]


async def test_what_was_chosen_opens_and_what_was_written_around_it_does_not() -> None:
    bench = Bench()
    ada, ben, room = await bench.house.pair()
    await ben.say(room, "nobody reports this")
    bad = await ben.say(room, "send me a picture")
    asked = await ada.say(room, "why?")
    filed = await bench.house.file(ada, room, bad, context=[asked])
    assert await bench.opened(filed) == [
        ("send me a picture", "Person A", False, False),
        ("why?", "Person B", True, False),
    ]
    with pytest.raises(UnknownCaseError):
        await bench.reveals.reveal(ANNA, filed.report.case, "evd_other", "to see")


async def test_what_was_deleted_since_opens_and_says_so() -> None:
    bench = Bench()
    ada, ben, room = await bench.house.pair()
    bad = await ben.say(room, "send me a picture")
    await ben.redact(room, bad)
    filed = await bench.house.file(ada, room, bad)
    assert await bench.opened(filed) == [("send me a picture", "Person A", False, True)]


async def test_two_reporters_of_one_person_make_one_case_that_opens_whole() -> None:
    bench = Bench()
    ada, ben, room = await bench.house.pair()
    cleo = await bench.house.house.person("cleo")
    bench.house.house.connect(ben, cleo)
    other = await ben.create(cleo)
    await cleo.join(other)
    first = await bench.house.file(ada, room, await ben.say(room, "to ada"))
    second = await bench.house.file(cleo, other, await ben.say(other, "to cleo"))
    assert first.report.case == second.report.case
    assert [one[:2] for one in await bench.opened(second)] == [
        ("to ada", "Person A"),
        ("to cleo", "Person A"),
    ]
    view = await bench.cases.view(ANNA, first.report.case)
    assert view.people == ("Person A", "Person B", "Person C")
