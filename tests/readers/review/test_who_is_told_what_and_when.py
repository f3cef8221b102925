"""The rules that keep reporters safe (SAFETY §5.10): refusals to tell first, then what is told."""

import json

import msgspec
import pytest
from msgspec.structs import replace
from tests.readers.review.telling_desk import (
    ALICE,
    BOB,
    DAY,
    HOUR,
    LIMIT,
    MALLORY,
    NOTHING,
    ROOM,
    RUTH,
    SAM,
    TellingDesk,
)

from halfdoor.accounts.records import PersonRecord
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.server_notices import NoKeyYetError
from halfdoor.readers.review.choices import Action, Choice
from halfdoor.readers.review.errors import SecondPersonError, UnknownCaseError
from halfdoor.readers.review.own_reports import ToldOutcomes
from halfdoor.readers.review.records import CaseState, ModerationEvent
from halfdoor.readers.review.rulings import SILENCE, Silence
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.telling import deliver_task, told
from halfdoor.readers.review.track_record import TrackRecord
from halfdoor.safety.measures import Kind
from halfdoor.safety.people import Person

UNDO = 10_000
GROOMING = "child_safety.grooming"


# --- nothing is told ----------------------------------------------------------------------------


async def test_a_report_tells_its_subject_nothing() -> None:
    house = TellingDesk()
    await house.report()
    await house.later(30 * DAY)
    assert await house.told(MALLORY) == []
    assert house.voice.to(MALLORY) == []


async def test_a_report_that_did_not_hold_is_never_known_to_its_subject() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.decide(report.case, NOTHING)
    await house.later(30 * DAY)
    assert await house.told(MALLORY) == []
    assert house.voice.to(MALLORY) == []


async def test_whoever_is_only_watched_is_not_warned_of_it() -> None:
    house = TellingDesk()
    report = await house.report()
    label = Choice(reason="harassment.targeted", actions=(Action(kind=Kind.LABEL, scope="watch"),))
    await house.decide(report.case, label)
    await house.later(30 * DAY)
    assert await house.told(MALLORY) == []
    outcome = (await house.told(ALICE))[-1]
    assert outcome["outcome"] == "noted"


async def test_a_decision_that_is_taken_back_in_time_is_told_to_nobody() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.decide(report.case)
    await house.later(UNDO - 1)
    await house.decisions.undo(RUTH, report.case)
    await house.later(30 * DAY)
    assert await house.told(MALLORY) == []
    assert await house.kinds(ALICE) == ["receipt"]


async def test_nobody_is_told_before_the_measure_begins() -> None:
    house = TellingDesk(delay=5 * HOUR)
    report = await house.report()
    await house.decide(report.case)
    await house.later(UNDO + 5 * HOUR - 1)
    assert await house.told(MALLORY) == []
    assert await house.kinds(ALICE) == ["receipt"]
    await house.later(1)
    assert await house.kinds(MALLORY) == ["statement"]
    assert await house.kinds(ALICE) == ["receipt", "outcome"]


async def test_a_decision_reversed_before_its_measure_begins_is_told_to_nobody() -> None:
    house = TellingDesk(delay=5 * HOUR)
    report = await house.report()
    await house.decide(report.case)
    await house.later(HOUR)
    await house.decisions.reverse(SAM, report.case, "the wrong person")
    await house.later(30 * DAY)
    assert await house.told(MALLORY) == []
    assert await house.kinds(ALICE) == ["receipt"]


async def test_the_subject_is_told_nothing_while_a_child_safety_case_about_them_is_open() -> None:
    house = TellingDesk()
    report = await house.report()
    grave = await house.report(BOB, GROOMING)
    await house.decide(report.case)
    await house.later(3 * DAY)
    assert await house.told(MALLORY) == []
    assert house.voice.to(MALLORY) == []
    # The one who reported waits for nothing.
    assert await house.kinds(ALICE) == ["receipt", "outcome"]
    await house.decide(grave.case, NOTHING, SAM)
    await house.later(2 * HOUR)
    assert await house.kinds(MALLORY) == ["statement"]


@pytest.mark.parametrize(
    "state", [CaseState.CLAIMED, CaseState.ESCALATED, CaseState.SECOND, CaseState.OPEN]
)
async def test_a_child_safety_case_is_open_until_it_is_decided(state: CaseState) -> None:
    house = TellingDesk()
    report = await house.report()
    grave = await house.desk.case((await house.report(BOB, GROOMING)).case)
    assert grave is not None
    # Another queue does not take it out of the vault.
    await house.desk.commit(DeskChange(cases=(replace(grave, state=state, queue="harassment"),)))
    await house.decide(report.case)
    await house.later(3 * DAY)
    assert await house.told(MALLORY) == []


async def test_many_other_cases_hide_no_open_child_safety_case() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.report(BOB, GROOMING)
    case = await house.desk.case(report.case)
    assert case is not None
    for number in range(120):
        house.clock.now += 1
        newer = replace(
            case,
            id=f"case_flood{number}",
            revision=0,
            opened=house.clock.now,
            state=CaseState.CLOSED,
        )
        await house.desk.commit(DeskChange(cases=(newer,)))
    await house.decide(report.case)
    await house.later(3 * DAY)
    assert await house.told(MALLORY) == []


async def test_an_authoritys_silence_is_kept_until_its_day_and_no_longer() -> None:
    house = TellingDesk()
    report = await house.report()
    until = house.clock.now + 10 * DAY
    await say_silence(house, report.case, until)
    await house.decide(report.case)
    await house.later(9 * DAY)
    assert await house.told(MALLORY) == []
    await house.later(2 * DAY)
    assert await house.kinds(MALLORY) == ["statement"]


async def test_a_silence_that_is_lifted_ends_at_once() -> None:
    house = TellingDesk()
    report = await house.report()
    await say_silence(house, report.case, house.clock.now + 100 * DAY)
    await house.decide(report.case)
    await house.later(DAY)
    await say_silence(house, report.case, 0)
    await house.later(2 * HOUR)
    assert await house.kinds(MALLORY) == ["statement"]


async def say_silence(house: TellingDesk, case: str, until: int) -> None:
    detail = msgspec.json.encode(Silence(until=until, order="Dno 1/26"))
    event = ModerationEvent(
        case=case, n=0, at=house.clock.now, kind=SILENCE, actor=SAM.id, detail=detail
    )
    await house.desk.commit(DeskChange(events=(event,)))


async def test_a_hidden_report_leaves_no_trace_in_the_app_nor_among_the_other_notices() -> None:
    house = TellingDesk()
    report = await house.report(hidden=True)
    await house.decide(report.case)
    await house.later(DAY)
    assert await house.told(ALICE) == []
    assert house.voice.to(ALICE) == []
    # Only where the reporter asks for it.
    assert await house.kinds(ALICE, hidden=True) == ["receipt", "outcome"]


async def test_a_hidden_notice_is_said_nowhere_whatever_is_asked_for() -> None:
    house = TellingDesk()
    await house.report(hidden=True)
    (notice,) = await house.desk.notices(ALICE, house.clock.now)
    assert told(notice).tasks == ()
    await house.desk.commit(DeskChange(tasks=(deliver_task(notice),)))
    await house.later(DAY)
    assert house.voice.calls == 0


async def test_of_one_reporters_reports_a_hidden_one_stays_apart() -> None:
    house = TellingDesk()
    shown, hidden = await house.report(), await house.report(hidden=True)
    await house.decide(shown.case)
    await house.later(DAY)
    assert [one["reports"] for one in await house.told(ALICE)] == [[shown.id], [shown.id]]
    away = await house.told(ALICE, hidden=True)
    assert [one["reports"] for one in away] == [[hidden.id], [hidden.id]]
    await house.decisions.reverse(SAM, shown.case, "it was a joke")
    await house.later(HOUR)
    assert [one["reports"] for one in (await house.told(ALICE))[2:]] == [[shown.id]]
    assert [one["reports"] for one in (await house.told(ALICE, hidden=True))[2:]] == [[hidden.id]]


async def test_a_guardian_is_told_nothing() -> None:
    house = TellingDesk()
    guardian = "@guardian:a.example"
    house.people.records[ALICE] = PersonRecord(user=ALICE, age_band="13-15", guardian=guardian)
    report = await house.report()
    await house.decide(report.case)
    await house.later(DAY)
    assert await house.told(guardian) == await house.told(guardian, hidden=True) == []
    assert house.voice.to(guardian) == []
    with pytest.raises(UnknownCaseError):
        await house.board.one(guardian, (await house.told(ALICE))[0]["id"])


async def test_nobody_reads_anothers_notice_nor_one_that_is_not_shown_yet() -> None:
    house = TellingDesk()
    await house.report()
    name = (await house.told(ALICE))[0]["id"]
    for ask in (house.board.one, house.board.statement):
        with pytest.raises(UnknownCaseError):
            await ask(BOB, name)
    house.clock.now -= 1
    with pytest.raises(UnknownCaseError):
        await house.board.one(ALICE, name)


# --- what is told -------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [True, False])
async def test_in_a_chat_of_two_the_reason_names_rule_and_month_and_nothing_else(
    pair: bool,
) -> None:
    house = TellingDesk()
    house.company.groups = set() if pair else {ROOM}
    house.clock.now = 1_795_000_000_000  # 2026-11-18
    report = await house.report()
    await house.decide(report.case)
    await house.later(DAY)
    stated = (await house.told(MALLORY))[0]
    dates = (stated["statement"]["content_date"], stated["statement"]["application_date"])
    assert dates == (("2026-11", "2026-11") if pair else ("2026-11-17", "2026-11-18"))
    when = "November 2026" if pair else "17 November 2026"
    assert f"It is about something from {when}." in stated["text"]


async def test_nothing_that_anybody_is_told_names_a_person_a_message_or_a_case() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.report(BOB)
    await house.decide(
        report.case,
        replace(LIMIT, facts="Alice wrote that he said: secret words"),
    )
    await house.later(DAY)
    named = {ALICE: (MALLORY, BOB), BOB: (MALLORY, ALICE), MALLORY: (ALICE, BOB)}
    for user, others in named.items():
        told = await house.told(user)
        everything = json.dumps(told) + " ".join(house.voice.to(user))
        for secret in (*others, "Alice", "secret", "$event", ROOM, "case_", RUTH.id, RUTH.name):
            assert secret not in everything, (user, secret)
    assert "rep_" not in json.dumps(await house.told(MALLORY))


async def test_the_moment_of_the_decision_shows_nowhere() -> None:
    house = TellingDesk(delay=5 * HOUR)
    report = await house.report()
    await house.decide(report.case)
    decided = house.clock.now
    await house.later(6 * HOUR)
    assert str(decided) not in json.dumps(await house.told(MALLORY))
    assert (await house.told(MALLORY))[0]["at"] == house.clock.now


async def test_every_reporter_hears_what_became_of_it_once() -> None:
    house = TellingDesk()
    first, again, other = await house.report(), await house.report(), await house.report(BOB)
    await house.decide(first.case)
    await house.later(DAY)
    assert await house.kinds(ALICE) == ["receipt", "receipt", "outcome"]
    assert await house.kinds(BOB) == ["receipt", "outcome"]
    outcome = (await house.told(ALICE))[-1]
    assert (outcome["outcome"], outcome["reports"]) == ("acted", [first.id, again.id])
    assert (await house.told(BOB))[-1]["reports"] == [other.id]


async def test_reports_of_cases_that_were_merged_are_told_of_too() -> None:
    house = TellingDesk()
    spam, report = await house.report(BOB, "spam.unwanted"), await house.report()
    closing = await house.desk.case(spam.case)
    assert closing is not None
    event = ModerationEvent(
        case=report.case,
        n=0,
        at=house.clock.now,
        kind="merged",
        actor=RUTH.id,
        detail=msgspec.json.encode({"cases": [spam.case]}),
    )
    closed = replace(closing, state=CaseState.CLOSED, merged_into=report.case)
    await house.desk.commit(DeskChange(cases=(closed,), events=(event,)))
    await house.decide(report.case)
    await house.later(DAY)
    assert await house.kinds(BOB) == ["receipt", "outcome"]


async def test_whoever_was_harmed_reads_of_help_before_anything_else() -> None:
    house = TellingDesk()
    house.people.records[ALICE] = PersonRecord(user=ALICE, region="FI")
    house.people.records[BOB] = PersonRecord(user=BOB, region="GB")
    await house.report(ALICE, GROOMING)
    await house.report(BOB, "harassment.bullying")
    await house.work_on()
    first = (await house.told(ALICE))[0]
    assert first["help_first"].startswith("Is someone in danger")
    assert first["help"]
    second = (await house.told(BOB))[0]
    assert second["help_first"].startswith("This is not your fault")
    assert {"title": "Childline", "contact": "0800 1111"} in second["help"]
    assert house.voice.to(BOB)[0].startswith("This is not your fault")


async def test_where_nobody_is_harmed_no_help_is_pressed_on_anybody() -> None:
    house = TellingDesk()
    await house.report(ALICE, "spam.unwanted")
    assert "help_first" not in (await house.told(ALICE))[0]


@pytest.mark.parametrize(("band", "plain"), [("13-15", True), (None, True), ("adult", False)])
async def test_teens_and_whoever_may_be_one_read_plain_words(band: str | None, plain: bool) -> None:
    house = TellingDesk()
    house.people.records[MALLORY] = PersonRecord(user=MALLORY, age_band=band)
    report = await house.report()
    if band == "13-15":
        # Whatever is done to a minor needs a second person.
        await house.claim(report.case)
        with pytest.raises(SecondPersonError):
            await house.decisions.decide(RUTH, report.case, LIMIT)
        await house.decisions.confirm(SAM, report.case)
    else:
        await house.decide(report.case)
    await house.later(DAY)
    text = " ".join((await house.told(MALLORY))[0]["text"])
    assert ("We found that you broke a rule." in text) is plain
    assert ("out-of-court" in text) is not plain


async def test_a_warning_is_told_as_one() -> None:
    house = TellingDesk()
    report = await house.report()
    warn = Choice(reason="harassment.targeted", actions=(Action(kind=Kind.WARNING),))
    await house.decide(report.case, warn)
    await house.later(DAY)
    stated = (await house.told(MALLORY))[0]
    assert stated["kind"] == "warning"
    assert stated["statement"]["decision_visibility"] == ["DECISION_VISIBILITY_OTHER"]


async def test_what_is_taken_back_is_told_to_both_sides() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.decide(report.case)
    await house.later(DAY)
    await house.decisions.reverse(SAM, report.case, "the wrong person")
    await house.later(DAY)
    assert await house.kinds(MALLORY) == ["statement", "appeal_outcome"]
    assert (await house.told(MALLORY))[-1]["title"] == "We took it back"
    assert (await house.told(ALICE))[-1]["outcome"] == "changed"


# --- in the app ---------------------------------------------------------------------------------


async def test_work_that_is_done_twice_tells_nobody_twice() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.decide(report.case)
    await house.later(DAY)
    before = (await house.told(ALICE), await house.told(MALLORY), dict(house.voice.said))
    house.jobs.over.clear()
    house.clock.now += DAY
    for job in house.jobs.due(house.clock.now):
        await house.work.step(job, house.clock.now)
    assert (await house.told(ALICE), await house.told(MALLORY), house.voice.said) == before


@pytest.mark.parametrize("why", [NoKeyYetError, NoEscrowSetError])
async def test_where_nothing_can_be_sealed_yet_it_is_said_later(why: type[Exception]) -> None:
    house = TellingDesk()
    house.voice.why = why
    house.voice.keyless.add(ALICE)
    await house.report()
    await house.later(HOUR)
    assert house.voice.to(ALICE) == []
    house.voice.keyless.clear()
    await house.later(2 * DAY)
    assert len(house.voice.to(ALICE)) == 1


async def test_nothing_is_said_to_somebody_who_is_gone() -> None:
    house = TellingDesk()
    house.people.gone.add(ALICE)
    await house.report()
    await house.later(HOUR)
    assert house.voice.calls == 0
    assert house.jobs.due(house.clock.now) == []


async def test_nothing_is_kept_for_somebody_who_is_being_erased() -> None:
    house = TellingDesk()
    report = await house.report()
    await house.report(BOB)
    await house.decide(report.case)
    house.people.gone |= {ALICE, MALLORY}
    await house.later(DAY)
    assert await house.kinds(ALICE) == ["receipt"]
    assert await house.told(MALLORY) == []
    assert await house.kinds(BOB) == ["receipt", "outcome"]


@pytest.mark.parametrize(("earlier", "now"), [(True, False), (False, True), (False, False)])
async def test_a_warning_for_reports_that_did_not_hold_betrays_no_hidden_one(
    earlier: bool, now: bool
) -> None:
    house = TellingDesk()
    for number in range(house.review.intake.false_reports):
        report = await house.report(subject=f"@s{number}:a.example", hidden=earlier and number == 2)
        await house.decide(report.case, NOTHING)
        await house.later(HOUR)
    record = TrackRecord(
        desk=house.desk,
        review=house.review,
        outcomes=ToldOutcomes(house.desk),
        facts=AnyAge(),
    )
    counts, warned = await record.weighed(ALICE, house.clock.now, hidden=now)
    assert counts < 1
    assert [one.hidden for one in warned.notices] == [earlier or now]
    assert (warned.tasks == ()) is (earlier or now)


class AnyAge:
    """Nobody's age is known."""

    async def person(self, user: str) -> Person:
        return Person(user_id=user)


async def test_a_notice_is_read_once_it_was_fetched() -> None:
    house = TellingDesk()
    await house.report()
    first = (await house.told(ALICE))[0]
    assert first["read"] is False
    assert (await house.board.one(ALICE, first["id"]))["read"] is True
    assert (await house.told(ALICE))[0]["read"] is True
