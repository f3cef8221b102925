"""The conditions of push rules, each made into a test once and asked for every message.

CS-API, "Push notifications", "Conditions". "Case-insensitively" is left to the server there: here
both sides are lowered with `str.lower`. A condition that is malformed, or of a kind nobody knows,
never matches; the functions below say so with None.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from halfdoor.messaging.content import MAX_INTEGER
from halfdoor.messaging.globs import holds_word, whole, words
from halfdoor.messaging.powers import Powers

# One person's rules are asked while another person's message waits to be answered: a text is looked
# at so far and no further.
_LOOKED_AT: Final = 4_096


class EventView:
    """What push rules may look at of one event; made once and shown to every recipient's rules."""

    __slots__ = ("body", "content", "kind", "room_id", "sender", "state_key", "type")

    def __init__(
        self,
        event_type: str,
        sender: str,
        room_id: str,
        content: Mapping[str, Any],
        state_key: str | None = None,
    ) -> None:
        self.type = event_type
        self.sender = sender
        self.room_id = room_id
        self.content = content
        self.state_key = state_key
        # What most rules ask: the lowered type, and whether the sender says who is mentioned.
        self.kind = (event_type.lower(), _MENTIONS in content)
        body = content.get("body")
        # Lowered here, because every keyword of every recipient asks for it.
        self.body: str | None = body[:_LOOKED_AT].lower() if type(body) is str else None


class Case:
    """One event as one recipient meets it."""

    __slots__ = ("display_name", "event", "member_count", "powers")

    def __init__(
        self, event: EventView, member_count: int, display_name: str | None, powers: Powers
    ) -> None:
        self.event = event
        self.member_count = member_count
        self.display_name = display_name
        self.powers = powers


Test = Callable[[Case], bool]
_Getter = Callable[[EventView], Any]

_ABSENT: Final = object()
_MENTIONS: Final = "m.mentions"
_COUNT = re.compile(r"(==|<=|>=|<|>)?([0-9]{1,15})")
_COMPARE: Final[Mapping[str | None, Callable[[int, int], bool]]] = {
    None: operator.eq,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def test_of(condition: object) -> Test | None:
    """Make the test of one condition, or None for one that can never match."""
    if not isinstance(condition, dict):
        return None
    kind = condition.get("kind")
    maker = _KINDS.get(kind) if isinstance(kind, str) else None
    return None if maker is None else maker(condition)


def path_of(key: str) -> list[str]:
    r"""Split a dot-separated property path; `\.` and `\\` stand for the characters themselves."""
    names = [""]
    escaped = False
    for char in key:
        if escaped:
            # Any other escape is left as it stands.
            names[-1] += char if char in ".\\" else "\\" + char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ".":
            names.append("")
        else:
            names[-1] += char
    if escaped:
        names[-1] += "\\"
    return names


def keyword_test(pattern: str) -> Test:
    """Make the test whether the body holds *pattern* between words, as content rules ask."""
    matches = words(pattern.lower())

    def test(case: Case) -> bool:
        body = case.event.body
        return body is not None and matches(body)

    return test


def literal_of(condition: object, key: str) -> str | None:
    """Give the lowered text that *condition* demands of *key* without wildcards, if it is such."""
    if not isinstance(condition, dict):
        return None
    if condition.get("kind") != "event_match" or condition.get("key") != key:
        return None
    pattern = condition.get("pattern")
    if not isinstance(pattern, str) or "*" in pattern or "?" in pattern:
        return None
    return pattern.lower()


def speaks_of_mentions(condition: Mapping[str, Any]) -> bool:
    """Tell whether *condition*, of which there is a test, needs a sender who speaks of mentions."""
    if condition.get("kind") not in {
        "event_match",
        "event_property_is",
        "event_property_contains",
    }:
        return False
    return path_of(condition["key"])[:2] == ["content", _MENTIONS]


def _event_match(condition: Mapping[str, Any]) -> Test | None:
    key, pattern = condition.get("key"), condition.get("pattern")
    if not isinstance(key, str) or not isinstance(pattern, str):
        return None
    if path_of(key) == ["content", "body"]:
        return keyword_test(pattern)
    get, matches = _getter(key), whole(pattern.lower())

    def test(case: Case) -> bool:
        value = get(case.event)
        return type(value) is str and matches(value[:_LOOKED_AT].lower())

    return test


def _event_property_is(condition: Mapping[str, Any]) -> Test | None:
    key, wanted = condition.get("key"), condition.get("value", _ABSENT)
    if not isinstance(key, str) or not _is_simple(wanted):
        return None
    get, kind = _getter(key), type(wanted)

    def test(case: Case) -> bool:
        value = get(case.event)
        # The type too: to Python `True == 1`, to JSON not.
        return type(value) is kind and value == wanted

    return test


def _event_property_contains(condition: Mapping[str, Any]) -> Test | None:
    key, wanted = condition.get("key"), condition.get("value", _ABSENT)
    if not isinstance(key, str) or not _is_simple(wanted):
        return None
    get, kind = _getter(key), type(wanted)

    def test(case: Case) -> bool:
        values = get(case.event)
        if type(values) is not list:
            return False
        return any(type(value) is kind and value == wanted for value in values)

    return test


def _contains_display_name(_: Mapping[str, Any]) -> Test:
    def test(case: Case) -> bool:
        name, body = case.display_name, case.event.body
        if not name or body is None:
            return False
        return holds_word(body, name.lower())

    return test


def _room_member_count(condition: Mapping[str, Any]) -> Test | None:
    asked = condition.get("is")
    if not isinstance(asked, str) or (parts := _COUNT.fullmatch(asked)) is None:
        return None
    compare, count = _COMPARE[parts[1]], int(parts[2])

    def test(case: Case) -> bool:
        return compare(case.member_count, count)

    return test


def _sender_notification_permission(condition: Mapping[str, Any]) -> Test | None:
    key = condition.get("key")
    if not isinstance(key, str):
        return None

    def test(case: Case) -> bool:
        powers = case.powers
        return powers.of(case.event.sender) >= powers.for_notification(key)

    return test


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Test | None]]] = {
    "event_match": _event_match,
    "event_property_is": _event_property_is,
    "event_property_contains": _event_property_contains,
    "contains_display_name": _contains_display_name,
    "room_member_count": _room_member_count,
    "sender_notification_permission": _sender_notification_permission,
}

_TOP: Final[Mapping[str, _Getter]] = {
    "type": operator.attrgetter("type"),
    "sender": operator.attrgetter("sender"),
    "room_id": operator.attrgetter("room_id"),
    "state_key": lambda event: _ABSENT if event.state_key is None else event.state_key,
}


def _getter(key: str) -> _Getter:
    """Make the function that fetches the property at *key*, or `_ABSENT`."""
    first, *rest = path_of(key)
    if first == "content" and rest:
        return _content_getter(rest)
    return _TOP.get(first, _no_value) if not rest else _no_value


def _no_value(_: EventView) -> Any:
    return _ABSENT


def _content_getter(path: list[str]) -> _Getter:
    first, *rest = path
    if not rest:
        return lambda event: event.content.get(first, _ABSENT)

    def get(event: EventView) -> Any:
        value = event.content.get(first, _ABSENT)
        for name in rest:
            if type(value) is not dict:
                return _ABSENT
            value = value.get(name, _ABSENT)
        return value

    return get


def _is_simple(value: object) -> bool:
    if type(value) is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return value is None or type(value) in {str, bool}
