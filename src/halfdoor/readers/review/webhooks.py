"""Which happenings at the desk a platform is told of, and how little it is told.

An id, a kind and a number: no content, no name of a person or of staff, no reason. Who wants to
know more asks with a session of their own, and that is logged.
"""

from typing import Any, Final

import msgspec

from halfdoor.readers.review.records import ModerationEvent

# What belongs to the reviewers alone is not in here: claims, reveals, unmasking, notes.
TYPES: Final = {
    "reported": "case.reported",
    "escalated": "case.escalated",
    "merged": "case.merged",
    "proposed": "case.proposed",
    "decided": "case.decided",
    "undone": "case.undone",
    "reversed": "case.reversed",
    "appealed": "case.appealed",
    "closed": "case.closed",
    "destroyed": "case.destroyed",
    "alarm": "case.alarm",
    "referral_proposed": "referral.proposed",
    "referral_refused": "referral.refused",
    "referral_made": "referral.made",
    "referral_filed": "referral.filed",
    "referral_failed": "referral.failed",
}
# Of an event's detail only these words go along, and only where they are one of these values.
_TOLD: Final = {"late": frozenset({"claim", "decide"})}


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a platform is told of it. `number` goes up; `at` is ms since 1970."""

    number: int
    type: str
    case: str
    at: int
    late: str | None = None

    @property
    def id(self) -> str:
        """The name of the message: the same each time it is sent, so that it counts once."""
        return f"evt_{self.number}"


def webhook_of(event: ModerationEvent) -> Webhook | None:
    """Return what a platform is told of *event*, None where it is told nothing."""
    kind = TYPES.get(event.kind)
    if kind is None:
        return None
    detail = msgspec.json.decode(event.detail)
    said: dict[str, Any] = detail if isinstance(detail, dict) else {}
    words: dict[str, str] = {}
    for name, known in _TOLD.items():
        word = said.get(name)
        if isinstance(word, str) and word in known:
            words[name] = word
    return Webhook(number=event.number, type=kind, case=event.case, at=event.at, **words)
