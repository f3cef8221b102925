"""What an authority demands holds for as long as it says, is kept with its order, and ends."""

from typing import Any

import pytest
from tests.readers.review.telling_desk import DAY, HOUR, MALLORY, RUTH, SAM, TellingDesk

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import (
    ConflictOfInterestError,
    ReviewError,
    RoleError,
    UnknownCaseError,
)
from halfdoor.readers.review.silences import MOST_DAYS, Silences

ORDER = "Dno 1/26 of the court of X"


def silences_at(house: TellingDesk) -> Silences:
    return Silences(
        desk=house.desk, review=house.review, conflicts=house.conflicts, clock=house.clock
    )


def staff(*roles: str, **more: Any) -> StaffMember:
    return StaffMember(id="stf_una", name="Una", roles=frozenset(roles), place="FI", **more)


@pytest.mark.parametrize("roles", [("reviewer",), ("admin",), ("auditor",), ()])
async def test_others_than_a_lead_or_child_safety_enter_none(roles: tuple[str, ...]) -> None:
    house = TellingDesk()
    report = await house.report()
    with pytest.raises(RoleError):
        await silences_at(house).demand(staff(*roles), report.case, house.clock.now + DAY, ORDER)


async def test_a_lead_has_no_say_in_the_vault() -> None:
    house = TellingDesk()
    report = await house.report(reason="child_safety.grooming")
    with pytest.raises(UnknownCaseError):
        await silences_at(house).demand(staff("lead"), report.case, house.clock.now + DAY, ORDER)


async def test_nobody_silences_a_case_about_themselves() -> None:
    house = TellingDesk()
    report = await house.report()
    with pytest.raises(ConflictOfInterestError):
        await silences_at(house).demand(
            staff("lead", people=(MALLORY,)), report.case, house.clock.now + DAY, ORDER
        )


@pytest.mark.parametrize("away", [-1, -DAY, MOST_DAYS * DAY + 1])
async def test_a_silence_ends_within_a_year(away: int) -> None:
    house = TellingDesk()
    report = await house.report()
    with pytest.raises(ReviewError, match="within a year"):
        await silences_at(house).demand(RUTH, report.case, house.clock.now + away, ORDER)


async def test_a_silence_names_its_order() -> None:
    house = TellingDesk()
    report = await house.report()
    with pytest.raises(ReviewError, match="why"):
        await silences_at(house).demand(RUTH, report.case, house.clock.now + DAY, " ")


async def test_a_silence_holds_is_logged_and_can_be_lifted() -> None:
    house = TellingDesk()
    report = await house.report()
    silences = silences_at(house)
    await silences.demand(RUTH, report.case, house.clock.now + 30 * DAY, ORDER)
    assert [(one.what, one.reason) for one in house.desk.log] == [("silence", ORDER)]
    await house.decide(report.case)
    await house.later(5 * DAY)
    assert await house.told(MALLORY) == []
    await silences.demand(SAM, report.case, 0, "lifted by the court")
    await house.later(2 * HOUR)
    assert await house.kinds(MALLORY) == ["statement"]
