"""How many attempts there are, and how they come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.accounts.errors import LimitedError
from halfdoor.accounts.throttle import Attempts, Throttle


def test_a_burst_is_allowed_and_one_more_is_not() -> None:
    throttle = Throttle(burst=3, every_ms=1000)
    for _ in range(3):
        throttle.check("a", 0)
    with pytest.raises(LimitedError) as refused:
        throttle.check("a", 0)
    assert refused.value.retry_after_ms == 1000
    throttle.check("b", 0)
    throttle.check("a", 1000)
    with pytest.raises(LimitedError):
        throttle.check("a", 1999)


def test_a_refused_attempt_costs_nothing() -> None:
    throttle = Throttle(burst=1, every_ms=1000)
    throttle.check("a", 0)
    for now in range(0, 1000, 100):
        with pytest.raises(LimitedError):
            throttle.check("a", now)
    throttle.check("a", 1000)


def test_no_more_keys_are_remembered_than_there_is_room_for() -> None:
    throttle = Throttle(burst=1, every_ms=1000, bound=10)
    for n in range(1000):
        throttle.check(str(n), 0)
    assert repr(throttle) == "Throttle(10 keys)"


@given(
    burst=st.integers(1, 5),
    every=st.integers(1, 50),
    steps=st.lists(st.integers(0, 60), max_size=60),
)
def test_it_allows_what_a_bucket_that_drips_would_allow(
    burst: int, every: int, steps: list[int]
) -> None:
    throttle = Throttle(burst=burst, every_ms=every)
    now, full = 1000, float(burst)
    last = now
    for step in steps:
        now += step
        full = min(burst, full + (now - last) / every)
        last = now
        # A hair below one is the rounding of the drips that were counted as fractions.
        if full >= 1 - 1e-9:
            full -= 1
            throttle.check("a", now)
        else:
            with pytest.raises(LimitedError):
                throttle.check("a", now)


def test_many_addresses_together_are_throttled_at_one_account() -> None:
    attempts = Attempts()
    for n in range(40):
        attempts.check("@alice:a.example", f"192.0.2.{n}", 0)
    with pytest.raises(LimitedError):
        attempts.check("@alice:a.example", "192.0.2.200", 0)


def test_one_address_is_throttled_over_all_accounts() -> None:
    attempts = Attempts()
    for n in range(60):
        attempts.check(f"@user{n}:a.example", "192.0.2.1", 0)
    with pytest.raises(LimitedError):
        attempts.check("@another:a.example", "192.0.2.1", 0)
    with pytest.raises(LimitedError):
        attempts.check_address("192.0.2.1", 0)


def test_the_right_person_has_all_attempts_back() -> None:
    attempts = Attempts()
    for _ in range(5):
        for _ in range(5):
            attempts.check("@alice:a.example", "192.0.2.1", 0)
        attempts.forgive("@alice:a.example", "192.0.2.1")


def test_development_counts_nothing() -> None:
    attempts = Attempts(off=True)
    for _ in range(1000):
        attempts.check("@alice:a.example", "192.0.2.1", 0)
        attempts.check_address("192.0.2.1", 0)
