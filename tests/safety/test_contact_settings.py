"""Settings that the table of bands leaves to the person, the guardian or the entity."""

import pytest

from halfdoor.policy.load import load, policy_from
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import (
    Connected,
    ContactRefused,
    Person,
    Reason,
    Relation,
    Request,
    may_start,
)

NOW = 1_790_000_000_000
DEFAULT = load()
MUTUALS = policy_from({"bands": {"13-15": {"dm": {"enabled": "mutuals"}}}}, "mutuals.toml")
KNOWN = Relation(connected=True)
PEER = Person(user_id="@peer:hd.example", band=AgeBand.FROM_13)


def refusal(policy: object, sender: Person, recipient: Person, relation: Relation) -> Reason:
    with pytest.raises(ContactRefused) as refused:
        may_start(policy, sender, recipient, relation, NOW)  # type: ignore[arg-type]
    return refused.value.reason


@pytest.mark.parametrize("band", [AgeBand.FROM_16, AgeBand.ADULT, AgeBand.UNKNOWN])
def test_whoever_switched_messages_off_neither_gets_nor_starts_any(band: AgeBand) -> None:
    off = Person(user_id="@off:hd.example", band=band, dm_choice=False)
    other = Person(user_id="@other:hd.example", band=AgeBand.ADULT)
    assert refusal(DEFAULT, off, other, KNOWN) is Reason.OWN_MESSAGES_OFF
    assert refusal(DEFAULT, other, off, KNOWN) is Reason.MESSAGES_OFF


def test_a_linked_guardian_allows_each_connection_of_thirteen_to_fifteen() -> None:
    kept = Person(user_id="@kept:hd.example", band=AgeBand.FROM_13, guardian="@guardian:hd.example")
    assert refusal(MUTUALS, kept, PEER, KNOWN) is Reason.OWN_GUARDIAN
    assert refusal(MUTUALS, PEER, kept, KNOWN) is Reason.GUARDIAN
    leave = Person(
        user_id="@kept:hd.example",
        band=AgeBand.FROM_13,
        guardian="@guardian:hd.example",
        guardian_allows=frozenset({PEER.user_id}),
    )
    for sender, recipient in ((leave, PEER), (PEER, leave)):
        assert may_start(MUTUALS, sender, recipient, KNOWN, NOW) == Connected(shown=True)


def test_without_a_linked_guardian_mutuals_is_enough() -> None:
    other = Person(user_id="@other:hd.example", band=AgeBand.FROM_13)
    assert may_start(MUTUALS, PEER, other, KNOWN, NOW) == Connected(shown=True)


def test_a_guardians_list_does_not_replace_a_connection_with_an_adult() -> None:
    child = Person(
        user_id="@child:hd.example",
        band=AgeBand.UNDER_13,
        guardian="@guardian:hd.example",
        guardian_allows=frozenset({"@aunt:hd.example"}),
    )
    aunt = Person(user_id="@aunt:hd.example", band=AgeBand.ADULT)
    assert refusal(DEFAULT, aunt, child, Relation()) is Reason.ADULT_AND_MINOR
    assert may_start(DEFAULT, aunt, child, KNOWN, NOW) == Connected(shown=True)


def test_an_entity_may_open_requests_between_strangers_of_sixteen_but_not_from_adults() -> None:
    opened = policy_from(
        {"bands": {"16-17": {"dm": {"who_can_start": "everyone_by_request"}}}}, "open.toml"
    )
    one, two = (
        Person(user_id=f"@{name}:hd.example", band=AgeBand.FROM_16, dm_choice=True)
        for name in ("one", "two")
    )
    assert isinstance(may_start(opened, one, two, Relation(), NOW), Request)
    adult = Person(user_id="@adult:hd.example", band=AgeBand.ADULT)
    unknown = Person(user_id="@who:hd.example", dm_choice=True)
    for grown in (adult, unknown):
        assert refusal(opened, grown, two, Relation()) is Reason.ADULT_AND_MINOR
        assert refusal(opened, two, grown, Relation()) is Reason.ADULT_AND_MINOR


def teen(name: str, *listed: str) -> Person:
    return Person(
        user_id=name,
        band=AgeBand.FROM_16,
        guardian="@guardian:hd.example",
        guardian_allows=frozenset(listed),
        dm_choice=True,
    )


def test_an_entity_may_ask_for_the_guardians_list_at_sixteen_as_well() -> None:
    strict = policy_from(
        {
            "bands": {
                band: {"dm": {"who_can_start": "guardian_list"}} for band in ("16-17", "unknown")
            }
        },
        "strict.toml",
    )
    one, two = teen("@one:hd.example"), teen("@two:hd.example", "@one:hd.example")
    assert refusal(strict, two, one, KNOWN) is Reason.GUARDIAN
    assert may_start(strict, one, two, KNOWN, NOW) == Connected(shown=True)


def test_an_entity_may_ask_for_mutuals_of_the_next_band_at_sixteen_as_well() -> None:
    strict = policy_from(
        {
            "bands": {
                band: {"dm": {"who_can_start": "mutuals_adjacent_band"}}
                for band in ("16-17", "unknown")
            }
        },
        "strict.toml",
    )
    one, two = teen("@one:hd.example"), teen("@two:hd.example")
    adult = Person(user_id="@adult:hd.example", band=AgeBand.ADULT)
    assert refusal(strict, one, two, Relation()) is Reason.NOT_CONNECTED
    assert refusal(strict, adult, two, KNOWN) is Reason.BANDS_APART
    assert may_start(strict, one, two, KNOWN, NOW) == Connected(shown=True)


def test_a_guardians_list_spares_a_request_only_where_the_list_is_the_rule() -> None:
    opened = policy_from(
        {"bands": {"16-17": {"dm": {"who_can_start": "everyone_by_request"}}}}, "open.toml"
    )
    one, two = teen("@one:hd.example"), teen("@two:hd.example", "@one:hd.example")
    assert isinstance(may_start(opened, one, two, Relation(), NOW), Request)


def test_a_person_of_another_entity_is_refused_and_one_without_region_is_at_home() -> None:
    us = policy_from({"entity": {"regions": ["US"]}}, "us.toml")
    here = Person(user_id="@here:hd.example", band=AgeBand.ADULT, region="US")
    there = Person(user_id="@there:hd.example", band=AgeBand.ADULT, region="DE")
    unsaid = Person(user_id="@unsaid:hd.example", band=AgeBand.ADULT)
    assert refusal(us, here, there, KNOWN) is Reason.OTHER_ENTITY
    assert refusal(us, there, here, KNOWN) is Reason.OTHER_ENTITY
    assert may_start(us, here, unsaid, KNOWN, NOW) == Connected(shown=True)


@pytest.mark.parametrize("sender", list(AgeBand))
@pytest.mark.parametrize("recipient", list(AgeBand))
def test_every_refusal_names_a_row_of_the_policy(sender: AgeBand, recipient: AgeBand) -> None:
    alice = Person(user_id="@alice:hd.example", band=sender)
    bob = Person(user_id="@bob:hd.example", band=recipient)
    rows = {"contact.adult_minor_unconnected"} | {
        f"bands.{band.value}.dm.{key}"
        for band in (sender, recipient)
        for key in ("enabled", "who_can_start")
    }
    if sender is recipient is AgeBand.ADULT:
        assert isinstance(may_start(DEFAULT, alice, bob, Relation(), NOW), Request)
        return
    with pytest.raises(ContactRefused) as refused:
        may_start(DEFAULT, alice, bob, Relation(), NOW)
    assert refused.value.row in rows
