"""A guardian is told of a report where its reporter says so for that report, and never else."""

import pytest
from msgspec.structs import replace

from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.records import Report
from halfdoor.readers.review.told_guardian import allowed, let_know, told

CHILD, OTHER, GUARDIAN = "@child:a.example", "@other:a.example", "@guardian:a.example"
REPORT = Report(id="rep_1", case="case_1", reporter=CHILD, subject=OTHER, at=1, reason="x.y")
ASKED = Filing(subject=OTHER, tell_guardian=True)


@pytest.mark.parametrize(
    ("filing", "subject", "guardian"),
    [
        (Filing(subject=OTHER), OTHER, GUARDIAN),
        (replace(ASKED, hidden=True), OTHER, GUARDIAN),
        (ASKED, GUARDIAN, GUARDIAN),
        (ASKED, OTHER, None),
    ],
    ids=["not asked", "not safe at home", "about the guardian", "no guardian"],
)
def test_nobody_is_told(filing: Filing, subject: str, guardian: str | None) -> None:
    mark = let_know(filing, REPORT.id, subject, guardian)
    assert mark == b""
    assert allowed([replace(REPORT, guardian=mark)], GUARDIAN) == []
    assert allowed([replace(REPORT, guardian=mark)], "") == []


def test_the_guardian_of_then_is_told_and_no_later_one() -> None:
    mark = let_know(ASKED, REPORT.id, OTHER, GUARDIAN)
    report = replace(REPORT, guardian=mark)
    assert allowed([report], GUARDIAN) == [report]
    assert allowed([report], "@another:a.example") == []
    assert allowed([replace(report, id="rep_2")], GUARDIAN) == []
    assert allowed([replace(report, hidden=True)], GUARDIAN) == []
    assert GUARDIAN.encode() not in mark


def test_of_whom_and_of_what_was_said_a_guardian_is_told_nothing() -> None:
    shown = {
        "id": "rep_1",
        "at": 1,
        "state": "decided",
        "outcome": "acted",
        "events": ["$a"],
        "room_id": "!r",
        "user_id": OTHER,
        "receipt": "abc",
        "contest": {"notice": "n"},
    }
    assert told([shown]) == [{"id": "rep_1", "at": 1, "state": "decided", "outcome": "acted"}]
