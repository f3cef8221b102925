"""Power levels as room version 11 reads and guards them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.errors import BadJsonError, ForbiddenError
from halfdoor.messaging.powers import (
    Powers,
    check_power_change,
    check_redact,
    check_send,
    is_user_id,
)

ALICE, BOB, CAROL = "@alice:hd.example", "@bob:hd.example", "@carol:hd.example"
NAMES = ["users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"]


def powers(content: dict[str, Any] | None) -> Powers:
    return Powers.parse(content, ALICE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", ["50", 50.0, True, None, [50], 2**53])
def test_a_level_that_is_no_integer_is_refused(name: str, level: object) -> None:
    with pytest.raises(BadJsonError):
        powers({name: level})


@pytest.mark.parametrize("name", ["events", "notifications", "users"])
@pytest.mark.parametrize("entries", [None, [], 1, {BOB: "50"}, {BOB: False}, {BOB: 1.5}])
def test_entries_that_are_no_integers_are_refused(name: str, entries: object) -> None:
    with pytest.raises(BadJsonError):
        powers({name: entries})


@pytest.mark.parametrize(
    "user", ["", "bob", "@bob", "bob:hd.example", "@bob:", "@" + "b" * 300 + ":x"]
)
def test_a_level_for_nobody_is_refused(user: str) -> None:
    assert not is_user_id(user)
    with pytest.raises(BadJsonError):
        powers({"users": {user: 1}})


def test_without_the_event_only_the_creator_has_power() -> None:
    none = powers(None)
    assert (none.of(ALICE), none.of(BOB)) == (100, 0)
    assert (none.invite, none.kick, none.ban, none.redact) == (0, 50, 50, 50)
    assert none.for_event("m.room.name", is_state=True) == 50
    assert none.for_event("m.room.message", is_state=False) == 0
    assert none.for_notification("room") == 50


def test_with_an_empty_event_the_creator_is_nobody_special() -> None:
    empty = powers({})
    assert (empty.of(ALICE), empty.of(BOB)) == (0, 0)
    assert (empty.invite, empty.kick, empty.ban, empty.redact) == (0, 50, 50, 50)


def test_what_the_event_says_goes() -> None:
    said = powers(
        {
            "users": {BOB: 75},
            "users_default": 5,
            "events": {"m.room.name": 60, "m.room.message": 7},
            "events_default": 1,
            "state_default": 2,
            "notifications": {"room": 20},
            "invite": 3,
            "kick": 4,
            "ban": 6,
            "redact": 8,
        }
    )
    assert (said.of(BOB), said.of(ALICE)) == (75, 5)
    assert said.for_event("m.room.name", is_state=True) == 60
    assert said.for_event("m.room.topic", is_state=True) == 2
    assert said.for_event("m.room.message", is_state=False) == 7
    assert said.for_event("m.sticker", is_state=False) == 1
    assert (said.for_notification("room"), said.for_notification("other")) == (20, 50)
    assert (said.invite, said.kick, said.ban, said.redact) == (3, 4, 6, 8)


def test_sending_above_ones_level_is_refused() -> None:
    said = powers({"users": {ALICE: 50}, "events": {"m.room.message": 10}})
    check_send(said, ALICE, "m.room.name", "")
    check_send(said, BOB, "m.sticker", None)
    with pytest.raises(ForbiddenError):
        check_send(said, BOB, "m.room.name", "")
    with pytest.raises(ForbiddenError):
        check_send(said, BOB, "m.room.message", None)


def test_state_that_belongs_to_another_person_is_refused_to_everybody() -> None:
    said = powers({"users": {ALICE: 100}})
    check_send(said, ALICE, "org.example.location", ALICE)
    with pytest.raises(ForbiddenError):
        check_send(said, ALICE, "org.example.location", BOB)


def test_redacting_another_persons_event_takes_power_and_ones_own_none() -> None:
    said = powers({"users": {ALICE: 50}})
    check_redact(said, BOB, BOB)
    check_redact(said, ALICE, BOB)
    with pytest.raises(ForbiddenError):
        check_redact(said, BOB, ALICE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"users": {BOB: 50}}, {"users": {BOB: 51}}),
        ({"users": {BOB: 50}}, {"users": {BOB: 50, CAROL: 51}}),
        ({"users": {BOB: 50, CAROL: 50}}, {"users": {BOB: 50, CAROL: 0}}),
        ({"users": {BOB: 50, CAROL: 100}}, {"users": {BOB: 50}}),
        ({"users": {BOB: 50}, "ban": 60}, {"users": {BOB: 50}, "ban": 50}),
        ({"users": {BOB: 50}, "ban": 60}, {"users": {BOB: 50}}),
        ({"users": {BOB: 50}}, {"users": {BOB: 50}, "kick": 51}),
        ({"users": {BOB: 50}, "events": {"m.x": 51}}, {"users": {BOB: 50}}),
        ({"users": {BOB: 50}}, {"users": {BOB: 50}, "events": {"m.x": 51}}),
        ({"users": {BOB: 50}}, {"users": {BOB: 50}, "notifications": {"room": 51}}),
        ({"users": {BOB: 50}}, {"users": {BOB: 50}, "users_default": 51}),
    ],
)
def test_nobody_reaches_above_their_own_level(old: dict[str, Any], new: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError):
        check_power_change(powers(old), powers(new), BOB)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, {"users": {BOB: 100}}),
        ({"users": {BOB: 50}}, {}),
        ({"users": {BOB: 50}}, {"users": {BOB: 10}}),
        ({"users": {BOB: 50, CAROL: 49}}, {"users": {BOB: 50, CAROL: 50}}),
        ({"users": {BOB: 50, CAROL: 100}, "ban": 99}, {"users": {CAROL: 100, BOB: 0}, "ban": 99}),
        ({"users": {BOB: 50}, "ban": 50}, {"users": {BOB: 50}, "kick": 50}),
    ],
)
def test_within_ones_level_everything_may_change(
    old: dict[str, Any] | None, new: dict[str, Any]
) -> None:
    check_power_change(powers(old), powers(new), BOB)


levels = st.sampled_from([0, 49, 50, 51, 100])
entries = st.dictionaries(st.sampled_from(["m.room.name", "m.x"]), levels, max_size=2)
contents = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(NAMES, levels),
        "events": entries,
        "notifications": st.dictionaries(st.just("room"), levels),
        "users": st.dictionaries(st.sampled_from([ALICE, BOB, CAROL]), levels),
    },
)


def literal(old: dict[str, Any], new: dict[str, Any], sender: str) -> bool:
    """Rules 9.5 to 9.9 of room version 11, one after the other."""
    own = old.get("users", {}).get(sender, old.get("users_default", 0))
    for name in NAMES:
        if (name in old) != (name in new) or old.get(name) != new.get(name):
            if name in old and old[name] > own:
                return False
            if name in new and new[name] > own:
                return False
    for name in ("events", "notifications"):
        was, becomes = old.get(name, {}), new.get(name, {})
        for key in was:
            if becomes.get(key) != was[key] and was[key] > own:
                return False
        for key in becomes:
            if was.get(key) != becomes[key] and becomes[key] > own:
                return False
    was, becomes = old.get("users", {}), new.get("users", {})
    for user in was:
        if user != sender and becomes.get(user) != was[user] and was[user] >= own:
            return False
    return not any(was.get(user) != becomes[user] and becomes[user] > own for user in becomes)


@given(contents, contents, st.sampled_from([ALICE, BOB]))
def test_every_change_agrees_with_the_rules_as_they_are_written(
    old: dict[str, Any], new: dict[str, Any], sender: str
) -> None:
    if literal(old, new, sender):
        check_power_change(powers(old), powers(new), sender)
    else:
        with pytest.raises(ForbiddenError):
            check_power_change(powers(old), powers(new), sender)
