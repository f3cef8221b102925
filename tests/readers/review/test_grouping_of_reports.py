"""What a further report makes of a case, how much reports count, and when one must wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from halfdoor.policy.load import load
from halfdoor.policy.review import Intake, Reason
from halfdoor.readers.review.errors import TooManyReportsError
from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.filing_checks import checked, harmless
from halfdoor.readers.review.grouping import Circumstances, grown, new_case, said_before
from halfdoor.readers.review.reasons import help_for, listed
from halfdoor.readers.review.records import CaseState, Report
from halfdoor.readers.review.weights import HOUR_MS, check_pace, false_in_a_row, weight

REVIEW = load().review
INTAKE = Intake()
NOW = 1_795_000_000_000
KEYS = (b"public", b"private")
REASONS = st.sampled_from(REVIEW.reasons)


def reason(key: str) -> Reason:
    found = REVIEW.reason(key)
    assert found is not None
    return found


def report(at: int = NOW, reporter: str = "@ada:a.example", **more: object) -> Report:
    base = Report(
        id="rep_1",
        case="",
        reporter=reporter,
        subject="@ben:a.example",
        at=at,
        reason="hate.speech",
    )
    return replace(base, **more)


@given(st.lists(st.tuples(REASONS, st.integers(0, 10**7)), min_size=1, max_size=8), st.booleans())
def test_a_further_report_never_makes_a_case_milder_or_later(
    said: list[tuple[Reason, int]], held: bool
) -> None:
    first, *others = said
    case = new_case("case_1", report(), first[0], Circumstances(), KEYS)
    assert case.due == NOW + first[0].claim_minutes * 60_000
    if held:
        case = replace(case, state=CaseState.CLAIMED, holder="sta_1")
    for one, later in others:
        before, case = case, grown(case, report(NOW + later), one, Circumstances(minor=True))
        assert case.rank == min(before.rank, one.rank)
        assert case.due <= before.due
        assert case.reports == before.reports + 1
        assert case.minor
        assert (case.key_public, case.key_sealed) == KEYS
        assert (case.state, case.holder) == (before.state, before.holder)
    worst = min(one.rank for one, _ in said)
    assert reason(case.reason).rank == worst


def test_each_person_who_is_harmed_is_named_once_and_not_without_end() -> None:
    case = new_case("case_1", report(), reason("spam.unwanted"), Circumstances(), KEYS)
    for number in range(500):
        one = report(reporter=f"@p{number % 300}:a.example")
        case = grown(case, one, reason("spam.unwanted"), Circumstances())
    assert case.reports == 501
    assert len(case.victims) == len(set(case.victims)) == 200


def test_what_is_known_of_a_case_first_stays() -> None:
    case = new_case(
        "case_1", report(language="fi"), reason("hate.speech"), Circumstances(region="FI"), KEYS
    )
    case = grown(case, report(language="de"), reason("hate.speech"), Circumstances(region="DE"))
    assert (case.language, case.region, case.reason) == ("fi", "FI", "hate.speech")


@pytest.mark.parametrize(
    "other",
    [
        {"subject": "@cleo:a.example"},
        {"room": "!other:a.example"},
        {"reason": "scam.fraud"},
        {"events": ("$a", "$b")},
        {"context": ("$c",)},
        {"note": "more"},
        {"hidden": True},
        {"guardian": b"somebody"},
        {"at": NOW - 1},
    ],
)
def test_only_what_says_the_same_counts_as_said_before(other: dict[str, object]) -> None:
    before = report(events=("$a",), room="!r:a.example")
    assert said_before([before], before, NOW) is before
    if "at" in other:
        assert said_before([replace(before, **other)], before, NOW) is None
    else:
        assert said_before([before], replace(before, **other), NOW) is None


def test_reports_nobody_decided_yet_count_neither_way() -> None:
    assert false_in_a_row([]) == 0
    assert false_in_a_row([None, False, None, False, True, False]) == 2
    assert false_in_a_row([True, False, False]) == 0
    assert false_in_a_row([None, None]) == 0


@given(st.integers(0, 10_000), st.integers(1, 100), st.integers(5, 100))
def test_a_weight_falls_with_false_reports_and_never_to_nothing(
    in_a_row: int, limit: int, least: int
) -> None:
    intake = Intake(false_reports=limit, least_weight_percent=least)
    found = weight(intake, in_a_row)
    assert least / 100 <= found <= 1
    assert found >= weight(intake, in_a_row + 1)
    assert (found == 1) is (in_a_row < limit or least == 100)


@given(st.lists(st.integers(0, 2 * HOUR_MS), max_size=60), st.integers(1, 30))
def test_whoever_waits_as_long_as_they_are_told_is_taken(ages: list[int], most: int) -> None:
    intake = Intake(per_hour=most)
    filed = [report(NOW - age) for age in sorted(ages)]
    within = sum(age < HOUR_MS for age in ages)
    if within < most:
        check_pace(intake, filed, NOW)
        return
    with pytest.raises(TooManyReportsError) as refused:
        check_pace(intake, filed, NOW)
    wait = refused.value.retry_after_ms
    assert 0 < wait <= HOUR_MS
    check_pace(intake, filed, NOW + wait)


def test_help_is_that_of_ones_country_and_else_everybodys() -> None:
    assert [one.contact for one in help_for(REVIEW, ["child"], "GB")] == ["0800 1111"]
    (anywhere,) = help_for(REVIEW, ["child"], "JP")
    assert anywhere.region == "*"
    assert help_for(REVIEW, ["child"], None) == [anywhere]
    assert help_for(REVIEW, ["nothing"], "GB") == []
    said = listed(REVIEW, "GB")
    assert {"key": "child", "title": "Childline", "contact": "0800 1111"} in said["help"]
    assert all({"key", "title", "words", "help"} <= set(one) for one in said["reasons"])
    # What is for the desk alone is not told.
    assert not {"queue", "rank", "category"} & set(said["reasons"][0])


@given(st.text(max_size=200))
def test_a_note_made_harmless_can_be_written_and_stays_so(note: str) -> None:
    text = harmless(note)
    text.encode()
    assert harmless(text) == text.strip()
    assert not [char for char in text if ord(char) < 32 and char not in "\n\t"]
    assert len(text) <= len(note)


def test_a_message_named_twice_is_one_and_what_is_chosen_is_no_context() -> None:
    asked = Filing(room="!r:a.example", events=("$a", "$a", "$b"), context=("$b", "$c", "$c"))
    found = checked(asked, INTAKE)
    assert (found.events, found.context) == (("$a", "$b"), ("$c",))
