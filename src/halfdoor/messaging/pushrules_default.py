"""The push rules every account starts with.

CS-API v1.15 and later, "Push notifications", "Predefined Rules". The rules about polls are no
part of the specification yet and are left to clients.
"""

from collections.abc import Mapping
from typing import Any, Final

Rule = dict[str, Any]

MASTER: Final = ".m.rule.master"


def default_rules(user_id: str) -> dict[str, list[Rule]]:
    """Give the predefined rules of *user_id* by kind, each kind in the order of importance.

    The answer is new each time and belongs to the caller. `.m.rule.master` comes first and goes
    before any rule the user made, all others after them.
    """
    localpart = user_id.removeprefix("@").partition(":")[0]
    return {
        "override": [
            _rule(MASTER, [], enabled=False),
            _rule(".m.rule.suppress_notices", [_match("content.msgtype", "m.notice")]),
            _rule(
                ".m.rule.invite_for_me",
                [
                    _match("type", "m.room.member"),
                    _match("content.membership", "invite"),
                    _match("state_key", user_id),
                ],
                "notify",
                _sound("default"),
            ),
            _rule(".m.rule.member_event", [_match("type", "m.room.member")]),
            _rule(
                ".m.rule.is_user_mention",
                [
                    {
                        "kind": "event_property_contains",
                        "key": r"content.m\.mentions.user_ids",
                        "value": user_id,
                    }
                ],
                "notify",
                _sound("default"),
                _highlight(),
            ),
            _rule(
                ".m.rule.contains_display_name",
                [{"kind": "contains_display_name"}],
                "notify",
                _sound("default"),
                _highlight(),
            ),
            _rule(
                ".m.rule.is_room_mention",
                [_is(r"content.m\.mentions.room", value=True), _may_notify_room()],
                "notify",
                _highlight(),
            ),
            _rule(
                ".m.rule.roomnotif",
                [_match("content.body", "@room"), _may_notify_room()],
                "notify",
                _highlight(),
            ),
            _rule(
                ".m.rule.tombstone",
                [_match("type", "m.room.tombstone"), _match("state_key", "")],
                "notify",
                _highlight(),
            ),
            _rule(".m.rule.reaction", [_match("type", "m.reaction")]),
            _rule(
                ".m.rule.room.server_acl",
                [_match("type", "m.room.server_acl"), _match("state_key", "")],
            ),
            _rule(
                ".m.rule.suppress_edits",
                [_is(r"content.m\.relates_to.rel_type", value="m.replace")],
            ),
        ],
        "content": [
            {
                "rule_id": ".m.rule.contains_user_name",
                "default": True,
                "enabled": True,
                "pattern": localpart,
                "actions": ["notify", _sound("default"), _highlight()],
            }
        ],
        "room": [],
        "sender": [],
        "underride": [
            _rule(".m.rule.call", [_match("type", "m.call.invite")], "notify", _sound("ring")),
            _rule(
                ".m.rule.encrypted_room_one_to_one",
                [_two_members(), _match("type", "m.room.encrypted")],
                "notify",
                _sound("default"),
            ),
            _rule(
                ".m.rule.room_one_to_one",
                [_two_members(), _match("type", "m.room.message")],
                "notify",
                _sound("default"),
            ),
            _rule(".m.rule.message", [_match("type", "m.room.message")], "notify"),
            _rule(".m.rule.encrypted", [_match("type", "m.room.encrypted")], "notify"),
        ],
    }


def _rule(
    rule_id: str,
    conditions: list[Mapping[str, Any]],
    *actions: str | Mapping[str, Any],
    enabled: bool = True,
) -> Rule:
    return {
        "rule_id": rule_id,
        "default": True,
        "enabled": enabled,
        "conditions": conditions,
        "actions": list(actions),
    }


def _match(key: str, pattern: str) -> Mapping[str, Any]:
    return {"kind": "event_match", "key": key, "pattern": pattern}


def _is(key: str, *, value: str | bool) -> Mapping[str, Any]:
    return {"kind": "event_property_is", "key": key, "value": value}


def _may_notify_room() -> Mapping[str, Any]:
    return {"kind": "sender_notification_permission", "key": "room"}


def _two_members() -> Mapping[str, Any]:
    return {"kind": "room_member_count", "is": "2"}


def _sound(name: str) -> Mapping[str, Any]:
    return {"set_tweak": "sound", "value": name}


def _highlight() -> Mapping[str, Any]:
    return {"set_tweak": "highlight"}
