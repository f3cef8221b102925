"""Who may do what: `m.room.power_levels` as room version 11 reads it.

Room version 11, authorization rules 5 to 10, and the schema of `m.room.power_levels` for the
defaults. Levels are integers and nothing else (since room version 10).
"""

import re
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from halfdoor.messaging.content import MAX_INTEGER
from halfdoor.messaging.errors import BadJsonError, ForbiddenError

_DEFAULTS: Final[Mapping[str, int]] = {
    "users_default": 0,
    "events_default": 0,
    "state_default": 50,
    "ban": 50,
    "redact": 50,
    "kick": 50,
    "invite": 0,
}
_NOTIFICATION_DEFAULT: Final = 50
_CREATOR: Final = 100
_NONE: Final[Mapping[str, Any]] = {}

_USER_ID = re.compile(r"@[^:\0]*:[^\0]+", re.DOTALL)


def is_user_id(name: str) -> bool:
    """Tell whether *name* has the form `@local:server` and at most 255 bytes."""
    return _USER_ID.fullmatch(name) is not None and len(name.encode("utf-8", "replace")) <= 255


class Powers(msgspec.Struct, frozen=True):
    """The power levels in force. `content` is the state event's content, None where there is none.

    Without the event the creator has 100 and everybody else 0.
    """

    content: Mapping[str, Any] | None
    creator: str

    @classmethod
    def parse(cls, content: Mapping[str, Any] | None, creator: str) -> Self:
        """Read *content*, refusing what rules 9.1 to 9.3 refuse. Raises `BadJsonError`."""
        if content is not None:
            check_power_levels(content)
        return cls(content, creator)

    def of(self, user_id: str) -> int:
        """Give the level of *user_id*, member or not."""
        if self.content is None:
            return _CREATOR if user_id == self.creator else 0
        level: int | None = self.content.get("users", _NONE).get(user_id)
        return self._named("users_default") if level is None else level

    def for_event(self, event_type: str, *, is_state: bool) -> int:
        """Give the level that sending an event of *event_type* takes."""
        level: int | None = (self.content or _NONE).get("events", _NONE).get(event_type)
        if level is not None:
            return level
        return self._named("state_default" if is_state else "events_default")

    def for_notification(self, key: str) -> int:
        """Give the level that notifying *key* takes; `room` is for @room. 50 where unsaid."""
        level: int | None = (self.content or _NONE).get("notifications", _NONE).get(key)
        return _NOTIFICATION_DEFAULT if level is None else level

    @property
    def invite(self) -> int:
        """The level that inviting takes."""
        return self._named("invite")

    @property
    def kick(self) -> int:
        """The level that putting a member out takes."""
        return self._named("kick")

    @property
    def ban(self) -> int:
        """The level that banning takes, and lifting a ban."""
        return self._named("ban")

    @property
    def redact(self) -> int:
        """The level that redacting what somebody else sent takes."""
        return self._named("redact")

    def _named(self, name: str) -> int:
        level: int | None = (self.content or _NONE).get(name)
        return _DEFAULTS[name] if level is None else level


def check_power_levels(content: Mapping[str, Any]) -> None:
    """Refuse a content of `m.room.power_levels` that is malformed (rules 9.1 to 9.3).

    Raises `BadJsonError`.
    """
    for name in _DEFAULTS:
        if name in content and not _is_level(content[name]):
            raise BadJsonError(f"{name} must be an integer")
    for name in ("events", "notifications", "users"):
        entries = content.get(name, _NONE)
        if not isinstance(entries, dict) and entries is not _NONE:
            raise BadJsonError(f"{name} must be an object of integers")
        if not all(_is_level(level) for level in entries.values()):
            raise BadJsonError(f"{name} must be an object of integers")
    if not all(is_user_id(user_id) for user_id in content.get("users", _NONE)):
        raise BadJsonError("users must have user ids for keys")


def check_send(powers: Powers, sender: str, event_type: str, state_key: str | None) -> None:
    """Refuse an event that *sender* has not the power to send (rules 7 and 8).

    Membership is checked elsewhere, and `m.room.member` follows `membership` instead. Raises
    `ForbiddenError`.
    """
    if powers.of(sender) < powers.for_event(event_type, is_state=state_key is not None):
        raise ForbiddenError(f"sending {event_type} needs a higher power level")
    if state_key is not None and state_key.startswith("@") and state_key != sender:
        raise ForbiddenError("this state belongs to another person")


def check_redact(powers: Powers, sender: str, author: str) -> None:
    """Refuse that *sender* redacts an event of *author*: one's own, or by power (CS-API, redact).

    The level to send `m.room.redaction` at all is the business of `check_send`. Raises
    `ForbiddenError`.
    """
    if sender != author and powers.of(sender) < powers.redact:
        raise ForbiddenError("redacting what another person sent needs a higher power level")


def check_power_change(old: Powers, new: Powers, sender: str) -> None:
    """Refuse a change of power levels above the sender's own reach (rules 9.4 to 9.9).

    Nobody gives a level above their own, takes one away that is above their own, or touches the
    entry of a person who stands as high as they do. Raises `ForbiddenError`.
    """
    if old.content is None:
        return
    own = old.of(sender)
    before, after = old.content, new.content or _NONE
    _check_entries(before, after, _DEFAULTS, own)
    for name in ("events", "notifications"):
        old_levels, new_levels = before.get(name, _NONE), after.get(name, _NONE)
        _check_entries(old_levels, new_levels, old_levels | new_levels, own)
    old_users, new_users = before.get("users", _NONE), after.get("users", _NONE)
    for user_id in {**old_users, **new_users}:
        was, becomes = old_users.get(user_id), new_users.get(user_id)
        if was == becomes:
            continue
        if was is not None and user_id != sender and was >= own:
            raise ForbiddenError("that person's power level is not below your own")
        if becomes is not None and becomes > own:
            raise ForbiddenError("a power level above your own cannot be given")


def _check_entries(
    before: Mapping[str, int], after: Mapping[str, int], names: Mapping[str, int], own: int
) -> None:
    for name in names:
        was, becomes = before.get(name), after.get(name)
        if was == becomes:
            continue
        if was is not None and was > own:
            raise ForbiddenError("a power level above your own cannot be changed")
        if becomes is not None and becomes > own:
            raise ForbiddenError("a power level above your own cannot be required")


def _is_level(value: object) -> bool:
    # bool is an int to Python, and not to JSON.
    return type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER
