"""What of a person's measures holds at a moment does not depend on how they came to be known."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from halfdoor.accounts.person_facts import joined
from halfdoor.accounts.records import MeasureRecord
from halfdoor.safety.measures import (
    DAY_MS,
    NONE,
    Kind,
    Limits,
    Measure,
    Strike,
    fold,
    holds,
    standing,
    strike_ends,
)

NOW = 1_795_000_000_000
TIMES = st.integers(NOW - 40 * DAY_MS, NOW + 40 * DAY_MS)


@st.composite
def measure(draw: st.DrawFn, number: int) -> Measure:
    starts = draw(TIMES)
    lasts = draw(st.none() | st.integers(1, 40 * DAY_MS))
    return Measure(
        id=f"dec_{number}",
        kind=draw(st.sampled_from(Kind)),
        decision="dec",
        starts=starts,
        ends=None if lasts is None else starts + lasts,
        scope=draw(st.sampled_from(["watch", "spam"])),
        reversed=draw(st.none() | TIMES),
    )


@st.composite
def several(draw: st.DrawFn) -> list[Measure]:
    return [draw(measure(number)) for number in range(draw(st.integers(0, 6)))]


def record(one: Measure) -> MeasureRecord:
    return MeasureRecord(
        id=one.id,
        kind=one.kind.value,
        decision=one.decision,
        starts=one.starts,
        ends=one.ends,
        scope=one.scope,
        reversed=one.reversed,
    )


@given(several(), TIMES, st.randoms(use_true_random=False))
def test_the_order_in_which_measures_are_known_makes_no_difference(
    measures: list[Measure], now: int, random: Random
) -> None:
    mixed = list(measures) * 2
    random.shuffle(mixed)
    assert fold(mixed, now) == fold(measures, now)


@given(several(), TIMES)
def test_with_everything_reversed_nothing_is_held(measures: list[Measure], now: int) -> None:
    back = [replace(one, reversed=now) for one in measures]
    assert fold(back, now) == NONE
    assert not any(holds(one, now) for one in back)


@given(several(), TIMES, TIMES)
def test_nothing_changes_before_the_moment_that_was_announced(
    measures: list[Measure], now: int, later: int
) -> None:
    then = fold(measures, now)
    if now <= later and then.stand(later):
        assert fold(measures, later) == then


@given(several(), TIMES)
def test_an_announced_moment_lies_ahead_and_something_begins_or_ends_at_it(
    measures: list[Measure], now: int
) -> None:
    until = fold(measures, now).until
    moments = {moment for one in measures for moment in (one.starts, one.ends)}
    assert until is None or (until > now and until in moments)


@given(several(), TIMES)
def test_each_limit_holds_just_where_one_of_its_measures_does(
    measures: list[Measure], now: int
) -> None:
    limits = fold(measures, now)
    held = {one.kind for one in measures if holds(one, now)}
    assert limits.no_media == (Kind.NO_MEDIA in held)
    assert limits.no_minors == (Kind.NO_MINORS in held)
    assert limits.no_new_conversations == (Kind.NO_NEW_CONVERSATIONS in held)
    assert limits.terminated == (Kind.TERMINATED in held)
    assert limits.suspended == bool(held & {Kind.SUSPENDED, Kind.TERMINATED})
    assert bool(limits.labels) == (Kind.LABEL in held)


@given(several(), TIMES)
def test_the_platforms_suspension_and_a_decision_do_not_lift_each_other(
    measures: list[Measure], now: int
) -> None:
    assert fold(measures, now, suspended=True).suspended
    assert fold([], now, suspended=True) == Limits(suspended=True)
    back = [replace(one, reversed=now) for one in measures]
    assert fold(back, now, suspended=True).suspended
    held = fold(measures, now)
    assert fold(measures, now, suspended=False) == held


@given(several(), several(), st.integers(0, 5))
def test_records_join_the_same_way_whatever_comes_first_or_twice(
    one: list[Measure], other: list[Measure], split: int
) -> None:
    # The same measure is the same everywhere but for its reversal.
    known = {each.id: each for each in (*other, *one)}
    left = [record(replace(known[each.id], reversed=each.reversed)) for each in one]
    right = [record(replace(known[each.id], reversed=each.reversed)) for each in other]
    whole = joined(left, right)
    assert joined(right, left) == whole
    assert joined(whole, left) == whole
    assert joined(joined(left[:split], right), left[split:]) == whole
    for each in (*left, *right):
        found = next(one for one in whole if one.id == each.id)
        assert found.reversed is not None or each.reversed is None


def test_a_measure_holds_from_its_beginning_up_to_its_end() -> None:
    one = Measure(id="m", kind=Kind.NO_MEDIA, decision="d", starts=NOW, ends=NOW + 10)
    assert [holds(one, NOW + at) for at in (-1, 0, 9, 10)] == [False, True, True, False]
    kept = record(one)
    assert [kept.holds(NOW + at) for at in (-1, 0, 9, 10)] == [False, True, True, False]
    assert not record(replace(one, reversed=NOW)).holds(NOW + 1)
    assert fold([one], NOW - 1).until == NOW
    assert fold([one], NOW).until == NOW + 10
    assert fold([one], NOW + 10) == NONE


def test_an_ordinary_strike_counts_90_days_a_severe_one_a_year() -> None:
    mild = Strike(decision="a", at=NOW, rank=2)
    severe = Strike(decision="b", at=NOW, rank=1)
    rule = {"days": 90, "severe_days": 365}
    for days, counted in ((0, 2), (89, 2), (90, 1), (364, 1), (365, 0)):
        assert len(standing([mild, severe], NOW + days * DAY_MS, **rule)) == counted
    assert standing([mild], NOW - 1, **rule) == ()


def test_harm_to_a_child_counts_for_ever() -> None:
    one = Strike(decision="a", at=NOW, rank=3, child_safety=True)
    assert strike_ends(one, 90, 365) is None
    assert standing([one], NOW + 100_000 * DAY_MS, days=90, severe_days=365) == (one,)


@given(st.lists(st.integers(0, 5), max_size=8), st.randoms(use_true_random=False))
def test_a_decision_is_one_strike_however_often_it_is_told(
    numbers: list[int], random: Random
) -> None:
    strikes = [Strike(decision=f"d{one}", at=NOW + one, rank=2) for one in numbers]
    mixed = list(strikes)
    random.shuffle(mixed)
    rule = {"days": 90, "severe_days": 365}
    found = standing(mixed, NOW + 10, **rule)
    assert found == standing(strikes, NOW + 10, **rule)
    assert [one.decision for one in found] == [f"d{one}" for one in sorted(set(numbers))]
