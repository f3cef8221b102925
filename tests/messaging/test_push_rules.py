"""Which messages notify, by the rules every account starts with and by a person's own."""

from typing import Any

import pytest

from halfdoor.messaging.powers import Powers
from halfdoor.messaging.pushrules import SILENT, EventView, Verdict, compile_rules, evaluate
from halfdoor.messaging.pushrules_edit import (
    StoredRules,
    full_ruleset,
    put_rule,
    set_actions,
    set_enabled,
)

ALICE, BOB = "@alice:hd.example", "@bob:hd.example"
ROOM = "!room:hd.example"
POWERS = Powers.parse({"users": {ALICE: 100, BOB: 100}}, ALICE)
LOUD = {"sound": "default", "highlight": True}


def judge(
    event_type: str,
    content: dict[str, Any],
    *,
    stored: StoredRules | None = None,
    ruleset: dict[str, Any] | None = None,
    sender: str = ALICE,
    room: str = ROOM,
    state_key: str | None = None,
    members: int = 2,
    powers: Powers = POWERS,
    display_name: str | None = "Bob the Builder",
) -> Verdict:
    rules = full_ruleset(stored or StoredRules(), BOB) if ruleset is None else ruleset
    return evaluate(
        compile_rules(rules),
        EventView(event_type, sender, room, content, state_key),
        member_count=members,
        display_name=display_name,
        powers=powers,
        user_id=BOB,
    )


def text(body: str, **more: Any) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": body, **more}


def only(kind: str, **rule: Any) -> dict[str, Any]:
    return {"global": {kind: [{"rule_id": "x", "enabled": True, "actions": ["notify"], **rule}]}}


def matches(condition: object, event_type: str, content: dict[str, Any], **more: Any) -> bool:
    ruleset = only("override", conditions=[condition])
    return judge(event_type, content, ruleset=ruleset, **more).notify


def test_ones_own_message_never_notifies() -> None:
    assert judge("m.room.message", text("hello bob"), sender=BOB) == SILENT


@pytest.mark.parametrize(
    ("event_type", "content", "state_key"),
    [
        ("m.room.message", {"msgtype": "m.notice", "body": "bob"}, None),
        ("m.room.member", {"membership": "join"}, ALICE),
        ("m.room.member", {"membership": "invite"}, "@carol:hd.example"),
        ("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "key": "bob"}}, None),
        ("m.room.server_acl", {"allow": ["*"]}, ""),
        ("m.room.name", {"name": "Bob"}, ""),
        ("m.room.redaction", {"redacts": "$x"}, None),
        ("m.room.tombstone", {"body": "moved"}, None),
        ("m.room.message", text("* x", **{"m.relates_to": {"rel_type": "m.replace"}}), None),
    ],
)
def test_what_is_no_news_is_silent(
    event_type: str, content: dict[str, Any], state_key: str | None
) -> None:
    assert not judge(event_type, content, state_key=state_key).notify


def test_a_direct_message_sounds_and_a_group_message_only_notifies() -> None:
    message = text("hello", **{"m.mentions": {}})
    direct = Verdict(notify=True, highlight=False, sound="default", tweaks={"sound": "default"})
    assert judge("m.room.message", message) == direct
    assert judge("m.room.message", message, members=3) == Verdict(True, False, None, {})
    assert judge("m.room.encrypted", {"ciphertext": "…"}) == direct
    assert judge("m.room.encrypted", {"ciphertext": "…"}, members=3).tweaks == {}


def test_a_call_rings_and_an_invitation_sounds() -> None:
    assert judge("m.call.invite", {"call_id": "1"}).sound == "ring"
    invited = judge("m.room.member", {"membership": "invite"}, state_key=BOB)
    assert (invited.notify, invited.sound, invited.highlight) == (True, "default", False)


def test_a_mention_highlights() -> None:
    assert judge("m.room.message", text("x", **{"m.mentions": {"user_ids": [BOB]}})).tweaks == LOUD
    assert judge("m.room.topic", {"m.mentions": {"user_ids": [BOB]}}, members=9).highlight
    assert not judge("m.room.message", text("x", **{"m.mentions": {"user_ids": BOB}})).highlight


@pytest.mark.parametrize("body", ["hi bob!", "BOB?", "ask Bob the builder, please"])
def test_without_mentions_the_names_in_the_text_count(body: str) -> None:
    assert judge("m.room.message", text(body)).tweaks == LOUD
    assert not judge("m.room.message", text(body, **{"m.mentions": {}})).highlight


@pytest.mark.parametrize("body", ["bobby", "thingumabob", "bob_the_builder", "", "rob"])
def test_a_name_within_a_word_does_not_count(body: str) -> None:
    assert not judge("m.room.message", text(body)).highlight


def test_a_display_name_is_no_pattern_and_none_is_none() -> None:
    assert not judge("m.room.message", text("hello"), display_name="*").highlight
    assert not judge("m.room.message", text("hello"), display_name="").highlight
    assert not judge("m.room.message", text("hello"), display_name=None).highlight
    assert judge("m.room.message", text("so * it is"), display_name="*").highlight


def test_the_whole_room_is_notified_only_by_who_may() -> None:
    few = Powers.parse({"users": {ALICE: 50}}, ALICE)
    weak = Powers.parse({"users": {ALICE: 49}}, ALICE)
    cheap = Powers.parse({"users": {ALICE: 0}, "notifications": {"room": 0}}, ALICE)
    for message in (text("@room hello"), text("x", **{"m.mentions": {"room": True}})):
        assert judge("m.room.message", message, powers=few).highlight
        assert judge("m.room.message", message, powers=cheap).highlight
        assert not judge("m.room.message", message, powers=weak).highlight
    assert not judge("m.room.message", text("x", **{"m.mentions": {"room": 1}})).highlight
    assert not judge("m.room.message", text("mail@roomy"), display_name=None).highlight


def test_an_upgrade_notifies_as_state_alone() -> None:
    assert judge("m.room.tombstone", {"body": "moved"}, state_key="").highlight


def test_the_master_rule_silences_everything_even_ones_own_rules() -> None:
    stored = put_rule(StoredRules(), "override", "all", {"actions": ["notify"]})
    assert judge("m.room.name", {}, stored=stored).notify
    stored = set_enabled(stored, BOB, "override", ".m.rule.master", {"enabled": True})
    assert judge("m.room.message", text("bob"), stored=stored) == SILENT


@pytest.mark.parametrize("actions", [[], ["dont_notify"]])
def test_a_muted_room_is_silent_and_another_is_not(actions: list[str]) -> None:
    mute = {
        "conditions": [{"kind": "event_match", "key": "room_id", "pattern": ROOM}],
        "actions": actions,
    }
    stored = put_rule(StoredRules(), "override", ROOM, mute)
    assert (
        judge("m.room.message", text("bob", **{"m.mentions": {"user_ids": [BOB]}}), stored=stored)
        == SILENT
    )
    assert judge("m.room.message", text("bob"), stored=stored, room="!other:hd.example").notify


def test_kinds_are_asked_in_their_order() -> None:
    stored = StoredRules()
    for kind, own_id, sound in (
        ("underride", "u", "five"),
        ("sender", ALICE, "four"),
        ("room", ROOM, "three"),
        ("content", "c", "two"),
        ("override", "o", "one"),
    ):
        body = {"pattern": "tea", "actions": ["notify", {"set_tweak": "sound", "value": sound}]}
        stored = put_rule(stored, kind, own_id, body)
        assert judge("m.room.message", text("Tea?"), stored=stored).sound == sound


def test_within_a_kind_the_first_rule_decides() -> None:
    stored = put_rule(StoredRules(), "content", "tea", {"pattern": "tea", "actions": []})
    stored = put_rule(stored, "content", "time", {"pattern": "time", "actions": ["notify"]})
    assert judge("m.room.message", text("It's time for tea"), stored=stored).notify
    stored = put_rule(stored, "content", "tea", {"pattern": "tea", "actions": []}, before="time")
    assert not judge("m.room.message", text("It's time for tea"), stored=stored).notify


def test_changed_actions_of_a_predefined_rule_count() -> None:
    stored = set_actions(
        StoredRules(), BOB, "underride", ".m.rule.room_one_to_one", {"actions": []}
    )
    assert judge("m.room.message", text("hello"), stored=stored) == SILENT


def test_a_highlight_takes_a_notification() -> None:
    ruleset = only("override", actions=[{"set_tweak": "highlight"}])
    assert judge("m.room.message", text("x"), ruleset=ruleset) == SILENT
    ruleset = only("override", actions=["notify", {"set_tweak": "highlight", "value": False}])
    assert judge("m.room.message", text("x"), ruleset=ruleset).highlight is False


def test_an_unknown_tweak_passes_through() -> None:
    ruleset = only("override", actions=["notify", {"set_tweak": "light", "value": "blue"}])
    assert judge("m.room.message", text("x"), ruleset=ruleset).tweaks == {"light": "blue"}


@pytest.mark.parametrize(
    "condition",
    [
        None,
        "event_match",
        {},
        {"kind": None},
        {"kind": ["event_match"]},
        {"kind": "org.example.moon", "phase": "full"},
        {"kind": "event_match", "key": "type"},
        {"kind": "event_match", "pattern": "*"},
        {"kind": "event_match", "key": "content.n", "pattern": "*"},
        {"kind": "event_match", "key": "content.absent", "pattern": "*"},
        {"kind": "event_match", "key": "state_key", "pattern": "*"},
        {"kind": "event_match", "key": "event_id", "pattern": "*"},
        {"kind": "event_match", "key": "sender.x", "pattern": "*"},
        {"kind": "event_match", "key": "content", "pattern": "*"},
        {"kind": "event_property_is", "key": "content.n"},
        {"kind": "event_property_is", "value": 1},
        {"kind": "event_property_is", "key": "content.n", "value": True},
        {"kind": "event_property_is", "key": "content.n", "value": 1.0},
        {"kind": "event_property_is", "key": "content.list", "value": ["a"]},
        {"kind": "event_property_is", "key": "content.absent", "value": None},
        {"kind": "event_property_is", "key": "content.n.deeper", "value": 1},
        {"kind": "event_property_contains", "key": "content.list"},
        {"kind": "event_property_contains", "key": "content.body", "value": "hello"},
        {"kind": "event_property_contains", "key": "content.list", "value": "b"},
        {"kind": "event_property_contains", "key": "content.list", "value": True},
        {"kind": "room_member_count"},
        {"kind": "room_member_count", "is": 2},
        {"kind": "room_member_count", "is": "=2"},
        {"kind": "room_member_count", "is": "2 "},
        {"kind": "room_member_count", "is": "٢"},
        {"kind": "room_member_count", "is": ">2"},
        {"kind": "sender_notification_permission"},
        {"kind": "sender_notification_permission", "key": "room"},
    ],
)
def test_a_condition_that_is_malformed_unknown_or_false_never_matches(condition: object) -> None:
    content = {"body": "hello", "n": 1, "list": ["a", 1]}
    weak = Powers.parse({}, ALICE)
    assert not matches(condition, "m.room.message", content, powers=weak)


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "event_match", "key": "type", "pattern": "M.Room.*"},
        {"kind": "event_match", "key": "type", "pattern": "m.room.MESSAGE"},
        {"kind": "event_match", "key": "sender", "pattern": "@alice:*"},
        {"kind": "event_match", "key": "content.body", "pattern": "hel?o"},
        {"kind": "event_match", "key": r"content.m\.odd.a\\b", "pattern": "yes"},
        {"kind": "event_match", "key": r"content.\x", "pattern": "kept"},
        {"kind": "event_property_is", "key": "content.n", "value": 1},
        {"kind": "event_property_is", "key": "content.nothing", "value": None},
        {"kind": "event_property_is", "key": "content.most", "value": 2**53 - 1},
        {"kind": "event_property_is", "key": "content.least", "value": -(2**53) + 1},
        {"kind": "event_property_is", "key": "content.body", "value": "hello"},
        {"kind": "event_property_contains", "key": "content.list", "value": 1},
        {"kind": "event_property_contains", "key": "content.list", "value": None},
        {"kind": "room_member_count", "is": "2"},
        {"kind": "room_member_count", "is": "==2"},
        {"kind": "room_member_count", "is": "<=2"},
        {"kind": "room_member_count", "is": ">=2"},
        {"kind": "room_member_count", "is": "<3"},
        {"kind": "room_member_count", "is": ">1"},
        {"kind": "sender_notification_permission", "key": "room"},
    ],
)
def test_a_condition_that_holds_matches(condition: object) -> None:
    content = {
        "body": "hello",
        "n": 1,
        "nothing": None,
        "most": 2**53 - 1,
        "least": -(2**53) + 1,
        "list": ["a", 1, None, {}],
        "m.odd": {"a\\b": "yes"},
        "\\x": "kept",
    }
    assert matches(condition, "m.room.message", content)


def test_a_rule_that_is_off_or_malformed_never_matches() -> None:
    broken: list[dict[str, Any]] = [{"enabled": False}, {"conditions": None}, {"conditions": {}}]
    for rule in broken:
        assert not judge("m.room.message", text("x"), ruleset=only("override", **rule)).notify
    assert not judge("m.room.message", text("x"), ruleset=only("content")).notify
    assert not judge("m.room.message", text("x"), ruleset=only("content", pattern=1)).notify
    assert not judge("m.room.message", text("x"), ruleset={"global": {"override": [1]}}).notify
    assert not judge("m.room.message", text("x"), ruleset={}).notify


def test_a_rule_that_does_not_say_whether_it_is_on_is_on() -> None:
    ruleset = {"global": {"underride": [{"rule_id": "x", "actions": ["notify"]}]}}
    assert judge("m.room.message", text("x"), ruleset=ruleset).notify


def test_all_conditions_of_a_rule_must_hold() -> None:
    conditions = [
        {"kind": "event_match", "key": "content.body", "pattern": "beer"},
        {"kind": "room_member_count", "is": "<=10"},
    ]
    ruleset = only("override", conditions=conditions)
    assert judge("m.room.message", text("A beer?"), ruleset=ruleset, members=10).notify
    assert not judge("m.room.message", text("A beer?"), ruleset=ruleset, members=11).notify
    assert not judge("m.room.message", text("Beers?"), ruleset=ruleset, members=2).notify


def test_the_rule_about_cake_ending_in_lie() -> None:
    ruleset = only("content", pattern="cake*lie")
    assert judge("m.room.message", text("The CAKE is a lie!"), ruleset=ruleset).notify
    assert not judge("m.room.message", text("The cake is a lier"), ruleset=ruleset).notify
    assert not judge("m.room.message", {"body": 5}, ruleset=ruleset).notify
