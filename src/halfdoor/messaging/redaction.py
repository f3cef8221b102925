"""What room version 11 leaves of an event once it was redacted.

Room version 11, "Redactions". Of the event itself everything stays that our clients are shown
(type, ids, sender, time, state key); the content is cut to the keep-list below.
"""

from collections.abc import Mapping
from typing import Any, Final

from halfdoor.messaging.content import Content

_KEPT: Final[Mapping[str, frozenset[str]]] = {
    "m.room.member": frozenset({"membership", "join_authorised_via_users_server"}),
    "m.room.join_rules": frozenset({"join_rule", "allow"}),
    "m.room.power_levels": frozenset(
        {
            "ban",
            "events",
            "events_default",
            "invite",
            "kick",
            "redact",
            "state_default",
            "users",
            "users_default",
        }
    ),
    "m.room.history_visibility": frozenset({"history_visibility"}),
    "m.room.redaction": frozenset({"redacts"}),
    # Ours: what a conversation is for good, whoever redacts the event that says it.
    "m.room.encryption": frozenset({"algorithm"}),
    "org.halfdoor.posture": frozenset({"posture"}),
}


def redact_content(event_type: str, content: Mapping[str, Any]) -> Content:
    """Give the content of a redacted event: a new object with the kept keys alone.

    Who redacted it goes into `unsigned.redacted_because`, which the caller adds.
    """
    if event_type == "m.room.create":
        return dict(content)
    kept = _KEPT.get(event_type)
    if kept is None:
        return {}
    left = {key: value for key, value in content.items() if key in kept}
    if event_type == "m.room.member":
        invite = content.get("third_party_invite")
        if isinstance(invite, dict) and "signed" in invite:
            left["third_party_invite"] = {"signed": invite["signed"]}
    return left
