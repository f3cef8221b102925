"""An adult and a minor who are not connected never share a room, whoever brings them."""

from itertools import product

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
    check_group,
)

NOW = 1_790_000_000_000
DEFAULT = load()
INVITER = Person(user_id="@inviter:hd.example", band=AgeBand.FROM_16)
KNOWN = Relation(connected=True)

# Who may not share a room unconnected: adults with anybody who is or may be a minor, and an unknown
# age, which is both, with everybody.
APART = {
    frozenset({AgeBand.ADULT, AgeBand.UNDER_13}),
    frozenset({AgeBand.ADULT, AgeBand.FROM_13}),
    frozenset({AgeBand.ADULT, AgeBand.FROM_16}),
    frozenset({AgeBand.ADULT, AgeBand.UNKNOWN}),
    frozenset({AgeBand.UNKNOWN, AgeBand.UNDER_13}),
    frozenset({AgeBand.UNKNOWN, AgeBand.FROM_13}),
    frozenset({AgeBand.UNKNOWN, AgeBand.FROM_16}),
    frozenset({AgeBand.UNKNOWN}),
}


def member(name: str, band: AgeBand) -> Person:
    # A guardian who has listed everybody, so that no list decides these cases.
    everybody = frozenset({"@inviter:hd.example", "@there:hd.example", "@new:hd.example"})
    return Person(
        user_id=name, band=band, guardian="@guardian:hd.example", guardian_allows=everybody
    )


@pytest.mark.parametrize(("there", "new"), list(product(AgeBand, repeat=2)))
@pytest.mark.parametrize("linked", [False, True])
def test_a_member_and_a_newcomer_are_kept_apart_whoever_invites(
    there: AgeBand, new: AgeBand, linked: bool
) -> None:
    present = member("@there:hd.example", there)
    newcomer = member("@new:hd.example", new)

    def connected(one: str, other: str) -> bool:
        return linked or INVITER.user_id in (one, other)

    if frozenset({there, new}) in APART and not linked:
        with pytest.raises(ContactRefused) as refused:
            check_group(DEFAULT, [present, INVITER], connected, INVITER, newcomer, KNOWN, NOW)
        assert refused.value.reason is Reason.ADULT_AND_MINOR
    else:
        invite = check_group(DEFAULT, [present, INVITER], connected, INVITER, newcomer, KNOWN, NOW)
        assert invite.start == Connected(shown=True)


def test_pairs_count_in_either_order() -> None:
    adult = Person(user_id="@adult:hd.example", band=AgeBand.ADULT)
    teen = Person(user_id="@teen:hd.example", band=AgeBand.FROM_16)
    for pair in ((adult.user_id, teen.user_id), (teen.user_id, adult.user_id)):
        assert check_group(DEFAULT, [], {pair}, adult, teen, KNOWN, NOW).start == Connected(
            shown=True
        )
    with pytest.raises(ContactRefused):
        check_group(DEFAULT, [], frozenset(), adult, teen, KNOWN, NOW)


def test_the_inviter_is_looked_at_even_when_not_named_among_the_people() -> None:
    adult = Person(user_id="@adult:hd.example", band=AgeBand.ADULT)
    teen = Person(user_id="@teen:hd.example", band=AgeBand.FROM_16)
    with pytest.raises(ContactRefused) as refused:
        check_group(DEFAULT, [], set(), adult, teen, Relation(), NOW)
    assert refused.value.reason is Reason.ADULT_AND_MINOR


def test_a_child_shares_a_group_only_with_those_whom_the_guardian_listed() -> None:
    child = Person(
        user_id="@child:hd.example",
        band=AgeBand.UNDER_13,
        guardian="@guardian:hd.example",
        guardian_allows=frozenset({INVITER.user_id}),
    )
    other = Person(user_id="@other:hd.example", band=AgeBand.FROM_16)
    everybody = {(a, b) for a, b in product([child, other, INVITER], repeat=2)}
    pairs = {(a.user_id, b.user_id) for a, b in everybody}
    # The child comes to the group, or the group comes to the child: the list holds both times.
    for people, invitee in (([INVITER, other], child), ([INVITER, child], other)):
        with pytest.raises(ContactRefused) as refused:
            check_group(DEFAULT, people, pairs, INVITER, invitee, KNOWN, NOW)
        assert refused.value.reason is Reason.GUARDIAN
        assert refused.value.row == "bands.under13.group_add"
    assert check_group(DEFAULT, [INVITER], pairs, INVITER, child, KNOWN, NOW).adults == ()


def test_a_list_without_a_linked_guardian_lists_nobody() -> None:
    child = Person(
        user_id="@child:hd.example",
        band=AgeBand.UNDER_13,
        guardian_allows=frozenset({INVITER.user_id}),
    )
    with pytest.raises(ContactRefused) as refused:
        check_group(DEFAULT, [], {(INVITER.user_id, child.user_id)}, INVITER, child, KNOWN, NOW)
    assert refused.value.reason is Reason.GUARDIAN


def test_sixteen_year_olds_are_shown_the_adults_before_they_accept() -> None:
    teen = Person(user_id="@teen:hd.example", band=AgeBand.FROM_16)
    adults = [Person(user_id=f"@{n}:hd.example", band=AgeBand.ADULT) for n in ("zoe", "ann")]
    someone = Person(user_id="@some:hd.example")
    invite = check_group(
        DEFAULT, [*adults, someone, INVITER], lambda _a, _b: True, INVITER, teen, KNOWN, NOW
    )
    assert invite.adults == ("@ann:hd.example", "@some:hd.example", "@zoe:hd.example")
    grown = Person(user_id="@grown:hd.example", band=AgeBand.ADULT)
    invite = check_group(DEFAULT, adults, lambda _a, _b: True, INVITER, grown, KNOWN, NOW)
    assert invite.adults == ()


def test_a_closed_pair_is_closed_for_groups_too() -> None:
    one, two = (Person(user_id=f"@{n}:hd.example", band=AgeBand.ADULT) for n in ("one", "two"))
    closed = Relation(closed_until=NOW + 1)
    with pytest.raises(ContactRefused) as refused:
        check_group(DEFAULT, [], set(), one, two, closed, NOW)
    assert refused.value.reason is Reason.CLOSED
    assert isinstance(check_group(DEFAULT, [], set(), one, two, closed, NOW + 1).start, Request)


def test_people_of_another_entity_cannot_be_brought_in() -> None:
    us = policy_from({"entity": {"regions": ["US"]}}, "us.toml")
    here = Person(user_id="@here:hd.example", band=AgeBand.ADULT, region="US")
    there = Person(user_id="@there:hd.example", band=AgeBand.ADULT, region="DE")
    for inviter, invitee in ((here, there), (there, here)):
        with pytest.raises(ContactRefused) as refused:
            check_group(us, [], set(), inviter, invitee, KNOWN, NOW)
        assert refused.value.reason is Reason.OTHER_ENTITY
    assert check_group(us, [], set(), here, here, KNOWN, NOW).start == Connected(shown=True)
