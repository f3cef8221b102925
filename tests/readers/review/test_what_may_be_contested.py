"""What an appeal or a complaint must be, decided without asking anybody."""

import msgspec
import pytest

from halfdoor.policy.load import load
from halfdoor.readers.review.choices import Decision
from halfdoor.readers.review.contests import (
    check_in_time,
    check_stands,
    checked_text,
    contest_id,
    decision_in,
)
from halfdoor.readers.review.errors import AppealRefusedError
from halfdoor.readers.review.records import CaseKind, ModerationEvent

REVIEW = load(None).review
DECISION = Decision(
    id="dec_1",
    case="case_1",
    subject="@mallory:a.example",
    reason="harassment.targeted",
    rank=2,
    by="stf_ruth",
    at=1,
    undo_until=2,
    acts_at=2,
    starts=2,
)


def event(kind: str, detail: object = None) -> ModerationEvent:
    raw = msgspec.json.encode(detail if detail is not None else {"decision": "dec_1"})
    return ModerationEvent(case="case_1", n=0, at=1, kind=kind, actor="stf_ruth", detail=raw)


def test_what_was_never_decided_is_not_contested() -> None:
    with pytest.raises(AppealRefusedError, match="no decision"):
        check_in_time(None, 5)


def test_time_ends_after_its_last_moment() -> None:
    check_in_time(5, 5)
    with pytest.raises(AppealRefusedError, match="ended"):
        check_in_time(5, 6)


@pytest.mark.parametrize("text", ["", " \n\t ", "\r\n"])
def test_words_are_needed(text: str) -> None:
    with pytest.raises(AppealRefusedError, match="few words"):
        checked_text(REVIEW, text)


def test_words_end_somewhere() -> None:
    most = REVIEW.intake.note_chars
    assert checked_text(REVIEW, "x" * most) == "x" * most
    with pytest.raises(AppealRefusedError, match="at most"):
        checked_text(REVIEW, "x" * (most + 1))


@pytest.mark.parametrize("back", ["undone", "reversed"])
def test_what_was_taken_back_is_not_appealed_against(back: str) -> None:
    made = event("decided", DECISION)
    check_stands([made])
    with pytest.raises(AppealRefusedError, match="taken back"):
        check_stands([made, event(back)])
    assert decision_in([made, event(back)]) == DECISION


def test_each_person_has_one_appeal_and_one_complaint_for_each_decision() -> None:
    names = {
        contest_id(kind, decision, user)
        for kind in (CaseKind.APPEAL, CaseKind.COMPLAINT)
        for decision in ("dec_1", "dec_2")
        for user in ("@a:x", "@b:x")
    }
    assert len(names) == 8
    assert all(len(name) == len("case_") + 22 for name in names)
