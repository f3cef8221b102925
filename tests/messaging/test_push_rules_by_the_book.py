"""Compiled push rules, against an evaluator that does what the specification says, literally."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from halfdoor.messaging.powers import Powers
from halfdoor.messaging.pushrules import EventView, compile_rules, evaluate
from halfdoor.messaging.pushrules_edit import StoredRules, full_ruleset

ME, ALICE = "@me:hd.example", "@alice:hd.example"
LEGACY = {".m.rule.contains_display_name", ".m.rule.roomnotif", ".m.rule.contains_user_name"}
MISSING = object()


def glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(glob(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and glob(pattern[1:], text[1:])


def in_words(pattern: str, text: str) -> bool:
    def between(at: int) -> bool:
        return at < 0 or at >= len(text) or re.match("[A-Za-z0-9_]", text[at]) is None

    return any(
        between(start - 1) and between(end) and glob(pattern, text[start:end])
        for start in range(len(text) + 1)
        for end in range(start, len(text) + 1)
    )


def find(event: dict[str, Any], key: str) -> Any:
    value: Any = event
    for name in re.split(r"(?<!\\)\.", key):
        if not isinstance(value, dict):
            return MISSING
        value = value.get(name.replace("\\.", "."), MISSING)
    return value


def same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right


def holds(condition: dict[str, Any], event: dict[str, Any], facts: dict[str, Any]) -> bool:
    kind = condition["kind"]
    value = find(event, condition.get("key", ""))
    if kind == "event_match":
        if not isinstance(value, str):
            return False
        match = in_words if condition["key"] == "content.body" else glob
        return match(condition["pattern"].lower(), value.lower())
    if kind == "event_property_is":
        return same(value, condition["value"])
    if kind == "event_property_contains":
        return isinstance(value, list) and any(same(one, condition["value"]) for one in value)
    if kind == "contains_display_name":
        body, name = find(event, "content.body"), facts["display_name"]
        if not isinstance(body, str) or not name:
            return False
        hide = str.maketrans("*?", "\0\1")
        return in_words(name.lower().translate(hide), body.lower().translate(hide))
    if kind == "room_member_count":
        count, asked = int(facts["member_count"]), int(condition["is"].strip("<>="))
        compared: dict[str, bool] = {
            "": count == asked,
            "==": count == asked,
            "<": count < asked,
            ">": count > asked,
            "<=": count <= asked,
            ">=": count >= asked,
        }
        return compared[condition["is"].rstrip("0123")]
    if kind == "sender_notification_permission":
        powers = facts["power_levels"]
        own = powers.get("users", {}).get(event["sender"], powers.get("users_default", 0))
        return bool(own >= powers.get("notifications", {}).get(condition["key"], 50))
    return False


def rule_matches(
    kind: str, rule: dict[str, Any], event: dict[str, Any], facts: dict[str, Any]
) -> bool:
    if not rule["enabled"]:
        return False
    if rule["rule_id"] in LEGACY and "m.mentions" in event["content"]:
        return False
    if kind == "room":
        return bool(rule["rule_id"] == event["room_id"])
    if kind == "sender":
        return bool(rule["rule_id"] == event["sender"])
    if kind == "content":
        asked = {"kind": "event_match", "key": "content.body", "pattern": rule["pattern"]}
        return holds(asked, event, facts)
    return all(holds(condition, event, facts) for condition in rule["conditions"])


def literal(
    ruleset: dict[str, Any], event: dict[str, Any], facts: dict[str, Any]
) -> tuple[bool, dict[str, Any]]:
    """Whether the event notifies, and with which tweaks."""
    if event["sender"] == ME:
        return False, {}
    for kind in ("override", "content", "room", "sender", "underride"):
        for rule in ruleset["global"][kind]:
            if rule_matches(kind, rule, event, facts):
                if "notify" not in rule["actions"]:
                    return False, {}
                tweaks = [action for action in rule["actions"] if isinstance(action, dict)]
                named = {tweak["set_tweak"]: tweak.get("value") for tweak in tweaks}
                if {"set_tweak": "highlight"} in tweaks:
                    named["highlight"] = True
                return True, named
    return False, {}


rooms = st.sampled_from(["!a:hd.example", "!B:hd.example"])
senders = st.sampled_from([ME, ALICE, "@Bob:hd.example"])
types = st.sampled_from(["m.room.message", "m.room.encrypted", "m.room.member", "M.ROOM.MESSAGE"])
words = st.text(alphabet="ab*?_ .", max_size=6)
simple = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "b", "m.replace"])
keys = st.sampled_from(
    [
        "type",
        "sender",
        "room_id",
        "state_key",
        "content.body",
        "content.msgtype",
        "content.list",
        r"content.m\.relates_to.rel_type",
        "content.deep.er",
        "content.list.a",
    ]
)
patterns = words | types | rooms | senders
conditions = st.one_of(
    st.fixed_dictionaries({"kind": st.just("event_match"), "key": keys, "pattern": patterns}),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["event_property_is", "event_property_contains"]),
            "key": keys,
            "value": simple,
        }
    ),
    st.fixed_dictionaries({"kind": st.sampled_from(["contains_display_name", "org.example.odd"])}),
    st.fixed_dictionaries(
        {
            "kind": st.just("room_member_count"),
            "is": st.from_regex(r"\A(==|<|>|<=|>=|)[0-3]\Z"),
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("sender_notification_permission"),
            "key": st.sampled_from(["room", "other"]),
        }
    ),
    rooms.map(lambda room: {"kind": "event_match", "key": "room_id", "pattern": room}),
)
tweaks = st.sampled_from(
    [
        {"set_tweak": "highlight"},
        {"set_tweak": "highlight", "value": False},
        {"set_tweak": "sound", "value": "default"},
        {"set_tweak": "sound", "value": "ring"},
    ]
)
actions = st.one_of(
    st.sampled_from([[], ["dont_notify"], ["coalesce"]]),
    tweaks.map(lambda tweak: ["notify", tweak]),
    st.just(["notify"]),
)


def rules(ids: st.SearchStrategy[str], **more: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {
            "rule_id": ids,
            "enabled": st.sampled_from([True, True, False]),
            "actions": actions,
            **more,
        }
    )
    return st.lists(one, max_size=4)


own_rules = st.fixed_dictionaries(
    {
        "override": rules(words, conditions=st.lists(conditions, max_size=2)),
        "content": rules(words, pattern=words),
        "room": rules(rooms),
        "sender": rules(senders),
        "underride": rules(words, conditions=st.lists(conditions, max_size=2)),
    }
)
contents = st.fixed_dictionaries(
    {},
    optional={
        "body": words | simple | st.sampled_from(["me", "@room", "hi me a?"]),
        "msgtype": st.sampled_from(["m.text", "m.notice", 1]),
        "list": st.lists(simple, max_size=3) | st.fixed_dictionaries({"a": simple}),
        "deep": st.fixed_dictionaries({"er": simple}),
        "membership": st.just("invite"),
        "m.relates_to": st.fixed_dictionaries({"rel_type": simple}),
        "m.mentions": st.fixed_dictionaries(
            {}, optional={"user_ids": st.lists(senders), "room": st.booleans()}
        ),
    },
)
levels = st.sampled_from([0, 50])
power_levels = st.fixed_dictionaries(
    {},
    optional={
        "users": st.dictionaries(senders, levels),
        "users_default": levels,
        "notifications": st.dictionaries(st.sampled_from(["room", "other"]), levels),
    },
)


events = st.fixed_dictionaries(
    {"type": types, "sender": senders, "room_id": rooms, "content": contents},
    optional={"state_key": st.just("") | senders},
)
circumstances = st.fixed_dictionaries(
    {
        "member_count": st.integers(0, 4),
        "display_name": st.none() | words,
        "power_levels": power_levels,
    }
)


@given(own_rules, st.booleans(), events, circumstances)
def test_the_verdict_is_the_one_of_the_book(
    own: dict[str, list[dict[str, Any]]],
    with_defaults: bool,
    event: dict[str, Any],
    facts: dict[str, Any],
) -> None:
    ruleset = full_ruleset(StoredRules(own=own), ME) if with_defaults else {"global": own}
    verdict = evaluate(
        compile_rules(ruleset),
        EventView(
            event["type"],
            event["sender"],
            event["room_id"],
            event["content"],
            event.get("state_key"),
        ),
        member_count=facts["member_count"],
        display_name=facts["display_name"],
        powers=Powers.parse(facts["power_levels"], ALICE),
        user_id=ME,
    )
    notify, named = literal(ruleset, event, facts)
    assert (verdict.notify, verdict.tweaks) == (notify, named)
    assert verdict.highlight == (named.get("highlight") is True)
    assert verdict.sound == named.get("sound")
