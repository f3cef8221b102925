"""Who may be in an end-to-end encrypted conversation (SAFETY §5.1), cell by cell."""

from itertools import product

import pytest

from halfdoor.policy.load import policy_from
from halfdoor.policy.model import Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.people import Person
from halfdoor.safety.postures import (
    check_all_end_to_end,
    check_end_to_end,
    check_own_end_to_end,
    posture_for,
)
from halfdoor.safety.refusal import ContactRefused, Reason


def offering(*allowed: str, default: str = "standard") -> Policy:
    return policy_from({"posture": {"allowed": list(allowed), "default": default}}, "test")


BOTH = offering("standard", "e2ee")
BANDS = list(AgeBand)


def person(name: str, band: AgeBand, *, checks: bool = False) -> Person:
    return Person(user_id=f"@{name}:hd.example", band=band, device_checks=checks)


def fits(band: AgeBand, *, checks: bool, connected: bool) -> bool:
    """Return what the row of SAFETY §5.1 says of one person: the plain definition."""
    return {
        AgeBand.UNDER_13: False,
        AgeBand.FROM_13: False,
        AgeBand.FROM_16: checks and connected,
        AgeBand.ADULT: True,
        AgeBand.UNKNOWN: False,
    }[band]


@pytest.mark.parametrize(("one", "other"), list(product(BANDS, BANDS)))
@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize(
    "checks", [(False, False), (False, True), (True, False), (True, True)], ids=str
)
def test_every_pair_of_bands_is_judged_as_the_table_says(
    one: AgeBand, other: AgeBand, connected: bool, checks: tuple[bool, bool]
) -> None:
    here, there = person("a", one, checks=checks[0]), person("b", other, checks=checks[1])
    expected = fits(one, checks=checks[0], connected=connected) and fits(
        other, checks=checks[1], connected=connected
    )
    if expected:
        check_end_to_end(BOTH, here, there, connected=connected)
        return
    with pytest.raises(ContactRefused) as refused:
        check_end_to_end(BOTH, here, there, connected=connected)
    assert refused.value.public is Reason.NOT_END_TO_END
    assert refused.value.row.endswith(".end_to_end")


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("checks", [False, True])
def test_ones_own_rules_are_said_to_be_ones_own(band: AgeBand, checks: bool) -> None:
    one = person("a", band, checks=checks)
    may = fits(band, checks=checks, connected=True)
    if may:
        check_own_end_to_end(BOTH, one)
        return
    with pytest.raises(ContactRefused) as refused:
        check_own_end_to_end(BOTH, one)
    assert refused.value.public is Reason.OWN_NOT_END_TO_END
    assert refused.value.row == f"bands.{band.value}.end_to_end"


def test_what_lies_with_others_is_one_sentence_whatever_it_is() -> None:
    ada = person("ada", AgeBand.ADULT)
    sentences = set()
    for other in (
        person("b", AgeBand.UNDER_13),
        person("b", AgeBand.FROM_13),
        person("b", AgeBand.FROM_16),
        person("b", AgeBand.FROM_16, checks=True),
        person("b", AgeBand.UNKNOWN),
    ):
        with pytest.raises(ContactRefused) as refused:
            check_end_to_end(BOTH, ada, other, connected=False)
        sentences.add((refused.value.public, refused.value.sentence))
    assert len(sentences) == 1


def test_two_who_do_not_fit_each_other_are_found_among_many() -> None:
    ada, ben = person("ada", AgeBand.ADULT), person("ben", AgeBand.FROM_16, checks=True)
    eve = person("eve", AgeBand.FROM_16, checks=True)
    ties = {frozenset({ada.user_id, ben.user_id}), frozenset({ada.user_id, eve.user_id})}

    def connected(one: str, other: str) -> bool:
        return frozenset({one, other}) in ties

    with pytest.raises(ContactRefused):
        check_all_end_to_end(BOTH, ada, [ben, eve], connected)
    ties.add(frozenset({ben.user_id, eve.user_id}))
    check_all_end_to_end(BOTH, ada, [ben, eve], connected)


def know(_one: str, _other: str) -> bool:
    return True


def test_what_is_not_offered_is_refused_before_anybody_is_looked_at() -> None:
    child = person("kid", AgeBand.UNDER_13)
    with pytest.raises(ContactRefused) as refused:
        posture_for(offering("standard"), "e2ee", child, [child], know)
    assert (refused.value.reason, refused.value.row) == (Reason.NO_END_TO_END, "posture.allowed")
    with pytest.raises(ContactRefused) as refused:
        posture_for(offering("e2ee", default="e2ee"), "standard", child, [child], know)
    assert refused.value.reason is Reason.ONLY_END_TO_END


@pytest.mark.parametrize("default", ["standard", "e2ee"])
@pytest.mark.parametrize("asked", ["standard", "e2ee", None])
@pytest.mark.parametrize("fit", [False, True])
def test_the_posture_is_what_was_asked_or_the_default_and_never_less(
    default: str, asked: str | None, fit: bool
) -> None:
    policy = offering("standard", "e2ee", default=default)
    ada = person("ada", AgeBand.ADULT)
    other = person("b", AgeBand.ADULT if fit else AgeBand.FROM_16)
    if asked == "e2ee" and not fit:
        with pytest.raises(ContactRefused):
            posture_for(policy, "e2ee", ada, [other], know)
        return
    found = posture_for(policy, asked, ada, [other], know)  # type: ignore[arg-type]
    assert found == (asked or (default if fit else "standard"))
