"""Pictures and files of people one does not know (SAFETY §5.1), by age band."""

from typing import Any

import pytest

from halfdoor.policy.load import policy_from
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.media import check_fetch, check_offer, is_blurred
from halfdoor.safety.people import Person, Relation
from halfdoor.safety.refusal import ContactRefused, Reason

POLICY = policy_from({}, "test")
STRANGERS = Relation()
CONNECTED = Relation(connected=True)
ACCEPTED = Relation(accepted=True)
PICTURE: dict[str, Any] = {"msgtype": "m.image", "body": "x", "url": "mxc://a/b"}
CHILDREN = (AgeBand.UNDER_13, AgeBand.FROM_13, AgeBand.FROM_16, AgeBand.UNKNOWN)


def person(band: AgeBand) -> Person:
    return Person(user_id=f"@{band.value}:a.example", band=band)


@pytest.mark.parametrize("band", CHILDREN)
def test_a_child_is_offered_no_file_by_a_stranger(band: AgeBand) -> None:
    with pytest.raises(ContactRefused) as refused:
        check_offer(POLICY, person(band), STRANGERS, "m.room.message", PICTURE)
    assert refused.value.reason is refused.value.public is Reason.MEDIA
    assert refused.value.row == f"bands.{band.value}.media_from_non_connection"
    check_offer(
        POLICY, person(band), STRANGERS, "m.room.message", {"msgtype": "m.text", "body": "x"}
    )
    for known in (CONNECTED, ACCEPTED):
        check_offer(POLICY, person(band), known, "m.room.message", PICTURE)


def test_an_adult_is_offered_files_by_strangers_unless_the_entity_says_no() -> None:
    adult = person(AgeBand.ADULT)
    check_offer(POLICY, adult, STRANGERS, "m.room.message", PICTURE)
    strict = policy_from({"bands": {"adult": {"media_from_non_connection": "blocked"}}}, "test")
    with pytest.raises(ContactRefused):
        check_offer(strict, adult, STRANGERS, "m.room.message", PICTURE)


def fetch(
    sender: AgeBand, recipient: AgeBand, relation: Relation, *, accepted: bool = True
) -> None:
    check_fetch(POLICY, person(sender), person(recipient), relation, accepted=accepted)


@pytest.mark.parametrize("band", [AgeBand.FROM_13, AgeBand.FROM_16])
def test_a_child_fetches_nothing_from_a_stranger(band: AgeBand) -> None:
    with pytest.raises(ContactRefused) as refused:
        fetch(band, band, STRANGERS)
    assert refused.value.row == f"bands.{band.value}.media_from_non_connection"
    fetch(band, band, CONNECTED, accepted=False)


@pytest.mark.parametrize("child", CHILDREN)
def test_adult_and_child_apart_never_fetch_from_each_other_accepted_or_not(child: AgeBand) -> None:
    for sender, recipient in ((AgeBand.ADULT, child), (child, AgeBand.ADULT)):
        if child is AgeBand.UNKNOWN and sender is child:
            # An unknown age counts as an adult's when sending.
            continue
        with pytest.raises(ContactRefused) as refused:
            fetch(sender, recipient, ACCEPTED)
        assert refused.value.reason is Reason.ADULT_AND_MINOR
        fetch(sender, recipient, CONNECTED)


def test_an_adult_fetches_from_a_stranger_after_accepting() -> None:
    with pytest.raises(ContactRefused) as refused:
        fetch(AgeBand.ADULT, AgeBand.ADULT, STRANGERS, accepted=False)
    assert refused.value.reason is Reason.MEDIA
    fetch(AgeBand.ADULT, AgeBand.ADULT, STRANGERS)
    fetch(AgeBand.ADULT, AgeBand.ADULT, ACCEPTED, accepted=False)


def test_what_strangers_send_is_blurred_unless_the_entity_allows_it() -> None:
    loose = policy_from({"bands": {"adult": {"media_from_non_connection": "allow"}}}, "test")
    for band in AgeBand:
        assert is_blurred(POLICY, person(band))
        assert is_blurred(loose, person(band)) is (band is not AgeBand.ADULT)
