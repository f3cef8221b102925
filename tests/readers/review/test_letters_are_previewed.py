"""Who decides sees beforehand exactly what everybody will read, and keeps nothing by looking."""

from tests.readers.review.telling_desk import (
    ALICE,
    BOB,
    DAY,
    LIMIT,
    MALLORY,
    NOTHING,
    RUTH,
    TellingDesk,
)

from halfdoor.readers.review.choices import Choice
from halfdoor.readers.review.notice_body import body_of
from halfdoor.readers.review.records import Notice
from halfdoor.readers.review.rulings import ruling_of


async def previewed(house: TellingDesk, case: str, choice: Choice) -> list[Notice]:
    held = await house.desk.case(case)
    assert held is not None
    made = await house.decisions.preview(RUTH, case, choice)
    return await house.telling.previewed(held, ruling_of(made, 0))


async def test_a_preview_says_what_is_said_later_and_keeps_nothing() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.report(BOB, hidden=True)
    await house.claim(report.case)
    before = house.desk.everything()
    preview = await previewed(house, report.case, LIMIT)
    assert house.desk.everything() == before
    assert [(one.user, one.kind, one.hidden) for one in preview] == [
        (ALICE, "outcome", False),
        (BOB, "outcome", True),
        (MALLORY, "statement", False),
    ]
    await house.decisions.decide(RUTH, report.case, LIMIT)
    house.clock.now += DAY
    # The days named in the texts are those of the moment.
    texts = [list(body_of(one).text) for one in await previewed(house, report.case, LIMIT)]
    await house.work_on()
    assert texts == [
        (await house.told(ALICE))[-1]["text"],
        (await house.told(BOB, hidden=True))[-1]["text"],
        (await house.told(MALLORY))[-1]["text"],
    ]


async def test_who_feels_nothing_gets_no_letter() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.claim(report.case)
    assert [one.user for one in await previewed(house, report.case, NOTHING)] == [ALICE]
