"""Coming in, going out and being put out."""

from itertools import product

import pytest

from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.membership import check_joined, check_membership
from halfdoor.messaging.powers import Powers

ALICE, BOB, CAROL = "@alice:hd.example", "@bob:hd.example", "@carol:hd.example"
EQUALS = Powers.parse({"users": {ALICE: 100, BOB: 100}}, ALICE)
ORDINARY = Powers.parse({"users": {ALICE: 100}, "invite": 50}, ALICE)


def allowed(
    sender: str,
    target: str,
    new: str,
    current: dict[str, str],
    powers: Powers = ORDINARY,
    join_rule: str | None = "invite",
) -> bool:
    try:
        check_membership(
            sender=sender,
            target=target,
            new=new,
            current=current,
            join_rule=join_rule,
            powers=powers,
        )
    except ForbiddenError:
        return False
    return True


def test_a_refusal_says_why() -> None:
    with pytest.raises(ForbiddenError) as refused:
        check_joined(BOB, {})
    assert refused.value.reason == "you are not in this conversation" == str(refused.value)


def test_nobody_comes_in_uninvited() -> None:
    assert not allowed(BOB, BOB, "join", {ALICE: "join"})
    assert not allowed(BOB, BOB, "join", {ALICE: "join"}, join_rule=None)
    assert not allowed(BOB, BOB, "join", {ALICE: "join", BOB: "leave"})


def test_nobody_is_brought_in_by_another() -> None:
    assert not allowed(ALICE, BOB, "join", {ALICE: "join", BOB: "invite"})


def test_a_ban_stands_against_an_invitation_and_against_an_open_door() -> None:
    assert not allowed(BOB, BOB, "join", {ALICE: "join", BOB: "ban"}, join_rule="public")
    assert not allowed(ALICE, BOB, "invite", {ALICE: "join", BOB: "ban"})
    assert not allowed(BOB, BOB, "leave", {ALICE: "join", BOB: "ban"})


def test_two_equals_cannot_put_each_other_out() -> None:
    both = {ALICE: "join", BOB: "join"}
    assert not allowed(ALICE, BOB, "leave", both, EQUALS)
    assert not allowed(BOB, ALICE, "ban", both, EQUALS)


def test_a_third_person_is_not_brought_in_by_one_without_power() -> None:
    both = {ALICE: "join", BOB: "join"}
    assert not allowed(BOB, CAROL, "invite", both)
    assert allowed(ALICE, CAROL, "invite", both)


def test_who_is_outside_changes_nothing() -> None:
    for new in ("invite", "leave", "ban"):
        assert not allowed(ALICE, BOB, new, {ALICE: "leave", BOB: "join"})


@pytest.mark.parametrize("new", ["knock", "", "owner", "Join"])
def test_an_unknown_membership_is_refused(new: str) -> None:
    assert not allowed(BOB, BOB, new, {BOB: "invite"})


@pytest.mark.parametrize("rule", ["knock", "restricted", "knock_restricted", "private", "odd"])
def test_join_rules_that_are_not_offered_let_nobody_in(rule: str) -> None:
    assert not allowed(BOB, BOB, "join", {BOB: "invite"}, join_rule=rule)


def test_an_invitation_is_accepted_declined_and_withdrawn() -> None:
    invited = {ALICE: "join", BOB: "invite"}
    assert allowed(BOB, BOB, "join", invited)
    assert allowed(BOB, BOB, "leave", invited)
    assert allowed(ALICE, BOB, "leave", invited)


def test_who_is_in_may_change_their_name_and_may_go() -> None:
    assert allowed(BOB, BOB, "join", {BOB: "join"})
    assert allowed(BOB, BOB, "leave", {BOB: "join"})
    assert not allowed(BOB, BOB, "leave", {BOB: "leave"})


def test_only_who_is_in_is_in() -> None:
    check_joined(BOB, {BOB: "join"})
    for now in ({}, {BOB: "invite"}, {BOB: "leave"}, {BOB: "ban"}):
        with pytest.raises(ForbiddenError):
            check_joined(BOB, now)


def literal(
    sender: str, target: str, new: str, current: dict[str, str], powers: Powers, rule: str
) -> bool:
    """Rule 4 of room version 11, with the parts that are not offered left out."""
    if new == "join":
        if sender != target or current.get(sender) == "ban":
            return False
        if rule == "invite":
            return current.get(target) in {"invite", "join"}
        return rule == "public"
    if new == "invite":
        if current.get(sender) != "join" or current.get(target) in {"join", "ban"}:
            return False
        return powers.of(sender) >= powers.invite
    if new == "leave":
        if sender == target:
            return current.get(sender) in {"invite", "join"}
        if current.get(sender) != "join":
            return False
        if current.get(target) == "ban" and powers.of(sender) < powers.ban:
            return False
        return powers.of(sender) >= powers.kick and powers.of(target) < powers.of(sender)
    if current.get(sender) != "join":
        return False
    return powers.of(sender) >= powers.ban and powers.of(target) < powers.of(sender)


def test_every_case_agrees_with_the_rules_as_they_are_written() -> None:
    memberships = [None, "join", "invite", "leave", "ban"]
    levels = [0, 50, 100]
    cases = product(
        [ALICE, BOB],
        ["join", "invite", "leave", "ban"],
        memberships,
        memberships,
        levels,
        levels,
        ["invite", "public"],
        [{}, {"kick": 0}, {"ban": 100}, {"invite": 50}],
    )
    for target, new, first, second, own, other, rule, levels_asked in cases:
        current = {user: now for user, now in ((ALICE, first), (BOB, second)) if now is not None}
        powers = Powers.parse({"users": {ALICE: own, BOB: other}, **levels_asked}, ALICE)
        expected = literal(ALICE, target, new, current, powers, rule)
        assert allowed(ALICE, target, new, current, powers, rule) == expected
