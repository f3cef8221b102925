"""The statement of reasons: what was decided about a person, why, and what they can do about it.

Never the text of a message, never who reported (SAFETY §5.4, §5.10). Pure.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

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
from halfdoor.safety.measures import Kind

_PUID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")
_DAY: Final = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_FACTS: Final = 5000
_GROUND: Final = 500
_EXPLANATION: Final = 2000


class StatementError(Exception):
    """A statement of reasons lacks what it must say, or says what contradicts itself."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One measure as it was taken: its kind, and until when (ms), if it ends by itself."""

    kind: Kind
    until: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement is made from; all of it known without opening a message.

    `seen` is when what it is about was written or done, `starts` when the measures begin (ms).
    `month_only` in a conversation of two, where a day would name the reporter (SAFETY §5.10).
    `legal_ground` is the law, where it is one; else it is our rule alone. `by_machine` says that
    no person decided, `found_by_machine` that no person reported.
    """

    puid: str
    rule: str
    category: str
    keyword: str
    measures: tuple[Taken, ...]
    seen: int
    starts: int
    month_only: bool
    source: SourceType = SourceType.ARTICLE_16
    content_types: tuple[ContentType, ...] = (ContentType.TEXT,)
    legal_ground: str | None = None
    language: str | None = None
    by_machine: bool = False
    found_by_machine: bool = False


_Row = tuple[Visibility | None, Provision | None, AccountDecision | None]

_BY_WEIGHT: Final = (
    Provision.TOTAL_TERMINATION,
    Provision.TOTAL_SUSPENSION,
    Provision.PARTIAL_TERMINATION,
    Provision.PARTIAL_SUSPENSION,
)
_LIMIT: Final[_Row] = (Visibility.INTERACTION_RESTRICTED, Provision.PARTIAL_SUSPENSION, None)
# What each measure is in the database's words: visibility, provision, account.
_ROWS: Final[dict[Kind, _Row]] = {
    Kind.LABEL: (Visibility.LABELLED, None, None),
    Kind.REMOVE_MESSAGE: (Visibility.REMOVED, None, None),
    Kind.WARNING: (Visibility.OTHER, None, None),
    Kind.NO_NEW_CONVERSATIONS: _LIMIT,
    Kind.NO_MEDIA: _LIMIT,
    Kind.NO_MINORS: _LIMIT,
    Kind.SUSPENDED: (None, Provision.TOTAL_SUSPENSION, AccountDecision.SUSPENDED),
    Kind.TERMINATED: (None, Provision.TOTAL_TERMINATION, AccountDecision.TERMINATED),
}


def statement_of(facts: Facts) -> Statement:
    """Return the statement of reasons that *facts* make; `StatementError` where they make none."""
    rows = [(one, _ROWS[one.kind]) for one in facts.measures]
    visible = tuple(dict.fromkeys(row[0] for _, row in rows if row[0] is not None))
    provisions = {row[1] for _, row in rows if row[1] is not None}
    accounts = {row[2] for _, row in rows if row[2] is not None}
    when = month_of(facts.seen) if facts.month_only else date_of(facts.seen)
    illegal = facts.legal_ground is not None
    statement = Statement(
        puid=facts.puid,
        decision_visibility=visible,
        decision_visibility_other="A warning" if Visibility.OTHER in visible else None,
        # Of several the gravest counts: the database takes one of each.
        decision_provision=next((one for one in _BY_WEIGHT if one in provisions), None),
        decision_account=AccountDecision.TERMINATED
        if AccountDecision.TERMINATED in accounts
        else next(iter(accounts), None),
        decision_ground=Ground.ILLEGAL if illegal else Ground.INCOMPATIBLE,
        illegal_content_legal_ground=facts.legal_ground,
        illegal_content_explanation=facts.rule if illegal else None,
        incompatible_content_ground=None if illegal else facts.rule,
        incompatible_content_explanation=None
        if illegal
        else f"It does not agree with our rule: {facts.rule}.",
        incompatible_content_illegal=None if illegal else YesNo.NO,
        content_type=facts.content_types,
        category=facts.category,
        category_specification=(facts.keyword,),
        content_date=when,
        application_date=month_of(facts.starts) if facts.month_only else date_of(facts.starts),
        end_date_visibility_restriction=_end(facts, 0),
        end_date_service_restriction=_end(facts, 1),
        end_date_account_restriction=_end(facts, 2),
        decision_facts=f"Rule: {facts.rule}. Time: {when}.",
        source_type=facts.source,
        automated_detection=YesNo.YES if facts.found_by_machine else YesNo.NO,
        automated_decision=Automation.FULLY if facts.by_machine else Automation.NOT,
        content_language=facts.language,
    )
    check_statement(statement)
    return statement


def _end(facts: Facts, column: int) -> str | None:
    """Return when the last measure of this column ends; None where one of them stays."""
    ends = [one.until for one in facts.measures if _ROWS[one.kind][column] is not None]
    known = [end for end in ends if end is not None]
    if not known or len(known) < len(ends):
        return None
    return month_of(max(known)) if facts.month_only else date_of(max(known))


def check_statement(statement: Statement) -> None:
    """Refuse a statement that the database would refuse, or that is not true (`StatementError`)."""
    if _PUID.fullmatch(statement.puid) is None:
        raise StatementError("puid has 1 to 500 letters, digits, - and _")
    if not (
        statement.decision_visibility or statement.decision_provision or statement.decision_account
    ):
        raise StatementError("a statement names at least one decision")
    if Visibility.OTHER in statement.decision_visibility and not (
        statement.decision_visibility_other
    ):
        raise StatementError("decision_visibility OTHER needs decision_visibility_other")
    if statement.category not in CATEGORIES:
        raise StatementError("there is no such category")
    if not all(one.startswith("KEYWORD_") for one in statement.category_specification):
        raise StatementError("category_specification holds keywords")
    if not statement.content_type:
        raise StatementError("a statement names at least one type of content")
    if ContentType.OTHER in statement.content_type and not statement.content_type_other:
        raise StatementError("content_type OTHER needs content_type_other")
    if not 0 < len(statement.decision_facts) <= _FACTS:
        raise StatementError("decision_facts has 1 to 5000 characters")
    _check_ground(statement)
    _check_dates(statement)
    if statement.automated_decision is Automation.FULLY and statement.decision_account is not None:
        # SAFETY §5.5: no account ends, or stands still, by a machine's word alone.
        raise StatementError("a person decides about an account")


def _check_ground(statement: Statement) -> None:
    if statement.decision_ground is Ground.ILLEGAL:
        ground = statement.illegal_content_legal_ground
        said = statement.illegal_content_explanation
        foreign = statement.incompatible_content_ground
    else:
        ground = statement.incompatible_content_ground
        said = statement.incompatible_content_explanation
        foreign = statement.illegal_content_legal_ground
        if statement.incompatible_content_illegal is None:
            raise StatementError("incompatible content says whether it is illegal too")
    if foreign is not None:
        raise StatementError("a statement stands on one ground")
    if not ground or len(ground) > _GROUND:
        raise StatementError("the ground has 1 to 500 characters")
    if not said or len(said) > _EXPLANATION:
        raise StatementError("the explanation has 1 to 2000 characters")


def _check_dates(statement: Statement) -> None:
    ends = (
        statement.end_date_visibility_restriction,
        statement.end_date_service_restriction,
        statement.end_date_account_restriction,
    )
    for one in (statement.content_date, statement.application_date, *ends):
        if one is not None and _DAY.fullmatch(one) is None:
            raise StatementError("a date is YYYY-MM-DD, or YYYY-MM")
    for end in ends:
        if end is not None and end < statement.application_date:
            raise StatementError("a measure ends after it begins")
    if statement.end_date_account_restriction is not None and (
        statement.decision_account is not AccountDecision.SUSPENDED
    ):
        raise StatementError("only a suspension of the account ends by itself")


def export(statement: Statement, redress: Redress) -> bytes:
    """Return what a person takes with them: the statement and their redress, as JSON."""
    content: dict[str, Any] = msgspec.to_builtins(statement)
    # A default is left out elsewhere; here the fields of every statement stand together.
    content["account_type"] = statement.account_type
    content["redress"] = msgspec.to_builtins(redress)
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def month_of(ms: int) -> str:
    """Return the month of a time, YYYY-MM."""
    return date_of(ms)[:7]


def date_of(ms: int) -> str:
    """Return the day of a time (UTC), YYYY-MM-DD."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC).date().isoformat()
