"""How long a conversation keeps what is said: what its members chose, within what is allowed.

The choice is Matrix's state event `m.room.retention` (MSC1763): `max_lifetime` in milliseconds.
Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from halfdoor.messaging.content import Content
from halfdoor.messaging.errors import BadJsonError, ForbiddenError
from halfdoor.policy.model import Retention

RETENTION: Final = "m.room.retention"
_DAY_MS: Final = 86_400_000
_FIELDS: Final = frozenset({"max_lifetime", "min_lifetime"})


class Lifetimes(msgspec.Struct, frozen=True):
    """Days that messages are kept; None is without end.

    *default* where the members chose nothing, never less than *shortest*, never more than *longest*
    whatever they chose.
    """

    default: int | None = None
    shortest: int = 1
    longest: int | None = None

    def days(self, content: Mapping[str, Any] | None) -> int | None:
        """Return for how many days a conversation with this choice keeps what is said.

        A choice from before a change of policy counts as far as it is allowed now.
        """
        chosen: object = (content or {}).get("max_lifetime")
        if not isinstance(chosen, int) or not _is_time(chosen):
            return self.default
        days = max(self.shortest, -(-chosen // _DAY_MS))
        return days if self.longest is None else min(days, self.longest)

    def check(self, content: Content) -> None:
        """Refuse a choice that is not allowed, or that this server would not keep.

        `BadJsonError` for what is no choice at all, `ForbiddenError` with the bounds for one beyond
        them.
        """
        if not content.keys() <= _FIELDS:
            # Nobody is shown what else could stand here, so no words may hide in it.
            raise BadJsonError("m.room.retention holds max_lifetime and min_lifetime alone")
        most, least = content.get("max_lifetime"), content.get("min_lifetime")
        if any(value is not None and not _is_time(value) for value in (most, least)):
            raise BadJsonError("a lifetime is a number of milliseconds")
        if most is not None:
            shortest, longest = self.shortest * _DAY_MS, self.longest
            if most < shortest or (longest is not None and most > longest * _DAY_MS):
                upper = "" if longest is None else f" and at most {longest} days"
                raise ForbiddenError(
                    f"messages are kept for at least {self.shortest} days{upper} here"
                )
        days = self.days(content)
        if least is not None and days is not None and least > days * _DAY_MS:
            raise ForbiddenError(f"messages are kept for {days} days then, and no longer")


def of_policy(rules: Retention) -> Lifetimes:
    """Return the bounds that a policy sets."""
    return Lifetimes(_days(rules.default_days), rules.shortest_days, _days(rules.longest_days))


def _days(value: int | str) -> int | None:
    return value if isinstance(value, int) else None


def _is_time(value: object) -> bool:
    return type(value) is int and value >= 0
