"""No policy file that loads lets an adult reach a minor to whom they are not connected."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfdoor.policy.keys import every_key
from halfdoor.policy.load import PolicyError, load, policy_from
from halfdoor.policy.model import Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import (
    ContactRefused,
    Person,
    Reason,
    Relation,
    check_first_contact,
    check_group,
    may_start,
)

NOW = 1_790_000_000_000
SOME_OF_IT = {
    key.name: st.sampled_from([*key.choices, "request", "everyone"])
    for key in every_key(Policy)
    if key.choices and key.name != "version" and not key.name.startswith("posture")
} | {
    key.name: st.integers(-1, 11)
    for key in every_key(Policy)
    if key.name.endswith(("first_contact.messages", "closed_days"))
}
# An entity that only loosens within the limits, so that many of the files do load.
LOADABLE = {
    f"bands.16-17.{name}": choices
    for name, choices in {
        "dm.enabled": st.sampled_from(["explicit_choice", "on"]),
        "dm.who_can_start": st.sampled_from(["mutuals", "everyone_by_request"]),
        "first_contact.messages": st.integers(1, 10),
        "first_contact.kinds": st.sampled_from(["text", "text_and_own_links"]),
        "links_from_non_connection": st.sampled_from(["warning", "allow"]),
        "group_add": st.sampled_from(["must_accept_shows_adults", "must_accept"]),
        "connection_list_visible": st.sampled_from(["nobody", "connections"]),
    }.items()
}


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *folders, last = name.split(".")
        here = tree
        for folder in folders:
            here = here.setdefault(folder, {})
        here[last] = value
    return tree


@st.composite
def entity_files(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        names = draw(st.sets(st.sampled_from(sorted(SOME_OF_IT)), max_size=4))
        return nested({name: draw(SOME_OF_IT[name]) for name in names})
    teen = {name: draw(value) for name, value in LOADABLE.items()}
    unknown = {name.replace("16-17", "unknown"): value for name, value in teen.items()}
    return nested(teen | unknown | {"bands.13-15.dm.enabled": "mutuals"})


BANDS = st.sampled_from(list(AgeBand))


@st.composite
def strangers(draw: st.DrawFn) -> tuple[Person, Person, Relation]:
    """Whoever may be an adult, whoever may be a minor, and everything but a connection."""
    grown = draw(st.sampled_from([AgeBand.ADULT, AgeBand.UNKNOWN]))
    young = draw(st.sampled_from([b for b in AgeBand if b is not AgeBand.ADULT]))
    people = [
        Person(
            user_id=name,
            band=band,
            guardian=draw(st.sampled_from([None, "@guardian:hd.example"])),
            guardian_allows=draw(st.sampled_from([frozenset(), frozenset({other})])),
            dm_choice=draw(st.sampled_from([None, True, False])),
        )
        for name, other, band in (
            ("@grown:hd.example", "@young:hd.example", grown),
            ("@young:hd.example", "@grown:hd.example", young),
        )
    ]
    relation = Relation(
        accepted=draw(st.booleans()),
        blocked_by_recipient=draw(st.booleans()),
        sent_first_contact=draw(st.integers(0, 2)),
        closed_until=draw(st.sampled_from([None, NOW - 1, NOW + 1])),
    )
    return people[0], people[1], relation


@settings(max_examples=300)
@given(entity_files(), strangers())
def test_no_policy_that_loads_lets_an_unconnected_adult_reach_a_minor(
    own: dict[str, Any], case: tuple[Person, Person, Relation]
) -> None:
    try:
        policy = policy_from(own, "any.toml")
    except PolicyError:
        return
    grown, young, relation = case
    words = {"msgtype": "m.text", "body": "hello"}
    with pytest.raises(ContactRefused):
        may_start(policy, grown, young, relation, NOW)
    for direct in (True, False):
        with pytest.raises(ContactRefused):
            check_first_contact(
                policy,
                grown,
                young,
                relation,
                "m.room.message",
                words,
                is_own_redaction=False,
                now_ms=NOW,
                direct=direct,
            )
    for inviter, invitee in ((grown, young), (young, grown)):
        with pytest.raises(ContactRefused):
            check_group(policy, [], set(), inviter, invitee, relation, NOW)
    third = Person(user_id="@third:hd.example", band=AgeBand.FROM_16)
    pairs = {("@third:hd.example", person.user_id) for person in (grown, young)}
    for there, invitee in ((grown, young), (young, grown)):
        with pytest.raises(ContactRefused):
            check_group(policy, [there], pairs, third, invitee, Relation(connected=True), NOW)
    if young.band is not AgeBand.UNKNOWN:
        with pytest.raises(ContactRefused):
            may_start(policy, young, grown, relation, NOW)


def test_the_files_tried_above_do_load_when_they_loosen_what_may_be_loosened() -> None:
    loose = nested(
        {"bands.16-17.dm.enabled": "on", "bands.16-17.dm.who_can_start": "everyone_by_request"}
    )
    assert policy_from(loose, "loose.toml") != load()


@pytest.mark.parametrize(
    "value", ["request", "by_request", "mutuals", "Never", "", True, False, 1, [], {"never": True}]
)
def test_a_file_that_tries_to_loosen_never_is_refused(value: Any) -> None:
    with pytest.raises(PolicyError) as refused:
        policy_from({"contact": {"adult_minor_unconnected": value}}, "loose.toml")
    assert refused.value.key == "contact.adult_minor_unconnected"
    assert "no entity may loosen it" in refused.value.reason


@given(BANDS, BANDS)
def test_nobody_reaches_anybody_who_is_off_whatever_they_are_to_each_other(
    one: AgeBand, other: AgeBand
) -> None:
    policy = policy_from(
        {"bands": {band.value: {"dm": {"enabled": "off"}} for band in AgeBand}}, "off.toml"
    )
    alice = Person(user_id="@alice:hd.example", band=one, dm_choice=True)
    bob = Person(user_id="@bob:hd.example", band=other, dm_choice=True)
    with pytest.raises(ContactRefused) as refused:
        may_start(policy, alice, bob, Relation(connected=True, accepted=True), NOW)
    assert refused.value.reason is Reason.OWN_MESSAGES_OFF
