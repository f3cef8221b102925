"""The end of an inbox as it is kept ready: it never claims to be complete where it is not."""

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import EVENT
from halfdoor.messaging.wake import Tail


def row(pos: int, *, notify: bool = False) -> Told:
    return Told("@ada:a.example", pos, EVENT, "!r:a.example", pos, notify, highlight=False)


def positions(tail: Tail, since: int) -> list[int] | None:
    rows = tail.after(since)
    return None if rows is None else [told.pos for told in rows]


def test_a_row_that_comes_late_never_takes_the_tail_back() -> None:
    tail = Tail()
    tail.settle(4)
    tail.take(row(6))
    tail.take(row(5))
    assert tail.last == 6
    assert positions(tail, 4) is None
    assert positions(tail, 5) is None
    assert positions(tail, 6) == []
    tail.take(row(7))
    assert positions(tail, 6) == [7]


def test_a_row_told_twice_changes_nothing() -> None:
    tail = Tail()
    tail.settle(4)
    tail.take(row(5))
    tail.take(row(6))
    tail.take(row(5))
    assert tail.last == 6
    assert positions(tail, 4) == [5, 6]


def test_an_older_answer_of_the_store_is_not_believed() -> None:
    tail = Tail()
    tail.settle(6)
    tail.settle(5)
    assert tail.last == 6
    assert positions(tail, 5) is None
    assert positions(tail, 6) == []


def test_rows_that_came_in_another_order_before_the_store_answered_leave_no_gap() -> None:
    tail = Tail()
    tail.take(row(8))
    tail.take(row(7))
    tail.settle(6)
    assert tail.last == 8
    assert positions(tail, 7) is None
    assert positions(tail, 8) == []


def test_rows_without_a_gap_are_given_out() -> None:
    tail = Tail()
    tail.take(row(7))
    tail.settle(6)
    tail.take(row(8))
    assert positions(tail, 6) == [7, 8]
    assert positions(tail, 7) == [8]
    assert positions(tail, 9) is None
