"""What a person changes in their push rules, and the whole ruleset that comes of it.

CS-API, "Push Rules: API". Only the person's own rules are kept, and what they changed in the
predefined ones (enabled, actions): so a new default of the server reaches old accounts too.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from halfdoor.messaging.errors import (
    BadPushRuleError,
    UnknownNeighbourError,
    UnknownPushRuleError,
)
from halfdoor.messaging.pushrules import KINDS
from halfdoor.messaging.pushrules_conditions import literal_of
from halfdoor.messaging.pushrules_default import MASTER, Rule, default_rules

MAX_RULES: Final = 1000
# Each of these is looked for in every message the person receives; demands on the type, the room
# or the sender alone are cheap and not counted.
MAX_PATTERNS: Final = 100
# In wildcard patterns, all together: a pattern costs its length times that of the text.
MAX_WILD: Final = 256
MAX_RULE_BYTES: Final = 4096
MAX_ID_BYTES: Final = 255

_PLAIN_ACTIONS: Final = frozenset({"notify", "dont_notify", "coalesce"})


class StoredRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a person's push rules; as JSON it is a plain object.

    `own` has their rules by kind, most important first. `changed` has, by the id of a predefined
    rule, the `enabled` and `actions` that replace its own.
    """

    own: dict[str, list[Rule]] = {}
    changed: dict[str, dict[str, Any]] = {}


def full_ruleset(stored: StoredRules, user_id: str) -> dict[str, Any]:
    """Give the JSON of GET /pushrules/: `{"global": {kind: [rule, …]}}`."""
    rules: dict[str, list[Rule]] = {}
    for kind, defaults in default_rules(user_id).items():
        for rule in defaults:
            rule.update(stored.changed.get(rule["rule_id"], {}))
        first = [rule for rule in defaults if rule["rule_id"] == MASTER]
        own = [dict(rule) for rule in stored.own.get(kind, ())]
        rules[kind] = [*first, *own, *defaults[len(first) :]]
    return {"global": rules}


def rule_of(stored: StoredRules, user_id: str, kind: str, rule_id: str) -> Rule:
    """Give one rule, predefined or own. Raises `BadPushRuleError`, `UnknownPushRuleError`."""
    _check_kind(kind)
    rules: list[Rule] = full_ruleset(stored, user_id)["global"][kind]
    for rule in rules:
        if rule["rule_id"] == rule_id:
            return rule
    raise UnknownPushRuleError("there is no such push rule")


def put_rule(
    stored: StoredRules,
    kind: str,
    rule_id: str,
    body: Mapping[str, Any],
    *,
    before: str | None = None,
    after: str | None = None,
) -> StoredRules:
    """Add a rule of the person's own, or change it; a changed rule stays enabled or not.

    It goes directly before *before* in importance, else directly after *after*, else where it
    was, else before all the person's rules of this kind. Raises `BadPushRuleError`,
    `UnknownNeighbourError`.
    """
    _check_kind(kind)
    _check_own_id(rule_id)
    rule = _read_rule(kind, rule_id, body)
    rules = list(stored.own.get(kind, ()))
    place = _index(rules, rule_id)
    if place is not None:
        rule["enabled"] = rules.pop(place)["enabled"]
    elif len(rules) >= MAX_RULES:
        raise BadPushRuleError("there are too many push rules of this kind")
    if before is not None:
        place = _neighbour(rules, before)
    elif after is not None:
        place = _neighbour(rules, after) + 1
    rules.insert(place or 0, rule)
    changed = _with_own(stored, kind, rules)
    if sum(_patterns(rule) for own in changed.own.values() for rule in own) > MAX_PATTERNS:
        raise BadPushRuleError("the push rules look for too many patterns")
    if sum(_wild(rule) for own in changed.own.values() for rule in own) > MAX_WILD:
        raise BadPushRuleError("the push rules hold too long patterns with wildcards")
    return changed


def delete_rule(stored: StoredRules, kind: str, rule_id: str) -> StoredRules:
    """Remove a rule of the person's own. Raises `BadPushRuleError`, `UnknownPushRuleError`."""
    _check_kind(kind)
    _check_own_id(rule_id)
    rules = list(stored.own.get(kind, ()))
    place = _index(rules, rule_id)
    if place is None:
        raise UnknownPushRuleError("there is no such push rule")
    del rules[place]
    return _with_own(stored, kind, rules)


def set_enabled(
    stored: StoredRules, user_id: str, kind: str, rule_id: str, body: Mapping[str, Any]
) -> StoredRules:
    """Switch a rule on or off, as *body* says: `{"enabled": true}`.

    Raises `BadPushRuleError`, `UnknownPushRuleError`.
    """
    enabled = body.get("enabled")
    if not isinstance(enabled, bool):
        raise BadPushRuleError("enabled must be true or false")
    return _change(stored, user_id, kind, rule_id, {"enabled": enabled})


def set_actions(
    stored: StoredRules, user_id: str, kind: str, rule_id: str, body: Mapping[str, Any]
) -> StoredRules:
    """Give a rule other actions, as *body* says: `{"actions": ["notify"]}`.

    Raises `BadPushRuleError`, `UnknownPushRuleError`.
    """
    actions = _read_actions(body)
    _check_weight({"actions": actions})
    return _change(stored, user_id, kind, rule_id, {"actions": actions})


def _change(
    stored: StoredRules, user_id: str, kind: str, rule_id: str, change: Mapping[str, Any]
) -> StoredRules:
    # Asked first: a rule that is not there cannot be changed, whoever made it.
    if rule_of(stored, user_id, kind, rule_id)["default"]:
        changed = {**stored.changed.get(rule_id, {}), **change}
        return StoredRules(stored.own, {**stored.changed, rule_id: changed})
    rules = [
        {**rule, **change} if rule["rule_id"] == rule_id else rule for rule in stored.own[kind]
    ]
    return _with_own(stored, kind, rules)


def _with_own(stored: StoredRules, kind: str, rules: list[Rule]) -> StoredRules:
    return StoredRules({**stored.own, kind: rules}, stored.changed)


def _read_rule(kind: str, rule_id: str, body: Mapping[str, Any]) -> Rule:
    rule: Rule = {"rule_id": rule_id, "default": False, "enabled": True}
    if kind in {"override", "underride"}:
        rule["conditions"] = _read_conditions(body)
    elif kind == "content":
        if not isinstance(pattern := body.get("pattern"), str) or not pattern:
            raise BadPushRuleError("a content rule needs a pattern")
        rule["pattern"] = pattern
    rule["actions"] = _read_actions(body)
    _check_weight(rule)
    return rule


def _read_conditions(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    conditions = body.get("conditions", [])
    # A kind that nobody knows is kept: its rule never matches, and another version may know it.
    if not isinstance(conditions, list) or not all(
        isinstance(condition, dict) and isinstance(condition.get("kind"), str)
        for condition in conditions
    ):
        raise BadPushRuleError("conditions must be a list of objects that have a kind")
    return conditions


def _read_actions(body: Mapping[str, Any]) -> list[str | dict[str, Any]]:
    actions = body.get("actions")
    if not isinstance(actions, list) or not all(map(_is_action, actions)):
        raise BadPushRuleError("actions must be a list of known actions")
    # The historical actions mean nothing, and are stripped as the specification suggests.
    return [action for action in actions if action == "notify" or isinstance(action, dict)]


def _is_action(action: object) -> bool:
    if isinstance(action, dict):
        return isinstance(action.get("set_tweak"), str)
    return isinstance(action, str) and action in _PLAIN_ACTIONS


def _patterns(rule: Rule) -> int:
    """Count what a rule looks for beyond one type, one room or one sender."""
    conditions = rule.get("conditions", ())
    cheap = [
        condition
        for condition in conditions
        if any(literal_of(condition, key) is not None for key in ("type", "room_id", "sender"))
    ]
    return len(conditions) - len(cheap) + ("pattern" in rule)


def _wild(rule: Rule) -> int:
    """Count the characters of a rule's patterns that have wildcards."""
    patterns = [condition.get("pattern") for condition in rule.get("conditions", ())]
    patterns.append(rule.get("pattern"))
    return sum(len(p) for p in patterns if isinstance(p, str) and ("*" in p or "?" in p))


def _check_weight(rule: Mapping[str, Any]) -> None:
    if len(msgspec.json.encode(rule)) > MAX_RULE_BYTES:
        raise BadPushRuleError("the push rule is too large")


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise BadPushRuleError("there is no such kind of push rule")


def _check_own_id(rule_id: str) -> None:
    if rule_id.startswith("."):
        raise BadPushRuleError("ids that start with a dot belong to the server")
    if not rule_id or "/" in rule_id or "\\" in rule_id:
        raise BadPushRuleError("a rule id must not be empty or hold a slash or a backslash")
    if len(rule_id.encode("utf-8", "replace")) > MAX_ID_BYTES:
        raise BadPushRuleError("the rule id is too long")


def _neighbour(rules: Iterable[Rule], rule_id: str) -> int:
    place = _index(rules, rule_id)
    if place is None:
        raise UnknownNeighbourError("before or after names no rule that you made")
    return place


def _index(rules: Iterable[Rule], rule_id: str) -> int | None:
    return next((at for at, rule in enumerate(rules) if rule["rule_id"] == rule_id), None)
