"""Who has the database alone reads nothing of the desk and changes nothing unseen."""

import logging
from typing import Any

import pytest
from msgspec.structs import replace
from tests.store.desk_making import (
    MALLORY,
    NOW,
    QUEUES,
    REPORTERS,
    case,
    did,
    evidence,
    happened,
    report,
    told,
    whole_change,
)
from tests.store.houses import House

from halfdoor.readers.review.records import CaseState
from halfdoor.readers.review.store import DeskChange, QueuePage
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.desk_rows import UB

CASE, LINES = "case_a", 5


async def kept(house: House) -> None:
    """Keep a case of everything, and four lines more of the log."""
    await house.store.desk.commit(whole_change(cases=(case(language="de", holder="staff_ann"),)))
    more = DeskChange(
        reports=(report("rep_b"),),
        evidence=(evidence("evd_b"),),
        events=(happened("noted"), happened("noted")),
        log=tuple(did(f"act {i}") for i in range(LINES - 1)),
    )
    await house.store.desk.commit(more)


async def test_nothing_that_somebody_said_or_is_called_lies_in_clear(house: House) -> None:
    await kept(house)
    change = DeskChange(cases=(case("case_b", decided_by="staff_ben", victims=REPORTERS),))
    await house.store.desk.commit(change)
    raw = await house.raw()
    said = [
        *(one.encode() for one in (MALLORY, *REPORTERS, "staff_ann", "staff_ben")),
        b"they know where I live",
        b"!room:a.example",
        b"harassment.targeted",
        b"we got your report",
        b"sealed body of the event",
        b"key of the event",
        b"private",
        b"to judge",
        b"what to do",
        b"reveal",
    ]
    assert [text for text in said if text in raw] == []
    # What is looked for can be found.
    assert b"case_a" in raw
    assert QUEUES[0].encode() in raw


async def read_all(house: House) -> None:
    """Ask everything about the one case."""
    desk = house.store.desk
    await desk.case(CASE)
    await desk.reports(CASE)
    await desk.evidence(CASE)
    await desk.events(CASE)
    await desk.notices(REPORTERS[0], NOW)
    await desk.staff_log(0, 100)
    await desk.commit(DeskChange(events=(happened("noted"),)))


CHANGES: list[tuple[str, tuple[Any, ...]]] = [
    ("UPDATE desk_case SET revision = 7", ()),
    ("UPDATE desk_case SET queue = ?", ("other",)),
    ("UPDATE desk_case SET state = ?", ("closed",)),
    ("UPDATE desk_case SET severity = 3", ()),
    ("UPDATE desk_case SET due = due + 1", ()),
    ("UPDATE desk_case SET adult = 0", ()),
    ("UPDATE desk_case SET reason = language", ()),
    ("UPDATE desk_case SET language = NULL", ()),
    ("UPDATE desk_case SET subject = reason", ()),
    ("UPDATE desk_case SET opened = opened + 1", ()),
    ("UPDATE desk_case SET holder = NULL", ()),
    ("UPDATE desk_case SET watch = NULL", ()),
    ("UPDATE desk_case SET takes = 0", ()),
    ("UPDATE desk_case SET sealed = ?", (b"\x00\x01" + bytes(60),)),
    ("UPDATE desk_case SET sealed = (SELECT sealed FROM desk_head WHERE name = 'line')", ()),
    ("UPDATE desk_report SET at = at + 1 WHERE id = 'rep_b'", ()),
    ("UPDATE desk_report SET reporter = subject WHERE id = 'rep_b'", ()),
    ("UPDATE desk_report SET subject = reporter WHERE id = 'rep_b'", ()),
    ("UPDATE desk_report SET id = 'rep_c' WHERE id = 'rep_b'", ()),
    ("UPDATE desk_report SET case_id = 'case_b' WHERE id = 'rep_b'", ()),
    ("UPDATE desk_evidence SET id = 'evd_c' WHERE id = 'evd_b'", ()),
    ("UPDATE desk_evidence SET n = 3 WHERE id = 'evd_b'", ()),
    ("UPDATE desk_event SET at = at + 1 WHERE n = 2", ()),
    ("UPDATE desk_event SET number = 9 WHERE n = 2", ()),
    ("UPDATE desk_event SET n = 9 WHERE n = 2", ()),
    ("UPDATE desk_notice SET show_at = show_at - 1", ()),
    ("UPDATE desk_notice SET case_id = 'case_b'", ()),
    ("UPDATE desk_notice SET id = 'ntc_b'", ()),
    ("UPDATE desk_line SET n = 9 WHERE n = 2", ()),
    ("UPDATE desk_line SET sealed = (SELECT sealed FROM desk_line WHERE n = 1) WHERE n = 2", ()),
    ("UPDATE desk_head SET sealed = (SELECT sealed FROM desk_head WHERE name = 'event')", ()),
    ("DELETE FROM desk_case", ()),
    ("DELETE FROM desk_report WHERE id = 'rep_b'", ()),
    ("DELETE FROM desk_evidence WHERE id = 'evd_b'", ()),
    ("DELETE FROM desk_event WHERE n = 2", ()),
    ("DELETE FROM desk_event WHERE n = 3", ()),
    ("DELETE FROM desk_line WHERE n = 1", ()),
    ("DELETE FROM desk_line WHERE n = 3", ()),
    ("DELETE FROM desk_line WHERE n = 5", ()),
    ("DELETE FROM desk_line", ()),
    ("DELETE FROM desk_head WHERE name = 'line'", ()),
    ("DELETE FROM desk_head WHERE name = 'event'", ()),
]


@pytest.mark.parametrize(("statement", "values"), CHANGES)
async def test_a_row_that_was_changed_or_taken_away_is_refused_with_an_alarm(
    either: House, statement: str, values: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    await kept(either)
    await read_all(either)
    assert await either.change(statement, *values, people=True) >= 1
    with caplog.at_level(logging.CRITICAL, "halfdoor.alarm"), pytest.raises(RowMacError):
        await read_all(either)
    assert [record.name for record in caplog.records][:1] == ["halfdoor.alarm"]
    assert MALLORY not in caplog.text


async def test_a_case_that_was_moved_to_another_queue_is_refused_there(either: House) -> None:
    await kept(either)
    await either.change("UPDATE desk_case SET queue = 'other'", people=True)
    states = tuple(CaseState)
    with pytest.raises(RowMacError):
        await either.store.desk.queue(QueuePage(queues=("other",), states=states))


async def test_a_notice_that_was_given_to_another_person_is_refused(either: House) -> None:
    await kept(either)
    await either.store.desk.commit(DeskChange(notices=(told("ntc_b", user=MALLORY),)))
    taken = "UPDATE desk_notice SET person = (SELECT person FROM desk_notice WHERE id = 'ntc_b')"
    await either.change(f"{taken} WHERE id = 'ntc_a'", people=True)
    with pytest.raises(RowMacError):
        await either.store.desk.notices(MALLORY, NOW)


@pytest.mark.parametrize("after", [1, 2, 4, 5])
async def test_a_log_that_lost_its_end_is_refused_wherever_reading_begins(
    either: House, after: int
) -> None:
    await kept(either)
    assert len(await either.store.desk.staff_log(after, 100)) == LINES - after
    assert await either.store.desk.staff_log(LINES + 1, 100) == []
    await either.change("DELETE FROM desk_line WHERE n = 5", people=True)
    with pytest.raises(RowMacError):
        await either.store.desk.staff_log(after, 100)


async def test_a_log_whose_end_is_gone_takes_no_further_line_that_hides_it(either: House) -> None:
    await kept(either)
    await either.change("DELETE FROM desk_line WHERE n = 5", people=True)
    await either.store.desk.commit(DeskChange(log=(did("later"),)))
    with pytest.raises(RowMacError):
        await either.store.desk.staff_log(0, 100)


async def test_a_change_of_what_was_changed_writes_nothing(either: House) -> None:
    await kept(either)
    await either.change("UPDATE desk_case SET severity = 3", people=True)
    before = await either.ask("SELECT count(*) FROM desk_event", people=True)
    with pytest.raises(RowMacError):
        await either.store.desk.commit(DeskChange(events=(happened("noted"),)))
    stale = replace(case(), revision=1)
    with pytest.raises(RowMacError):
        await either.store.desk.commit(DeskChange(cases=(stale,), log=(did("decide"),)))
    assert await either.ask("SELECT count(*) FROM desk_event", people=True) == before


async def test_all_rows_stand_in_the_one_bucket(either: House) -> None:
    await kept(either)
    for table in ("case", "report", "evidence", "event", "notice", "line", "head"):
        found = await either.ask(f"SELECT DISTINCT ub FROM desk_{table}", people=True)  # noqa: S608
        assert found == [(UB,)]
