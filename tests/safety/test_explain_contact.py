"""`policy explain` says which bands, which row, and both directions."""

from itertools import product

import pytest

from halfdoor.policy.load import load, policy_from
from halfdoor.policy.model import Policy
from halfdoor.safety.ages import AgeBand
from halfdoor.safety.contact import ContactRefused, Person, Relation, Request, may_start
from halfdoor.safety.explain import explain

NOW = 1_790_000_000_000
DEFAULT = load()


def answer(sender: Person, recipient: Person, relation: Relation) -> str:
    try:
        start = may_start(DEFAULT, sender, recipient, relation, NOW)
    except ContactRefused as refused:
        return f": refused ({refused.reason}). Decided by {refused.row} = "
    return ": a message request." if isinstance(start, Request) else ": an ordinary invite."


def test_an_adult_and_a_fourteen_year_old_are_explained_in_both_directions() -> None:
    alice = Person(user_id="@alice:hd.example", band=AgeBand.ADULT)
    bob = Person(user_id="@bob:hd.example", band=AgeBand.FROM_13)
    said = explain(DEFAULT, alice, bob, Relation(), NOW)
    assert said[:4] == [
        "@alice:hd.example: age band adult.",
        "@bob:hd.example: age band 13-15.",
        "They are not connected.",
        (
            "@alice:hd.example to @bob:hd.example: refused (adult_and_minor). Decided by"
            ' contact.adult_minor_unconnected = "never": they are, or may be, an adult and a minor,'
            " and are not connected."
        ),
    ]
    assert said[5].startswith(
        "@bob:hd.example to @alice:hd.example: refused (own_messages_off). Decided by"
        ' bands.13-15.dm.enabled = "off"'
    )


def test_a_request_says_what_may_be_sent_before_it_is_accepted() -> None:
    alice, bob = (Person(user_id=f"@{n}:hd.example", band=AgeBand.ADULT) for n in ("alice", "bob"))
    said = explain(DEFAULT, alice, bob, Relation(), NOW)
    assert "a message request. Until it is accepted at most 1 event, plain text" in said[3]
    assert 'bands.adult.dm.who_can_start = "everyone_by_request"' in said[3]
    assert 'bands.adult.group_add = "must_accept"' in said[4]


def test_an_unknown_age_is_said_to_be_one() -> None:
    said = explain(
        DEFAULT,
        Person(user_id="@who:hd.example"),
        Person(user_id="@bob:hd.example", band=AgeBand.ADULT),
        Relation(accepted=True),
        NOW,
    )
    assert "a minor when receiving and as an adult when sending" in said[0]
    assert said[2] == "They are not connected, but one has accepted the other's request."


@pytest.mark.parametrize(("one", "other"), list(product(AgeBand, repeat=2)))
@pytest.mark.parametrize("connected", [False, True])
def test_what_is_explained_is_what_is_decided(
    one: AgeBand, other: AgeBand, connected: bool
) -> None:
    alice = Person(user_id="@alice:hd.example", band=one, dm_choice=True)
    bob = Person(user_id="@bob:hd.example", band=other, dm_choice=True)
    relation = Relation(connected=connected)
    said = explain(DEFAULT, alice, bob, relation, NOW)
    for line, sender, recipient in ((said[3], alice, bob), (said[5], bob, alice)):
        assert answer(sender, recipient, relation) in line


@pytest.mark.parametrize(("one", "other"), list(product(AgeBand, repeat=2)))
def test_an_explanation_is_the_same_with_and_without_a_block(one: AgeBand, other: AgeBand) -> None:
    alice = Person(user_id="@alice:hd.example", band=one, dm_choice=True)
    bob = Person(user_id="@bob:hd.example", band=other, dm_choice=True)
    blocked = Relation(blocked_by_recipient=True, ignored_by_recipient=True, sent_first_contact=1)
    assert explain(DEFAULT, alice, bob, blocked, NOW) == explain(
        DEFAULT, alice, bob, Relation(), NOW
    )


OFFERING = policy_from({"posture": {"allowed": ["standard", "e2ee"]}}, "test")


def about_encryption(
    policy: Policy, one: AgeBand, other: AgeBand, *, connected: bool, checks: bool
) -> str:
    alice = Person(user_id="@alice:hd.example", band=one, device_checks=checks)
    bob = Person(user_id="@bob:hd.example", band=other, device_checks=checks)
    said = explain(policy, alice, bob, Relation(connected=connected), NOW)
    [found] = [line for line in said if line.startswith("End-to-end encryption")]
    return found.removeprefix("End-to-end encryption between them: ")


def test_why_two_may_have_no_encryption_is_said_with_the_row() -> None:
    said = about_encryption(DEFAULT, AgeBand.ADULT, AgeBand.ADULT, connected=True, checks=True)
    assert said == 'not offered. Decided by posture.allowed = ["standard"].'
    said = about_encryption(OFFERING, AgeBand.ADULT, AgeBand.FROM_13, connected=True, checks=True)
    assert said == (
        'refused. Decided by bands.13-15.end_to_end = "never": people of the age band of'
        " @bob:hd.example are in no such conversation."
    )
    row = 'refused. Decided by bands.16-17.end_to_end = "mutuals_with_device_checks": '
    said = about_encryption(OFFERING, AgeBand.FROM_16, AgeBand.ADULT, connected=True, checks=False)
    assert said == f"{row}the app of @alice:hd.example has no checks on the device."
    both = (AgeBand.FROM_16, AgeBand.FROM_16)
    said = about_encryption(OFFERING, *both, connected=True, checks=False)
    assert "the app of @alice:hd.example and @bob:hd.example has" in said
    said = about_encryption(OFFERING, *both, connected=False, checks=True)
    assert said == f"{row}they are not connected."


def test_where_two_may_have_encryption_it_is_said_when_they_get_it() -> None:
    said = about_encryption(OFFERING, AgeBand.ADULT, AgeBand.ADULT, connected=False, checks=False)
    assert said == 'allowed, on request. Allowed by bands.adult.end_to_end = "allow".'
    always = policy_from({"posture": {"allowed": ["e2ee"], "default": "e2ee"}}, "test")
    said = about_encryption(always, AgeBand.ADULT, AgeBand.FROM_16, connected=True, checks=True)
    assert said.startswith("allowed, unless its creator asks for standard. Allowed by bands.adult.")
    assert 'bands.16-17.end_to_end = "mutuals_with_device_checks"' in said
