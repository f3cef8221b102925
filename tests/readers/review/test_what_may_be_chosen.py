"""What may be chosen depends on the rule that was broken, and on who decides about whom."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.readers.review.deciding import (
    ANNA,
    CARA,
    END,
    EVENT,
    LIMIT,
    NOTHING,
    NOW,
    REMOVE,
    REVIEW,
    ROOM,
    SUBJECT,
    SUSPEND,
    WARN,
    reason,
    shipped,
)

from halfdoor.readers.review.choices import (
    Action,
    Choice,
    check_choice,
    check_second,
    needs_second,
    offered,
)
from halfdoor.readers.review.errors import (
    ChoiceRefusedError,
    RoleError,
    SecondPersonError,
    StaleCaseError,
)
from halfdoor.readers.review.judging import check_undoable, decision_of
from halfdoor.readers.review.records import Case, CaseKind, CaseState
from halfdoor.readers.review.strikes import suggest
from halfdoor.safety.measures import LADDER_DAYS, Kind, Strike

CASE = Case(
    id="case_a",
    kind=CaseKind.REPORT,
    subject=SUBJECT,
    reason="harassment.targeted",
    queue="harassment",
    rank=2,
    state=CaseState.CLAIMED,
    opened=NOW,
    due=NOW,
)
VAULT = replace(CASE, queue="child_safety", child_safety=True, rank=0)
WRITTEN = {(ROOM, EVENT)}


def check(choice: Choice, case: Case = CASE, staff: object = ANNA, strikes: int = 0) -> None:
    check_choice(REVIEW, staff, case, choice, written=WRITTEN, strikes=strikes)  # type: ignore[arg-type]


def one(kind: Kind, key: str = "harassment.targeted", **more: object) -> Choice:
    return Choice(reason=key, actions=(Action(kind=kind, **more),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "choice",
    [
        one(Kind.WARNING, "no.such"),
        one(Kind.WARNING, ""),
        one(Kind.NO_MEDIA),
        one(Kind.NO_MEDIA, days=2),
        one(Kind.SUSPENDED, days=365),
        one(Kind.NO_MINORS),
        one(Kind.WARNING, days=1),
        one(Kind.TERMINATED, "hate.severe", days=30),
        one(Kind.LABEL),
        one(Kind.LABEL, scope="Not A Name"),
        one(Kind.LABEL, scope="a" * 41),
        one(Kind.REMOVE_MESSAGE, room=ROOM, scope="$other"),
        one(Kind.REMOVE_MESSAGE, room="!other:x", scope=EVENT),
        one(Kind.REMOVE_MESSAGE),
        one(Kind.WARNING, scope=EVENT),
        one(Kind.NO_MEDIA, days=1, room=ROOM),
        one(Kind.SUSPENDED, "spam.bulk", days=1),
        one(Kind.TERMINATED),
        one(Kind.TERMINATED, "spam.bulk"),
        replace(WARN, actions=WARN.actions * 2),
        replace(
            WARN,
            actions=(Action(kind=Kind.NO_MEDIA, days=1), Action(kind=Kind.NO_MEDIA, days=7)),
        ),
        replace(WARN, actions=REMOVE.actions * 2),
        replace(
            WARN,
            actions=tuple(Action(kind=Kind.LABEL, scope=f"l{number}") for number in range(61)),
        ),
        replace(NOTHING, facts="x" * 5001),
        replace(NOTHING, facts="a\x00b"),
        replace(WARN, facts="turned \u202e around"),
    ],
)
def test_what_is_no_decision_is_refused(choice: Choice) -> None:
    with pytest.raises(ChoiceRefusedError):
        check(choice)


@pytest.mark.parametrize(
    "choice",
    [
        NOTHING,
        WARN,
        LIMIT,
        SUSPEND,
        END,
        REMOVE,
        one(Kind.LABEL, scope="watch"),
        one(Kind.NO_MINORS, days=30),
        one(Kind.NO_MEDIA, "spam.bulk", days=1),
        replace(
            WARN,
            actions=(Action(kind=Kind.LABEL, scope="a"), Action(kind=Kind.LABEL, scope="b")),
        ),
        replace(WARN, facts="Two lines,\nand an ümlaut."),
    ],
)
def test_what_the_rule_allows_is_taken(choice: Choice) -> None:
    check(choice)


def test_who_broke_rules_again_and_again_may_lose_more_than_one_breach_allows() -> None:
    enough = REVIEW.strikes.suspend_at
    for choice, strikes in (
        (one(Kind.TERMINATED), enough),
        (one(Kind.SUSPENDED, "spam.bulk", days=1), enough - 1),
    ):
        check(choice, strikes=strikes)
        with pytest.raises(ChoiceRefusedError):
            check(choice, strikes=strikes - 1)


def test_child_safety_is_decided_in_the_vault_by_its_own_role() -> None:
    grooming = one(Kind.NO_MINORS, "child_safety.grooming")
    with pytest.raises(RoleError):
        check(grooming, VAULT)
    with pytest.raises(ChoiceRefusedError):
        check(grooming, CASE, CARA)
    check(grooming, VAULT, CARA)


def test_a_referral_belongs_to_the_vault_and_to_grave_reasons() -> None:
    with pytest.raises(RoleError):
        check(Choice(reason="threat.life", refer=True))
    with pytest.raises(ChoiceRefusedError):
        check(Choice(reason="harassment.targeted", refer=True), VAULT, CARA)
    check(Choice(reason="threat.life", refer=True), VAULT, CARA)
    check(Choice(reason="child_safety.grooming", refer=True), VAULT, CARA)


def test_what_is_severe_needs_a_second_person() -> None:
    for choice in (
        END,
        Choice(reason="child_safety.grooming", refer=True),
        one(Kind.NO_MINORS, "child_safety.grooming"),
    ):
        assert needs_second(choice, minor=False)
    for choice in (WARN, LIMIT, SUSPEND, REMOVE):
        assert not needs_second(choice, minor=False)
        assert needs_second(choice, minor=True)
    assert not needs_second(NOTHING, minor=True)


def test_the_second_person_is_another_one() -> None:
    with pytest.raises(SecondPersonError):
        check_second(ANNA, "anna")
    with pytest.raises(SecondPersonError):
        check_second(replace(ANNA, people=("@a:x", "@b:x")), "other", ("@b:x",))
    check_second(replace(ANNA, people=("@a:x",)), "other", ("@b:x",))


def test_a_decision_is_taken_back_by_who_made_it_and_in_time() -> None:
    made = decision_of(
        REVIEW, CASE, WARN, None, id="dec", by="anna", second="bert", now=NOW, pair=False, delay=0
    )
    for who in ("anna", "bert"):
        assert check_undoable(made, who, NOW + 9_999) is made
        with pytest.raises(StaleCaseError):
            check_undoable(made, who, NOW + 10_000)
    with pytest.raises(StaleCaseError):
        check_undoable(made, "lea", NOW)
    with pytest.raises(StaleCaseError):
        check_undoable(None, "anna", NOW)


@pytest.mark.parametrize(
    ("choice", "strike"),
    [
        (WARN, True),
        (replace(WARN, strike=False), False),
        (one(Kind.LABEL, scope="watch"), False),
        (replace(WARN, actions=(Action(kind=Kind.LABEL, scope="a"), *WARN.actions)), True),
        (Choice(reason="threat.life", refer=True), True),
        (NOTHING, False),
    ],
)
def test_what_the_person_does_not_feel_is_no_strike(choice: Choice, strike: bool) -> None:
    made = decision_of(
        REVIEW, CASE, choice, None, id="dec", by="anna", second=None, now=NOW, pair=False, delay=0
    )
    assert made.strike is strike


@given(
    st.sampled_from(REVIEW.reasons),
    st.sampled_from(Kind),
    st.sampled_from([None, *LADDER_DAYS]),
    st.integers(0, 6),
)
def test_what_is_offered_is_what_is_taken(
    why: object, kind: Kind, days: int | None, strikes: int
) -> None:
    key = why.key  # type: ignore[attr-defined]
    scopes = {Kind.LABEL: ("watch", ""), Kind.REMOVE_MESSAGE: (EVENT, ROOM)}
    scope, room = scopes.get(kind, ("", ""))
    choice = one(kind, key, days=days, scope=scope, room=room)
    kinds = offered(REVIEW, CARA, VAULT, why, strikes)  # type: ignore[arg-type]
    timed = kind in {Kind.NO_NEW_CONVERSATIONS, Kind.NO_MEDIA, Kind.NO_MINORS, Kind.SUSPENDED}
    # Only a limit that protects children may have no end.
    fits = (days is not None) == timed or (
        kind is Kind.NO_MINORS and days is None and key.startswith("child_safety")
    )
    if kind in kinds and fits:
        check(choice, VAULT, CARA, strikes)
    else:
        with pytest.raises(ChoiceRefusedError):
            check(choice, VAULT, CARA, strikes)


@pytest.mark.parametrize("made", [lambda: REVIEW, shipped], ids=["small", "shipped"])
@pytest.mark.parametrize("strikes", range(8))
def test_what_the_ladder_suggests_may_be_chosen(made: Callable[[], object], strikes: int) -> None:
    review = made()
    counted = [Strike(decision=str(number), at=NOW, rank=2) for number in range(strikes)]
    for why in review.reasons:  # type: ignore[attr-defined]
        found = suggest(review, why, counted)  # type: ignore[arg-type]
        choice = Choice(reason=why.key, actions=found.actions)
        case = VAULT if why.child_safety else CASE
        staff = CARA if why.child_safety else ANNA
        check_choice(review, staff, case, choice, written=(), strikes=strikes)  # type: ignore[arg-type]


def test_nothing_is_suggested_against_somebody_who_may_need_help() -> None:
    strikes = [Strike(decision=str(number), at=NOW, rank=2) for number in range(5)]
    why = shipped().reason("self_harm.risk")
    assert why is not None
    assert suggest(REVIEW, why, strikes).actions == ()


def test_the_ladder_gets_steeper_and_never_milder() -> None:
    order = [Kind.WARNING, Kind.NO_NEW_CONVERSATIONS, Kind.SUSPENDED, Kind.TERMINATED]
    for why in (reason("a", 3), reason("b", 2), reason("c", 1), reason("d", 0)):
        rungs = []
        for strikes in range(8):
            counted = [Strike(decision=str(number), at=NOW, rank=2) for number in range(strikes)]
            (action,) = suggest(REVIEW, why, counted).actions
            rungs.append((order.index(action.kind), action.days or 0))
        assert rungs == sorted(rungs)
        assert rungs[-1][0] == order.index(Kind.TERMINATED)
