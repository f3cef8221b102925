"""A statement of reasons says what it must, is true, and never says what was written or by whom."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from halfdoor.policy.load import load
from halfdoor.policy.review_limits import CATEGORIES
from halfdoor.readers.review.statement_fields import (
    AccountDecision,
    Automation,
    ContentType,
    Ground,
    Provision,
    Redress,
    SourceType,
    Statement,
    Visibility,
    YesNo,
)
from halfdoor.readers.review.statements import (
    Facts,
    StatementError,
    Taken,
    check_statement,
    export,
    statement_of,
)
from halfdoor.safety.measures import DAY_MS, Kind

NOW = 1_795_000_000_000
FACTS = Facts(
    puid="ntc_AAAAAAAAAAAAAAAAAAAAAA",
    rule="Insults or threats",
    category="STATEMENT_CATEGORY_CYBER_VIOLENCE",
    keyword="KEYWORD_CYBER_HARASSMENT",
    measures=(Taken(kind=Kind.NO_MEDIA, until=NOW + 7 * DAY_MS),),
    seen=NOW - DAY_MS,
    starts=NOW,
    month_only=False,
)
GOOD = statement_of(FACTS)


def refused(**changes: Any) -> str:
    with pytest.raises(StatementError) as error:
        check_statement(replace(GOOD, **changes))
    return str(error.value)


@pytest.mark.parametrize("puid", ["", "a b", "ü", "a" * 501, "a\n"])
def test_an_id_that_the_database_refuses_is_refused(puid: str) -> None:
    assert "puid" in refused(puid=puid)


def test_a_statement_without_a_decision_is_refused() -> None:
    assert "at least one decision" in refused(
        decision_visibility=(), decision_provision=None, decision_account=None
    )


def test_another_kind_of_visibility_must_be_named() -> None:
    assert "OTHER" in refused(decision_visibility=(Visibility.OTHER,))


def test_another_type_of_content_must_be_named() -> None:
    assert "OTHER" in refused(content_type=(ContentType.OTHER,))


def test_some_type_of_content_is_named() -> None:
    assert "type of content" in refused(content_type=())


def test_an_unknown_category_is_refused() -> None:
    assert "category" in refused(category="STATEMENT_CATEGORY_BAD_MANNERS")


def test_a_keyword_is_one_of_the_databases() -> None:
    assert "keywords" in refused(category_specification=("CYBER_HARASSMENT",))


@pytest.mark.parametrize("facts", ["", "x" * 5001])
def test_facts_are_neither_missing_nor_endless(facts: str) -> None:
    assert "decision_facts" in refused(decision_facts=facts)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"incompatible_content_ground": None}, "ground has"),
        ({"incompatible_content_ground": "x" * 501}, "ground has"),
        ({"incompatible_content_explanation": None}, "explanation"),
        ({"incompatible_content_explanation": "x" * 2001}, "explanation"),
        ({"incompatible_content_illegal": None}, "illegal too"),
        ({"illegal_content_legal_ground": "Art. 1"}, "one ground"),
        ({"decision_ground": Ground.ILLEGAL}, "one ground"),
    ],
)
def test_a_ground_without_its_fields_is_refused(changes: dict[str, Any], why: str) -> None:
    assert why in refused(**changes)


@pytest.mark.parametrize("date", ["2026", "23.11.2026", "2026-11-23T10:00:00Z", "2026-11-23\n"])
def test_a_date_is_a_day_or_a_month_and_never_an_hour(date: str) -> None:
    assert "date" in refused(content_date=date)


def test_a_measure_that_ends_before_it_begins_is_refused() -> None:
    assert "ends after" in refused(end_date_service_restriction="2020-01-01")


def test_an_end_of_what_does_not_end_is_refused() -> None:
    ended = {"end_date_account_restriction": "2099-01-01"}
    assert "suspension" in refused(decision_account=AccountDecision.TERMINATED, **ended)
    assert "suspension" in refused(decision_account=None, **ended)


@pytest.mark.parametrize("account", list(AccountDecision))
def test_a_machine_alone_decides_about_no_account(account: AccountDecision) -> None:
    fully = Automation.FULLY
    assert "person decides" in refused(automated_decision=fully, decision_account=account)


def test_facts_that_make_no_valid_statement_make_none() -> None:
    for wrong in ({"category": "STATEMENT_CATEGORY_X"}, {"rule": "x" * 501}, {"measures": ()}):
        with pytest.raises(StatementError):
            statement_of(replace(FACTS, **wrong))


# --- what is made -------------------------------------------------------------------------------


def test_every_reason_of_the_default_policy_makes_a_statement() -> None:
    for reason in load(None).review.reasons:
        assert reason.category in CATEGORIES
        made = statement_of(
            replace(FACTS, rule=reason.title, category=reason.category, keyword=reason.keyword)
        )
        assert made.category_specification == (reason.keyword,)


@given(
    kinds=st.lists(st.sampled_from(Kind), min_size=1, max_size=5, unique=True),
    days=st.sampled_from([None, 1, 7, 30]),
    month_only=st.booleans(),
    legal=st.sampled_from([None, "§ 185 StGB"]),
)
def test_every_set_of_measures_makes_a_valid_statement(
    kinds: list[Kind], days: int | None, month_only: bool, legal: str | None
) -> None:
    until = None if days is None else NOW + days * DAY_MS
    timeless = {Kind.TERMINATED, Kind.WARNING, Kind.LABEL, Kind.REMOVE_MESSAGE}
    taken = tuple(Taken(kind=k, until=None if k in timeless else until) for k in kinds)
    made = statement_of(replace(FACTS, measures=taken, month_only=month_only, legal_ground=legal))
    check_statement(made)
    assert (made.decision_account is AccountDecision.TERMINATED) is (Kind.TERMINATED in kinds)


def test_of_several_measures_the_gravest_names_what_became_of_the_account() -> None:
    both = (Taken(kind=Kind.SUSPENDED, until=NOW + DAY_MS), Taken(kind=Kind.TERMINATED))
    made = statement_of(replace(FACTS, measures=both))
    assert made.decision_account is AccountDecision.TERMINATED
    assert made.decision_provision is Provision.TOTAL_TERMINATION
    assert made.end_date_account_restriction is None


def test_in_a_conversation_of_two_no_day_is_named_anywhere() -> None:
    made = statement_of(replace(FACTS, month_only=True))
    raw = msgspec.json.encode(made).decode()
    assert "2026-11-1" not in raw
    assert made.content_date == made.application_date == "2026-11"
    assert made.decision_facts == "Rule: Insults or threats. Time: 2026-11."


def test_what_is_said_of_machines_is_true() -> None:
    assert (GOOD.automated_detection, GOOD.automated_decision) == (YesNo.NO, Automation.NOT)
    found = statement_of(replace(FACTS, found_by_machine=True, by_machine=True))
    assert (found.automated_detection, found.automated_decision) == (YesNo.YES, Automation.FULLY)


def test_there_is_no_field_for_a_message_or_for_who_reported() -> None:
    fields = set(Statement.__struct_fields__)
    assert not {"source_identity", "message", "text", "content", "reporter"} & fields


def test_the_export_names_every_way_to_contest_and_reads_back() -> None:
    raw = export(GOOD, Redress(internal_until=NOW + 183 * DAY_MS))
    back = msgspec.json.decode(raw)
    assert back["redress"]["internal_until"] == NOW + 183 * DAY_MS
    assert {"internal", "out_of_court", "court"} <= set(back["redress"])
    assert back["source_type"] == SourceType.ARTICLE_16.value
    assert back["account_type"] == "ACCOUNT_TYPE_PRIVATE"
    del back["redress"]
    assert msgspec.convert(back, Statement) == GOOD
