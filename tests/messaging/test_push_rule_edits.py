"""Changing one's push rules, and what the whole ruleset looks like then."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.errors import (
    BadPushRuleError,
    UnknownNeighbourError,
    UnknownPushRuleError,
)
from halfdoor.messaging.pushrules_edit import (
    MAX_PATTERNS,
    MAX_RULES,
    StoredRules,
    delete_rule,
    full_ruleset,
    put_rule,
    rule_of,
    set_actions,
    set_enabled,
)

BOB = "@bob:hd.example"
NONE = StoredRules()
NOTIFY: dict[str, Any] = {"actions": ["notify"]}
ONE_TO_ONE = ("underride", ".m.rule.room_one_to_one")


def ids(stored: StoredRules, kind: str) -> list[str]:
    return [rule["rule_id"] for rule in full_ruleset(stored, BOB)["global"][kind]]


def own_ids(stored: StoredRules, kind: str) -> list[str]:
    return [name for name in ids(stored, kind) if not name.startswith(".")]


def room_rules(*names: str) -> StoredRules:
    """Rules of which the first is the most important."""
    stored = NONE
    for name in reversed(names):
        stored = put_rule(stored, "room", name, NOTIFY)
    return stored


@pytest.mark.parametrize("rule_id", ["", ".mine", ".m.rule.message", "a/b", "a\\b", "é" * 128])
def test_an_id_that_may_not_be_is_refused(rule_id: str) -> None:
    with pytest.raises(BadPushRuleError):
        put_rule(NONE, "override", rule_id, NOTIFY)


def test_an_unknown_kind_is_refused() -> None:
    edits: list[Callable[[], object]] = [
        lambda: put_rule(NONE, "overrule", "a", NOTIFY),
        lambda: delete_rule(NONE, "overrule", "a"),
        lambda: rule_of(NONE, BOB, "overrule", "a"),
        lambda: set_enabled(NONE, BOB, "overrule", "a", {"enabled": True}),
        lambda: set_actions(NONE, BOB, "overrule", "a", NOTIFY),
    ]
    for edit in edits:
        with pytest.raises(BadPushRuleError):
            edit()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("room", {}),
        ("room", {"actions": "notify"}),
        ("room", {"actions": ["shout"]}),
        ("room", {"actions": [1]}),
        ("room", {"actions": [{}]}),
        ("room", {"actions": [{"set_tweak": 1}]}),
        ("content", NOTIFY),
        ("content", {"pattern": "", **NOTIFY}),
        ("content", {"pattern": 1, **NOTIFY}),
        ("content", {"pattern": "a" * 5000, **NOTIFY}),
        ("override", {"conditions": None, **NOTIFY}),
        ("override", {"conditions": ["type"], **NOTIFY}),
        ("underride", {"conditions": [{}], **NOTIFY}),
        ("underride", {"conditions": [{"kind": 1}], **NOTIFY}),
    ],
)
def test_a_body_that_means_nothing_is_refused(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(BadPushRuleError):
        put_rule(NONE, kind, "mine", body)


@pytest.mark.parametrize("neighbour", ["nobody", ".m.rule.master", "mine"])
def test_a_place_beside_no_rule_of_ones_own_is_refused(neighbour: str) -> None:
    with pytest.raises(UnknownNeighbourError):
        put_rule(NONE, "override", "mine", NOTIFY, before=neighbour)
    with pytest.raises(UnknownNeighbourError):
        put_rule(NONE, "override", "mine", NOTIFY, after=neighbour)


def test_a_place_beside_itself_is_refused() -> None:
    stored = room_rules("a", "b")
    with pytest.raises(UnknownNeighbourError):
        put_rule(stored, "room", "a", NOTIFY, before="a")


def test_what_is_not_there_is_not_found() -> None:
    for kind, rule_id in (("room", "a"), ("room", ".m.rule.message"), ("override", ".m.rule.no")):
        with pytest.raises(UnknownPushRuleError):
            rule_of(NONE, BOB, kind, rule_id)
        with pytest.raises(UnknownPushRuleError):
            set_enabled(NONE, BOB, kind, rule_id, {"enabled": True})
        with pytest.raises(UnknownPushRuleError):
            set_actions(NONE, BOB, kind, rule_id, NOTIFY)
    with pytest.raises(UnknownPushRuleError):
        delete_rule(NONE, "room", "a")


def test_a_predefined_rule_cannot_be_removed() -> None:
    with pytest.raises(BadPushRuleError):
        delete_rule(NONE, "override", ".m.rule.master")


@pytest.mark.parametrize("body", [{}, {"enabled": None}, {"enabled": 1}, {"enabled": "true"}])
def test_on_or_off_is_said_by_true_or_false(body: dict[str, Any]) -> None:
    with pytest.raises(BadPushRuleError):
        set_enabled(NONE, BOB, *ONE_TO_ONE, body)


def test_nobody_keeps_rules_without_end() -> None:
    many = [{"rule_id": str(number), "enabled": True} for number in range(MAX_RULES)]
    full = StoredRules(own={"room": many})
    with pytest.raises(BadPushRuleError):
        put_rule(full, "room", "one more", NOTIFY)
    assert put_rule(full, "room", "7", NOTIFY).own["room"][7]["actions"] == ["notify"]


def test_nobody_has_every_message_searched_for_patterns_without_end() -> None:
    stored = NONE
    for number in range(MAX_PATTERNS - 1):
        stored = put_rule(stored, "content", str(number), {"pattern": "tea", **NOTIFY})
    mute = [{"kind": "event_match", "key": "room_id", "pattern": "!room:hd.example"}]
    stored = put_rule(stored, "override", "mute", {"conditions": mute, "actions": []})
    search = {"kind": "event_match", "key": "content.body", "pattern": "tea"}
    with pytest.raises(BadPushRuleError):
        put_rule(stored, "underride", "u", {"conditions": [search, search], **NOTIFY})
    stored = put_rule(stored, "underride", "u", {"conditions": [search], **NOTIFY})
    assert own_ids(stored, "underride") == ["u"]


def test_the_ruleset_of_a_new_account_is_the_one_of_the_specification() -> None:
    ruleset = full_ruleset(NONE, BOB)
    assert list(ruleset) == ["global"]
    assert set(ruleset["global"]) == {"override", "content", "room", "sender", "underride"}
    assert ids(NONE, "override") == [
        ".m.rule.master",
        ".m.rule.suppress_notices",
        ".m.rule.invite_for_me",
        ".m.rule.member_event",
        ".m.rule.is_user_mention",
        ".m.rule.contains_display_name",
        ".m.rule.is_room_mention",
        ".m.rule.roomnotif",
        ".m.rule.tombstone",
        ".m.rule.reaction",
        ".m.rule.room.server_acl",
        ".m.rule.suppress_edits",
    ]
    assert ids(NONE, "underride") == [
        ".m.rule.call",
        ".m.rule.encrypted_room_one_to_one",
        ".m.rule.room_one_to_one",
        ".m.rule.message",
        ".m.rule.encrypted",
    ]
    assert (ids(NONE, "room"), ids(NONE, "sender")) == ([], [])
    assert ruleset["global"]["content"] == [
        {
            "rule_id": ".m.rule.contains_user_name",
            "default": True,
            "enabled": True,
            "pattern": "bob",
            "actions": [
                "notify",
                {"set_tweak": "sound", "value": "default"},
                {"set_tweak": "highlight"},
            ],
        }
    ]
    off = [
        rule["rule_id"]
        for rules in ruleset["global"].values()
        for rule in rules
        if not rule["enabled"]
    ]
    assert off == [".m.rule.master"]


def test_a_predefined_rule_names_the_user() -> None:
    mention = rule_of(NONE, BOB, "override", ".m.rule.is_user_mention")
    assert mention["conditions"] == [
        {
            "kind": "event_property_contains",
            "key": "content.m\\.mentions.user_ids",
            "value": BOB,
        }
    ]


def test_a_new_rule_is_on_and_stands_before_ones_others_but_behind_the_master() -> None:
    stored = put_rule(NONE, "override", "old", NOTIFY)
    stored = put_rule(stored, "override", "new", {**NOTIFY, "enabled": False, "default": True})
    assert ids(stored, "override")[:4] == [
        ".m.rule.master",
        "new",
        "old",
        ".m.rule.suppress_notices",
    ]
    assert rule_of(stored, BOB, "override", "new") == {
        "rule_id": "new",
        "default": False,
        "enabled": True,
        "conditions": [],
        "actions": ["notify"],
    }


def test_before_and_after_place_a_rule() -> None:
    stored = room_rules("a", "b", "c")
    assert own_ids(put_rule(stored, "room", "x", NOTIFY, before="b"), "room") == list("axbc")
    assert own_ids(put_rule(stored, "room", "x", NOTIFY, after="b"), "room") == list("abxc")
    assert own_ids(put_rule(stored, "room", "x", NOTIFY, before="c", after="a"), "room") == list(
        "abxc"
    )
    assert own_ids(put_rule(stored, "room", "c", NOTIFY, before="a"), "room") == list("cab")
    assert own_ids(put_rule(stored, "room", "a", NOTIFY, after="c"), "room") == list("bca")


def test_a_changed_rule_stays_where_it_was_and_as_it_was() -> None:
    stored = set_enabled(room_rules("a", "b", "c"), BOB, "room", "b", {"enabled": False})
    stored = put_rule(stored, "room", "b", {"actions": []})
    assert own_ids(stored, "room") == list("abc")
    assert rule_of(stored, BOB, "room", "b")["enabled"] is False
    assert rule_of(stored, BOB, "room", "b")["actions"] == []


def test_an_id_may_have_255_bytes() -> None:
    assert own_ids(room_rules("a" * 255), "room") == ["a" * 255]


def test_the_same_id_in_two_kinds_is_two_rules() -> None:
    stored = put_rule(room_rules("a"), "sender", "a", NOTIFY)
    stored = delete_rule(stored, "room", "a")
    assert (own_ids(stored, "room"), own_ids(stored, "sender")) == ([], ["a"])


def test_historical_actions_are_stripped() -> None:
    stored = put_rule(NONE, "room", "a", {"actions": ["dont_notify", "coalesce"]})
    assert rule_of(stored, BOB, "room", "a")["actions"] == []


def test_only_what_differs_from_the_predefined_rules_is_kept() -> None:
    stored = set_enabled(NONE, BOB, *ONE_TO_ONE, {"enabled": False})
    stored = set_actions(stored, BOB, *ONE_TO_ONE, {"actions": []})
    assert msgspec.to_builtins(stored) == {
        "changed": {".m.rule.room_one_to_one": {"enabled": False, "actions": []}}
    }
    changed = rule_of(stored, BOB, *ONE_TO_ONE)
    assert (changed["enabled"], changed["actions"]) == (False, [])
    assert changed["conditions"] == rule_of(NONE, BOB, *ONE_TO_ONE)["conditions"]


def test_a_change_to_a_rule_that_the_server_has_no_more_is_without_effect() -> None:
    stored = StoredRules(changed={".m.rule.gone": {"enabled": False}})
    assert full_ruleset(stored, BOB) == full_ruleset(NONE, BOB)


def test_what_is_answered_can_be_altered_without_altering_what_is_kept() -> None:
    stored = room_rules("a")
    for rule in full_ruleset(stored, BOB)["global"]["room"]:
        rule["enabled"] = False
    full_ruleset(NONE, BOB)["global"]["override"][0]["enabled"] = True
    assert rule_of(stored, BOB, "room", "a")["enabled"] is True
    assert rule_of(NONE, BOB, "override", ".m.rule.master")["enabled"] is False


names = st.sampled_from("abcd")
edits = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "off"]), names, st.none() | names, st.none() | names
    )
)


@given(edits)
def test_any_history_of_edits_survives_being_kept(
    history: list[tuple[str, str, str | None, str | None]],
) -> None:
    stored, plain = NONE, list[str]()
    for verb, name, before, after in history:
        rest = [other for other in plain if other != name]
        try:
            if verb == "put":
                stored = put_rule(stored, "room", name, NOTIFY, before=before, after=after)
                if before is not None:
                    place = rest.index(before)
                elif after is not None:
                    place = rest.index(after) + 1
                else:
                    place = plain.index(name) if name in plain else 0
                plain = [*rest[:place], name, *rest[place:]]
            elif verb == "delete":
                stored = delete_rule(stored, "room", name)
                plain = rest
            else:
                stored = set_enabled(stored, BOB, "room", name, {"enabled": False})
        except UnknownPushRuleError:
            assert name not in plain
        except UnknownNeighbourError:
            assert (before or after) not in rest
        stored = msgspec.json.decode(msgspec.json.encode(stored), type=StoredRules)
        assert own_ids(stored, "room") == plain
