"""Age bands: what an unknown age counts as, and which bands are next to each other."""

from itertools import product

import pytest

from halfdoor.safety.ages import (
    AgeBand,
    adjacent,
    adult_and_minor,
    as_recipient,
    as_sender,
    band_of,
    is_minor,
    may_be_adult_and_minor,
)

UNDER_13, FROM_13, FROM_16, ADULT, UNKNOWN = AgeBand


@pytest.mark.parametrize("claim", [None, "", "18", "Adult", "unknown", "13–15", "adult ", "minor"])
def test_no_claim_or_one_that_names_no_band_is_an_unknown_age(claim: str | None) -> None:
    assert band_of(claim) is UNKNOWN


@pytest.mark.parametrize("band", list(AgeBand))
def test_a_claim_is_spelled_as_in_policy_files(band: AgeBand) -> None:
    assert band_of(band.value) is band


def test_an_unknown_age_is_a_minor_when_receiving_and_an_adult_when_sending() -> None:
    assert as_recipient(UNKNOWN) is FROM_16
    assert as_sender(UNKNOWN) is ADULT
    for band in (UNDER_13, FROM_13, FROM_16, ADULT):
        assert as_recipient(band) is band
        assert as_sender(band) is band


def test_only_the_bands_below_eighteen_are_minors() -> None:
    assert [band for band in AgeBand if is_minor(band)] == [UNDER_13, FROM_13, FROM_16]


def test_adjacent_bands_are_listed_here() -> None:
    near = {
        (UNDER_13, UNDER_13),
        (UNDER_13, FROM_13),
        (FROM_13, UNDER_13),
        (FROM_13, FROM_13),
        (FROM_13, FROM_16),
        (FROM_16, FROM_13),
        (FROM_16, FROM_16),
        (ADULT, ADULT),
    }
    for pair in product(AgeBand, repeat=2):
        assert adjacent(*pair) is (pair in near)


def test_who_may_not_begin_with_whom_is_listed_here() -> None:
    minors = (UNDER_13, FROM_13, FROM_16)
    never = {(ADULT, minor) for minor in minors} | {(minor, ADULT) for minor in minors}
    never |= {(UNKNOWN, minor) for minor in minors} | {(minor, UNKNOWN) for minor in minors}
    never |= {(ADULT, UNKNOWN), (UNKNOWN, UNKNOWN)}
    for pair in product(AgeBand, repeat=2):
        assert adult_and_minor(*pair) is (pair in never)
    # In one room it is the same, and an unknown age may also be the minor beside an adult.
    never.add((UNKNOWN, ADULT))
    for pair in product(AgeBand, repeat=2):
        assert may_be_adult_and_minor(*pair) is (pair in never)
