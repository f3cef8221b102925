"""Reported messages, opened for a referral: only those that a person viewed, each touch logged."""

from typing import Any, Final, Protocol, final

import msgspec

from halfdoor.readers.review.cyber_tip_facts import Exhibit, Sealed
from halfdoor.readers.review.records import Case, Evidence
from halfdoor.sealing.envelope import EventFields

_WORDS: Final = ("body", "formatted_body")


class Opening(Protocol):
    """Whoever opens a reported message with the key of its case (SEALING §6)."""

    async def open_evidence(self, case: Case, evidence: Evidence) -> tuple[bytes, bool]:
        """Return the content (JSON) of *evidence*, and whether it is proven to be what was stored.

        `Denied` where it does not open. Callers have logged who looks, and why, before they call.
        """


@final
class Exhibits:
    """Opens what goes into a referral."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening

    async def exhibit(self, case: Case, evidence: Evidence) -> Exhibit:
        """Return *evidence*, opened; `Denied`."""
        content, verified = await self._opening.open_evidence(case, evidence)
        fields = msgspec.json.decode(evidence.fields, type=EventFields)
        return Exhibit(
            evidence=evidence.id,
            event_id=evidence.event_id,
            sender=evidence.sender,
            at=evidence.ts,
            type=fields.type,
            text=words_of(content),
            verified=verified,
        )


def sealed_away(evidence: Evidence) -> Sealed:
    """Return what may be said of *evidence* that nobody viewed."""
    return Sealed(
        evidence=evidence.id,
        event_id=evidence.event_id,
        sender=evidence.sender,
        at=evidence.ts,
    )


def words_of(content: bytes) -> str:
    """Return all that the *content* (JSON) of an event says in words.

    Plain and formatted text may differ, and either may hold what matters, so both are told; what
    has no words is told as it stands.
    """
    try:
        value: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")
    if isinstance(value, dict):
        words = [value[name] for name in _WORDS if isinstance(value.get(name), str)]
        if words:
            return "\n(formatted:)\n".join(words)
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()
