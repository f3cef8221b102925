"""One appeal and one complaint, in time, decided by another person; what was wrong is restored."""

import json

import pytest
from tests.readers.review.telling_desk import (
    ALICE,
    BOB,
    DAY,
    HOUR,
    LIMIT,
    MALLORY,
    NOTHING,
    RUTH,
    SAM,
    TellingDesk,
)

from halfdoor.readers.review.errors import (
    AppealRefusedError,
    ConflictOfInterestError,
    NotHeldError,
    ReviewError,
    SecondPersonError,
    UnknownCaseError,
)
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Report
from halfdoor.readers.review.replay import measures_of, replay

WHY = "I said nothing of the kind"


async def decided(house: TellingDesk, *, acted: bool = True) -> tuple[Report, str]:
    """Report, decide, and tell: return the report, and the subject's notice where there is one."""
    report = await house.report()
    await house.decide(report.case, LIMIT if acted else NOTHING)
    await house.later(DAY)
    told = await house.told(MALLORY)
    return report, told[0]["id"] if told else ""


async def appealed(house: TellingDesk) -> tuple[Report, Case]:
    report, notice = await decided(house)
    return report, await house.appeals.appeal(MALLORY, notice, WHY)


# --- refused ------------------------------------------------------------------------------------


async def test_a_second_appeal_is_refused() -> None:
    house = TellingDesk()
    _, notice = await decided(house)
    await house.appeals.appeal(MALLORY, notice, WHY)
    with pytest.raises(AppealRefusedError, match="already"):
        await house.appeals.appeal(MALLORY, notice, "again")


async def test_an_appeal_after_its_time_is_refused() -> None:
    house = TellingDesk()
    _, notice = await decided(house)
    house.clock.now += house.review.desk.appeal_days * DAY + 1
    with pytest.raises(AppealRefusedError, match="ended"):
        await house.appeals.appeal(MALLORY, notice, WHY)


@pytest.mark.parametrize("user", [ALICE, BOB])
async def test_nobody_else_appeals(user: str) -> None:
    house = TellingDesk()
    _, notice = await decided(house)
    with pytest.raises(UnknownCaseError):
        await house.appeals.appeal(user, notice, WHY)


async def test_a_receipt_or_an_outcome_is_no_decision_about_its_reader() -> None:
    house = TellingDesk()
    await decided(house)
    for notice in await house.told(ALICE):
        with pytest.raises(AppealRefusedError):
            await house.appeals.appeal(ALICE, notice["id"], WHY)


@pytest.mark.parametrize("text", ["", " \n ", "x" * 2001])
async def test_an_appeal_without_words_or_with_too_many_is_refused(text: str) -> None:
    house = TellingDesk()
    report, notice = await decided(house)
    with pytest.raises(AppealRefusedError):
        await house.appeals.appeal(MALLORY, notice, text)
    with pytest.raises(AppealRefusedError):
        await house.appeals.complain(ALICE, report.id, text)


async def test_what_was_taken_back_needs_no_appeal() -> None:
    house = TellingDesk()
    report, notice = await decided(house)
    await house.decisions.reverse(SAM, report.case, "wrong")
    with pytest.raises(AppealRefusedError, match="taken back"):
        await house.appeals.appeal(MALLORY, notice, WHY)


async def test_a_complaint_before_anything_was_told_is_refused() -> None:
    house = TellingDesk(delay=5 * HOUR)
    report = await house.report()
    with pytest.raises(AppealRefusedError, match="yet"):
        await house.appeals.complain(ALICE, report.id, WHY)
    await house.decide(report.case)
    await house.later(HOUR)
    # Decided, but nobody may know: the answer is the same.
    with pytest.raises(AppealRefusedError, match="yet"):
        await house.appeals.complain(ALICE, report.id, WHY)


@pytest.mark.parametrize("user", [MALLORY, BOB])
async def test_nobody_else_complains_and_nobody_learns_that_there_is_a_report(user: str) -> None:
    house = TellingDesk()
    report, _ = await decided(house)
    with pytest.raises(UnknownCaseError) as error:
        await house.appeals.complain(user, report.id, WHY)
    with pytest.raises(UnknownCaseError) as nothing:
        await house.appeals.complain(user, "rep_none", WHY)
    assert str(error.value) == str(nothing.value)


async def test_what_is_not_shown_yet_cannot_be_contested() -> None:
    house = TellingDesk()
    report, notice = await decided(house)
    house.clock.now = (await house.told(MALLORY))[0]["at"] - 1
    with pytest.raises(UnknownCaseError):
        await house.appeals.appeal(MALLORY, notice, WHY)
    with pytest.raises(AppealRefusedError, match="yet"):
        await house.appeals.complain(ALICE, report.id, WHY)


async def test_a_second_complaint_or_one_too_late_is_refused() -> None:
    house = TellingDesk()
    report, _ = await decided(house, acted=False)
    await house.appeals.complain(ALICE, report.id, WHY)
    with pytest.raises(AppealRefusedError, match="already"):
        await house.appeals.complain(ALICE, report.id, WHY)
    late = TellingDesk()
    report, _ = await decided(late, acted=False)
    late.clock.now += late.review.desk.appeal_days * DAY + 1
    with pytest.raises(AppealRefusedError, match="ended"):
        await late.appeals.complain(ALICE, report.id, WHY)


async def test_whoever_decided_answers_no_appeal_against_it() -> None:
    house = TellingDesk()
    _, case = await appealed(house)
    await house.claim(case.id, RUTH)
    for uphold in (True, False):
        with pytest.raises(ConflictOfInterestError):
            await house.appeals.answer(RUTH, case.id, uphold, "as before")
    with pytest.raises(ConflictOfInterestError):
        await house.appeals.look(RUTH, case.id)
    with pytest.raises(ConflictOfInterestError):
        await house.appeals.judge(RUTH, case.id, NOTHING)


async def test_whoever_agreed_with_the_decision_answers_no_appeal_either() -> None:
    house = TellingDesk()
    house.people.records[MALLORY] = (await house.people.person(MALLORY)).__class__(
        user=MALLORY, age_band="13-15"
    )
    report = await house.report()
    await house.claim(report.case)
    with pytest.raises(SecondPersonError):
        await house.decisions.decide(RUTH, report.case, LIMIT)
    await house.decisions.confirm(SAM, report.case)
    await house.later(DAY)
    notice = (await house.told(MALLORY))[0]["id"]
    case = await house.appeals.appeal(MALLORY, notice, WHY)
    await house.claim(case.id, SAM)
    with pytest.raises(ConflictOfInterestError):
        await house.appeals.answer(SAM, case.id, True, "as before")


async def test_only_who_holds_an_appeal_answers_it() -> None:
    house = TellingDesk()
    _, case = await appealed(house)
    for uphold in (True, False):
        with pytest.raises(NotHeldError):
            await house.appeals.answer(SAM, case.id, uphold, "as I think")
    # And nothing was taken back on the way to the refusal.
    assert case.origin is not None
    assert replay(await house.desk.events(case.origin)).decision is not None
    with pytest.raises(NotHeldError):
        await house.appeals.judge(SAM, case.id, NOTHING)


async def test_an_ordinary_case_is_no_appeal() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.claim(report.case, SAM)
    for ask in (
        house.appeals.look(SAM, report.case),
        house.appeals.judge(SAM, report.case, NOTHING),
        house.appeals.answer(SAM, report.case, True, "no"),
    ):
        with pytest.raises(UnknownCaseError):
            await ask


async def test_a_complaint_is_overturned_only_with_something_to_do_instead() -> None:
    house = TellingDesk()
    report, _ = await decided(house, acted=False)
    case = await house.appeals.complain(ALICE, report.id, WHY)
    await house.claim(case.id, SAM)
    with pytest.raises(ReviewError, match="instead"):
        await house.appeals.answer(SAM, case.id, False, "it was wrong")
    await house.appeals.judge(SAM, case.id, NOTHING)
    with pytest.raises(ReviewError, match="so it stands"):
        await house.appeals.answer(SAM, case.id, False, "it was wrong")


# --- taken --------------------------------------------------------------------------------------


async def test_an_appeal_opens_a_case_of_its_own_with_its_own_key_and_time() -> None:
    house = TellingDesk()
    report, case = await appealed(house)
    origin = await house.desk.case(report.case)
    assert origin is not None
    assert (case.kind, case.queue, case.origin) == (CaseKind.APPEAL, "appeals", report.case)
    assert case.due == case.opened + house.review.desk.appeal_decide_days * DAY
    assert case.key_public
    assert case.key_public != origin.key_public


async def test_words_of_an_appeal_are_shown_to_who_holds_it_after_the_log_says_so() -> None:
    house = TellingDesk()
    _, case = await appealed(house)
    assert (await house.appeals.look(SAM, case.id)).text is None
    assert [one.text for one in await house.appeals.waiting(SAM)] == [None]
    await house.claim(case.id, SAM)
    lines = len(house.desk.log)
    assert (await house.appeals.look(SAM, case.id)).text == WHY
    assert [one.what for one in house.desk.log[lines:]] == ["read_appeal"]
    assert WHY not in repr(await house.appeals.look(SAM, case.id))


async def test_words_that_hide_characters_are_made_readable_and_not_lost() -> None:
    house = TellingDesk()
    _, notice = await decided(house)
    case = await house.appeals.appeal(MALLORY, notice, "not\x00 me\u202e <b>no</b>")
    await house.claim(case.id, SAM)
    assert (await house.appeals.look(SAM, case.id)).text == "not\ufffd me\ufffd <b>no</b>"


async def test_the_first_reasons_show_only_after_ones_own_first_judgement() -> None:
    house = TellingDesk()
    _, case = await appealed(house)
    await house.claim(case.id, SAM)
    assert (await house.appeals.look(SAM, case.id)).original is None
    after = await house.appeals.judge(SAM, case.id, NOTHING)
    assert after.original is not None
    assert after.original.by == RUTH.id
    again = await house.appeals.judge(SAM, case.id, LIMIT)
    assert again.judged == NOTHING, "a judgement made with the reasons at hand is none"


async def test_a_decision_that_stands_changes_nothing_and_both_sides_hear_of_it() -> None:
    house = TellingDesk()
    report, case = await appealed(house)
    await house.claim(case.id, SAM)
    over = await house.appeals.answer(SAM, case.id, True, "it stands")
    assert (over.state, over.decided_by) == (CaseState.DECIDED, SAM.id)
    assert replay(await house.desk.events(case.id)).agrees_with(over)
    await house.later(HOUR)
    assert replay(await house.desk.events(report.case)).decision is not None
    assert [(one["kind"], one.get("outcome")) for one in (await house.told(MALLORY))[1:]] == [
        ("appeal_outcome", "stays")
    ]
    assert (await house.told(ALICE))[-1]["outcome"] == "stays"
    assert "it stands" not in json.dumps([await house.told(MALLORY), await house.told(ALICE)])


async def test_an_overturned_decision_is_taken_back_whole_and_both_sides_hear_of_it_once() -> None:
    house = TellingDesk()
    report, case = await appealed(house)
    await house.claim(case.id, SAM)
    await house.appeals.answer(SAM, case.id, False, "the wrong person")
    await house.later(HOUR)
    story = replay(await house.desk.events(report.case))
    assert story.decision is None
    assert all(one.reversed is not None for one in measures_of(story))
    assert any(task.queue == "enforce" and "back" in task.id for task in house.desk.tasks.values())
    assert [one.get("outcome") for one in (await house.told(MALLORY))[1:]] == ["changed"]
    assert (await house.told(ALICE))[-1]["outcome"] == "changed"


async def test_an_answer_cut_off_after_the_reversal_can_be_given_again() -> None:
    house = TellingDesk()
    report, case = await appealed(house)
    await house.claim(case.id, SAM)
    await house.decisions.reverse(SAM, report.case, "the wrong person")
    over = await house.appeals.answer(SAM, case.id, False, "the wrong person")
    assert over.state is CaseState.DECIDED


async def test_a_complaint_that_changes_nothing_is_told_to_who_complained_alone() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.report(BOB)
    await house.decide(report.case, NOTHING)
    await house.later(DAY)
    case = await house.appeals.complain(ALICE, report.id, WHY)
    await house.claim(case.id, SAM)
    await house.appeals.answer(SAM, case.id, True, "nothing is there")
    await house.later(HOUR)
    assert (await house.told(ALICE))[-1]["title"] == "We looked again"
    assert await house.told(MALLORY) == []
    assert await house.kinds(BOB) == ["receipt", "outcome"]


async def test_a_complaint_that_was_right_leads_to_measures_and_a_statement() -> None:
    house = TellingDesk()
    report, _ = await decided(house, acted=False)
    case = await house.appeals.complain(ALICE, report.id, WHY)
    await house.claim(case.id, SAM)
    await house.appeals.judge(SAM, case.id, LIMIT)
    await house.appeals.answer(SAM, case.id, False, "it was overlooked")
    await house.later(DAY)
    assert (await house.told(ALICE))[-1]["title"] == "You were right"
    assert await house.kinds(MALLORY) == ["statement"]
    # And this decision, too, may be appealed against once.
    notice = (await house.told(MALLORY))[0]["id"]
    appeal = await house.appeals.appeal(MALLORY, notice, WHY)
    assert appeal.origin == case.id
    await house.claim(appeal.id, SAM)
    with pytest.raises(ConflictOfInterestError):
        await house.appeals.answer(SAM, appeal.id, True, "no")


async def test_two_reporters_complain_each_once() -> None:
    house = TellingDesk()
    first, other = await house.report(), await house.report(BOB)
    await house.decide(first.case, NOTHING)
    await house.later(DAY)
    one = await house.appeals.complain(ALICE, first.id, WHY)
    two = await house.appeals.complain(BOB, other.id, WHY)
    assert one.id != two.id


async def test_an_appeal_in_child_safety_stays_with_its_own_role() -> None:
    house = TellingDesk()
    report = await house.report(ALICE, "child_safety.grooming")
    case = await house.desk.case(report.case)
    assert case is not None
    await house.claim(report.case)
    with pytest.raises(SecondPersonError):
        await house.decisions.decide(
            RUTH,
            report.case,
            LIMIT.__class__(reason="child_safety.grooming", actions=LIMIT.actions, refer=True),
        )
    third = SAM.__class__(id="stf_tess", name="Tess", roles=SAM.roles, place="FI")
    await house.decisions.confirm(SAM, report.case)
    await house.later(DAY)
    notice = (await house.told(MALLORY))[0]["id"]
    appeal = await house.appeals.appeal(MALLORY, notice, WHY)
    assert appeal.child_safety
    plain = SAM.__class__(
        id="stf_una", name="Una", roles=frozenset({"reviewer", "lead"}), place="FI"
    )
    assert await house.appeals.waiting(plain) == []
    assert len(await house.appeals.waiting(third)) == 1
