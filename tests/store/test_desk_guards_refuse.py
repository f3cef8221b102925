"""What the desk's rows refuse, without a database: each guard by an example that it alone meets."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.desk_making import (
    MALLORY,
    case,
    did,
    evidence,
    happened,
    report,
    told,
    whole_change,
)

from halfdoor.readers.review.errors import StaleCaseError, UnknownCaseError
from halfdoor.readers.review.records import StaffEntry
from halfdoor.readers.review.staff_log import link
from halfdoor.readers.review.store import DeskChange
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.outer import OuterKeys, RowMacError
from halfdoor.store.account_keys import AccountKeys
from halfdoor.store.desk_changes import Kept, check_lines, lengthened, plan, touched
from halfdoor.store.desk_rows import LINE, CaseRow, DeskRows, Head

KEY, OTHER = b"k" * 32, b"o" * 32


class HeldKeys:
    """The data keys of a store that has one generation, and may hear of another."""

    def __init__(self, newer: int | None = None) -> None:
        self.outer = OuterKeys({1: KEY})
        self.account = 1
        self._macs = AccountKeys({1: KEY})
        self._newer = newer

    def row_mac(self, table: str, partition: str, pk: list[Any], row: list[Any]) -> bytes:
        return self._macs.row_mac(table, partition, pk, row)

    def check_row_mac(
        self, table: str, partition: str, pk: list[Any], row: list[Any], found: bytes
    ) -> None:
        self._macs.check_row_mac(table, partition, pk, row, found)

    def may_be_newer(self, generation: int) -> bool:
        return generation == self._newer


@pytest.fixture
def rows() -> DeskRows:
    return DeskRows(HeldKeys(), OTHER)


NOTHING = Kept({}, set(), set())


def test_an_older_or_a_newer_revision_is_refused(rows: DeskRows) -> None:
    kept = Kept({"case_a": CaseRow(case(revision=2))}, set(), set())
    for revision in (0, 1, 3):
        with pytest.raises(StaleCaseError):
            plan(rows, DeskChange(cases=(case(revision=revision),)), kept)
    with pytest.raises(StaleCaseError):
        plan(rows, DeskChange(cases=(case(revision=1),)), NOTHING)
    (written,) = plan(rows, DeskChange(cases=(case(revision=2),)), kept).written
    assert written.revision == 3


@pytest.mark.parametrize(
    "change",
    [
        DeskChange(reports=(report(),)),
        DeskChange(evidence=(evidence(),)),
        DeskChange(events=(happened(),)),
        DeskChange(destroyed=("case_a",)),
    ],
)
def test_what_belongs_to_no_case_is_refused(rows: DeskRows, change: DeskChange) -> None:
    with pytest.raises(UnknownCaseError):
        plan(rows, change, NOTHING)
    plan(rows, change, Kept({"case_a": CaseRow(case())}, set(), set()))


def test_a_case_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="once"):
        touched(DeskChange(cases=(case(), case())))


@pytest.mark.parametrize(
    "change",
    [
        DeskChange(cases=(case("case_\0"),)),
        DeskChange(reports=(report("rep_\u00e4"),)),
        DeskChange(reports=(report(case="case_\n"),)),
        DeskChange(evidence=(evidence("evd_\x7f"),)),
        DeskChange(events=(happened(case="\ud800"),)),
        DeskChange(notices=(told("ntc_\0"),)),
        DeskChange(destroyed=("case_\0",)),
    ],
)
def test_an_id_that_a_database_cannot_keep_is_refused(change: DeskChange) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        touched(change)


def test_cases_are_locked_in_one_order() -> None:
    change = whole_change(
        cases=(case("case_c"), case("case_a")), reports=(report("rep_b", "case_b"),)
    )
    assert touched(change) == ["case_a", "case_b", "case_c"]


READS: list[tuple[str, Callable[[DeskRows], tuple[Any, ...]], int]] = [
    ("case", lambda rows: rows.case_row(CaseRow(case(language="de", holder="staff_ann"))), 14),
    ("report", lambda rows: rows.report_row(report()), 5),
    ("evidence", lambda rows: rows.evidence_row(evidence(), 1), 3),
    ("event", lambda rows: rows.event_row(replace(happened(), n=1, number=4)), 4),
    ("notice", lambda rows: rows.notice_row(told()), 4),
    ("line", lambda rows: rows.line_row(replace(did(), n=1)), 1),
]


def another(value: Any) -> Any:
    """Return a value of the same kind that differs."""
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1])
    return value + 1 if isinstance(value, int) else f"{value}x"


@pytest.mark.parametrize(("table", "made", "columns"), READS)
def test_every_column_is_what_its_row_says(
    rows: DeskRows,
    table: str,
    made: Callable[[DeskRows], tuple[Any, ...]],
    columns: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = made(rows)
    read = getattr(rows, table)
    assert len(row) == columns + 1
    read(row)
    for n, value in enumerate(row):
        other = another(value)
        caplog.clear()
        with caplog.at_level(logging.CRITICAL, "halfdoor.alarm"), pytest.raises(RowMacError):
            read((*row[:n], other, *row[n + 1 :]))
        assert len(caplog.records) == 1
        assert MALLORY not in caplog.text


def test_a_head_serves_for_itself_alone(rows: DeskRows) -> None:
    name, sealed = rows.head_row(LINE, Head(4, b"c" * 32))
    assert rows.head(name, sealed) == Head(4, b"c" * 32)
    with pytest.raises(RowMacError):
        rows.head("event", sealed)


def test_a_row_that_another_server_may_have_sealed_a_moment_ago_raises_no_alarm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = DeskRows(HeldKeys(newer=2), OTHER)
    sealed = (2).to_bytes(2, "big") + bytes(60)
    with caplog.at_level(logging.CRITICAL), pytest.raises(Denied):
        rows.head(LINE, sealed)
    assert caplog.records == []
    with pytest.raises(RowMacError):
        DeskRows(HeldKeys(), OTHER).head(LINE, sealed)


def test_fewer_or_more_rows_than_a_case_has_are_refused(rows: DeskRows) -> None:
    rows.check_whole("event", 3, 3)
    for found in (2, 4):
        with pytest.raises(RowMacError):
            rows.check_whole("event", found, 3)


def test_the_same_name_looks_different_in_each_kind_of_column(rows: DeskRows) -> None:
    kinds = ("reporter", "subject", "holder", "told")
    assert len({rows.name(kind, MALLORY) for kind in kinds}) == len(kinds)
    assert rows.name("subject", MALLORY) != DeskRows(HeldKeys(), KEY).name("subject", MALLORY)


def log(count: int = 5) -> tuple[Head, list[StaffEntry]]:
    """Return a log of so many lines, and its head."""
    return lengthened(Head(), [did(f"act {n}") for n in range(count)])


def test_a_whole_log_is_read_from_anywhere(rows: DeskRows) -> None:
    head, lines = log()
    assert check_lines(rows, head, 0, 9, lines) == lines
    assert check_lines(rows, head, 0, 3, lines[:3]) == lines[:3]
    assert check_lines(rows, head, 2, 9, lines[1:]) == lines[2:]
    assert check_lines(rows, head, 5, 9, lines[4:]) == []
    assert check_lines(rows, head, 6, 9, []) == []
    assert check_lines(rows, Head(), 0, 9, []) == []


BROKEN: list[tuple[str, Callable[[list[StaffEntry]], tuple[int, int, list[StaffEntry]]]]] = [
    ("the first is missing", lambda them: (0, 9, them[1:])),
    ("one is missing", lambda them: (0, 9, [*them[:2], *them[3:]])),
    ("the last is missing", lambda them: (0, 9, them[:-1])),
    ("all are missing", lambda them: (0, 9, [])),
    ("where it begins is missing", lambda them: (2, 9, them[2:])),
    ("where it begins is missing, at the end", lambda them: (5, 9, [])),
    ("two changed places", lambda them: (0, 9, [them[1], them[0], *them[2:]])),
    ("words changed", lambda them: (0, 9, [replace(them[0], reason="x"), *them[1:]])),
    ("who changed", lambda them: (0, 9, [*them[:4], replace(them[4], staff="x")])),
    ("a line behind the end", lambda them: (0, 6, [*them, _next(them)])),
    ("a number left out", lambda them: (0, 9, [*them[:4], _again(them[3], replace(them[4], n=6))])),
]


def _next(lines: list[StaffEntry]) -> StaffEntry:
    return _again(lines[-1], did("forged", n=len(lines) + 1))


def _again(before: StaffEntry, line: StaffEntry) -> StaffEntry:
    """Return *line* with the chain that would be right behind *before*."""
    return replace(line, chain=link(before.chain, line))


@pytest.mark.parametrize(("why", "broken"), BROKEN)
def test_a_log_that_was_changed_is_refused(
    rows: DeskRows, why: str, broken: Callable[[list[StaffEntry]], Any]
) -> None:
    head, lines = log()
    after, limit, found = broken(lines)
    with pytest.raises(RowMacError):
        check_lines(rows, head, after, limit, found)


def test_a_number_left_out_is_refused_though_its_chain_is_right(rows: DeskRows) -> None:
    _, lines = log(2)
    skipped = _again(lines[1], did("forged", n=4))
    head = Head(4, skipped.chain)
    with pytest.raises(RowMacError):
        check_lines(rows, head, 0, 9, [*lines, skipped])
