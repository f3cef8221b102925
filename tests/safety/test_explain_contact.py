"""`policy explain` says which bands, which row, and both directions."""

from itertools import product

import pytest

from halfdoor.policy.load import load
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
