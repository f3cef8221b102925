"""What the events of a case say about its referrals: each stands where its last event put it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from halfdoor.readers.review.cyber_tip_facts import Annotation, IncidentType
from halfdoor.readers.review.records import Case, ModerationEvent, StaffEntry
from halfdoor.readers.review.store import DeskChange

PROPOSED: Final = "referral_proposed"
REFUSED: Final = "referral_refused"
MADE: Final = "referral_made"
EXPORTED: Final = "referral_exported"
FILED: Final = "referral_filed"
FAILED: Final = "referral_failed"

_STATES: Final = {
    PROPOSED: "proposed",
    REFUSED: "refused",
    MADE: "made",
    FILED: "filed",
    FAILED: "failed",
}


class ReferralRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one person proposes to refer, for a second one to confirm.

    Without `victims` those of the case count; `recipients` are others to whom it went. `note` goes
    to the authority as it is, `high_priority` says why a child is at risk now.
    """

    incident: IncidentType
    annotations: frozenset[Annotation] = frozenset()
    high_priority: str = ""
    victims: tuple[str, ...] | None = None
    recipients: tuple[str, ...] = ()
    note: str = ""

    def __repr__(self) -> str:
        return f"ReferralRequest({self.incident.name})"


class Referral(msgspec.Struct, frozen=True, kw_only=True):
    """A referral as its events fold. `state` is proposed, refused, made, filed or failed.

    `digest` is SHA-256 (hex) of the report, `report` NCMEC's number of it once filed.
    """

    id: str
    case: str
    state: str
    request: ReferralRequest
    proposed_by: str
    proposed_at: int
    confirmed_by: str | None = None
    digest: str | None = None
    report: int | None = None


def referrals_in(events: Iterable[ModerationEvent]) -> list[Referral]:
    """Return the referrals of a case, oldest first, from its events in their order."""
    found: dict[str, Referral] = {}
    for event in events:
        state = _STATES.get(event.kind)
        if state is None:
            continue
        detail: dict[str, Any] = msgspec.json.decode(event.detail)
        name = detail["referral"]
        if event.kind == PROPOSED:
            found[name] = Referral(
                id=name,
                case=event.case,
                state=state,
                request=msgspec.convert(detail["request"], ReferralRequest),
                proposed_by=event.actor,
                proposed_at=event.at,
            )
            continue
        before = found[name]
        found[name] = msgspec.structs.replace(
            before,
            state=state,
            confirmed_by=event.actor if event.kind == MADE else before.confirmed_by,
            digest=detail.get("digest", before.digest),
            report=detail.get("report", before.report),
        )
    return list(found.values())


def noted(
    case: Case,
    actor: str,
    kind: str,
    detail: dict[str, object],
    now: int,
    reason: str = "",
) -> DeskChange:
    """Return event and log line of one thing that happened to the referral that *detail* names.

    The case goes along as it was read: of two people at once the store refuses one.
    """
    event = ModerationEvent(
        case=case.id, n=0, at=now, kind=kind, actor=actor, detail=msgspec.json.encode(detail)
    )
    line = StaffEntry(
        at=now,
        staff=actor,
        what=kind,
        case=case.id,
        about=str(detail["referral"]),
        reason=reason,
    )
    return DeskChange(cases=(case,), events=(event,), log=(line,))
