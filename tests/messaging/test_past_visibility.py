"""Who sees what of a conversation's past."""

from itertools import product

import pytest

from halfdoor.messaging.visibility import visible, visible_at_change

SETTINGS = [None, "shared", "invited", "joined", "world_readable", "org.example.odd"]
MEMBERSHIPS = [None, "invite", "join", "leave", "ban"]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("membership", [None, "leave", "ban"])
def test_who_was_never_in_sees_nothing(setting: str | None, membership: str | None) -> None:
    assert not visible(setting, membership, joined_since=False)


@pytest.mark.parametrize("setting", SETTINGS)
def test_who_has_left_sees_nothing_that_came_later(setting: str | None) -> None:
    assert not visible(setting, "leave", joined_since=False)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("joined_since", [False, True])
def test_who_was_in_sees_it_for_ever(setting: str | None, joined_since: bool) -> None:
    assert visible(setting, "join", joined_since=joined_since)


def test_being_invited_shows_only_what_is_for_the_invited() -> None:
    assert visible("invited", "invite", joined_since=False)
    assert not visible("shared", "invite", joined_since=False)
    assert not visible("joined", "invite", joined_since=True)


def test_joining_opens_the_past_only_where_it_was_shared() -> None:
    assert visible("shared", None, joined_since=True)
    assert visible(None, "leave", joined_since=True)
    assert not visible("invited", None, joined_since=True)
    assert not visible("joined", None, joined_since=True)


def literal(setting: str | None, membership: str | None, joined_since: bool) -> bool:
    """Rules 1 to 5 of "Room history visibility", with world_readable read as shared."""
    if setting not in {"invited", "joined"}:
        setting = "shared"
    if membership == "join":
        return True
    if setting == "shared" and joined_since:
        return True
    return membership == "invite" and setting == "invited"


def test_every_case_agrees_with_the_rules_as_they_are_written() -> None:
    for setting, membership, joined_since in product(SETTINGS, MEMBERSHIPS, [False, True]):
        expected = literal(setting, membership, joined_since)
        assert visible(setting, membership, joined_since=joined_since) == expected


def test_a_change_is_seen_from_either_side_of_it() -> None:
    assert visible_at_change(("joined", "joined"), ("join", "leave"), joined_since=False)
    assert visible_at_change(("joined", "joined"), ("invite", "join"), joined_since=False)
    assert visible_at_change(("shared", "joined"), (None, None), joined_since=True)
    assert not visible_at_change(("joined", "joined"), ("invite", "leave"), joined_since=False)
