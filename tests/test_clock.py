"""Days and months of the UTC calendar, counted from 1970."""

import time
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.clock import Clock, SystemClock, day_of, month_of


@settings(max_examples=60, deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001 - told to be UTC
def test_day_and_month_are_those_of_the_calendar(moment: datetime) -> None:
    ms = int(moment.replace(tzinfo=UTC).timestamp() * 1000)
    assert day_of(ms) == (moment.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days
    assert month_of(ms) == (moment.year - 1970) * 12 + moment.month - 1


def test_a_day_and_a_month_begin_at_their_first_millisecond() -> None:
    november = 1_793_491_200_000
    assert (month_of(november - 1), month_of(november)) == (681, 682)
    assert (day_of(november - 1), day_of(november)) == (20_757, 20_758)


def test_the_machine_tells_its_own_time() -> None:
    clock: Clock = SystemClock()
    before = time.time_ns() // 1_000_000
    assert before <= clock.now_ms() <= time.time_ns() // 1_000_000
