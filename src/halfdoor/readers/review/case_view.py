"""What a reviewer sees of a case before anything is opened: no content, no names. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from halfdoor.readers.review.leases import is_held
from halfdoor.readers.review.person_labels import labels
from halfdoor.readers.review.priorities import Stage
from halfdoor.readers.review.records import (
    Case,
    CaseKind,
    CaseState,
    Evidence,
    ModerationEvent,
    Report,
    Source,
)


class CaseSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a queue. `left_ms` is the time until it is due, below 0 where it is late."""

    id: str
    kind: CaseKind
    reason: str
    queue: str
    rank: int
    state: CaseState
    opened: int
    due: int
    left_ms: int
    stage: Stage
    minor: bool
    child_safety: bool
    language: str | None
    region: str | None
    reports: int
    weight: float
    held: bool
    mine: bool
    lease_until: int
    revision: int
    posture: str | None = None


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One report of a case; what the reporter wrote opens as a message does, and not here."""

    id: str
    by: str
    about: str
    at: int
    reason: str
    source: Source
    chosen: int
    context: int
    has_note: bool
    weight: float
    unverified: bool
    blocked: bool


class EvidenceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One reported message that could be revealed: whose, when, and whether it was before."""

    id: str
    report: str
    by: str
    handed_over_by: str
    ts: int
    context: bool
    redacted: bool
    revealed: bool
    refused: bool


class EarlierCase(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier or other case about the same person."""

    id: str
    reason: str
    rank: int
    state: CaseState
    opened: int
    decided_at: int | None


class HistoryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened in the case; `by` is a staff id, "" the server, or a label."""

    n: int
    at: int
    kind: str
    by: str


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case without any content: the page opens with it.

    `unmasked` are the user ids by label that the asker unmasked in this case, with a reason.
    """

    summary: CaseSummary
    people: tuple[str, ...]
    reports: tuple[ReportLine, ...]
    evidence: tuple[EvidenceLine, ...]
    earlier: tuple[EarlierCase, ...]
    history: tuple[HistoryLine, ...]
    reporters: int
    unverified: bool
    merged: tuple[str, ...]
    unmasked: dict[str, str]


def summary_of(case: Case, staff: str, now: int) -> CaseSummary:
    """Return what a queue shows of *case* to *staff* at the time *now* (ms)."""
    return CaseSummary(
        id=case.id,
        kind=case.kind,
        reason=case.reason,
        queue=case.queue,
        rank=case.rank,
        state=case.state,
        opened=case.opened,
        due=case.due,
        left_ms=case.due - now,
        stage="claim" if case.holder is None else "decide",
        minor=case.minor,
        child_safety=case.child_safety,
        language=case.language,
        region=case.region,
        reports=case.reports,
        weight=case.weight,
        held=is_held(case, now),
        mine=is_held(case, now) and case.holder == staff,
        lease_until=case.lease_until,
        revision=case.revision,
        posture=case.posture,
    )


def view_of(
    case: Case,
    merged: Sequence[Case],
    reports: Sequence[Report],
    evidence: Sequence[Evidence],
    events: Sequence[ModerationEvent],
    earlier: Iterable[Case],
    staff: str,
    now: int,
) -> CaseView:
    """Return what *staff* sees of *case* and the cases *merged* into it.

    *reports*, *evidence* and *events* are those of all of them; *earlier* the other cases about the
    same person that *staff* may know of.
    """
    names = labels(case, reports, evidence)
    shown = {_word(one, "evidence") for one in events if one.kind == "revealed"}
    failed = {_word(one, "evidence") for one in events if one.kind == "denied"}
    return CaseView(
        summary=summary_of(case, staff, now),
        people=tuple(names.values()),
        reports=tuple(
            ReportLine(
                id=one.id,
                by=names[one.reporter],
                about=names.get(one.subject, names[case.subject]),
                at=one.at,
                reason=one.reason,
                source=one.source,
                chosen=len(one.events),
                context=len(one.context),
                has_note=bool(one.note),
                weight=one.weight,
                unverified=one.unverified,
                blocked=one.blocked,
            )
            for one in reports
        ),
        evidence=tuple(
            EvidenceLine(
                id=one.id,
                report=one.report,
                by=names[one.sender],
                handed_over_by=names[one.reporter],
                ts=one.ts,
                context=one.context,
                redacted=one.redacted,
                revealed=one.id in shown,
                refused=one.id in failed,
            )
            for one in evidence
        ),
        earlier=tuple(
            EarlierCase(
                id=one.id,
                reason=one.reason,
                rank=one.rank,
                state=one.state,
                opened=one.opened,
                decided_at=one.decided_at,
            )
            for one in earlier
        ),
        history=_history(events, names),
        reporters=len({one.reporter for one in reports}),
        unverified=any(one.unverified for one in reports),
        merged=tuple(one.id for one in merged),
        unmasked={
            names[user]: user
            for one in events
            if one.kind == "unmasked" and one.actor == staff
            for user in [_word(one, "user")]
            if user in names
        },
    )


def _history(
    events: Sequence[ModerationEvent], names: Mapping[str, str]
) -> tuple[HistoryLine, ...]:
    """Return what happened in order of time; people stand by their labels, staff by their ids."""
    ordered = sorted(events, key=lambda one: (one.at, one.case, one.n))
    return tuple(
        HistoryLine(
            n=one.n,
            at=one.at,
            kind=one.kind,
            # Somebody who is no part of the case by now is not named either.
            by=names.get(one.actor, "a person" if one.actor.startswith("@") else one.actor),
        )
        for one in ordered
    )


def _word(event: ModerationEvent, name: str) -> str:
    """Return one word of an event's detail, "" for none."""
    word = msgspec.json.decode(event.detail, type=dict[str, object]).get(name)
    return word if isinstance(word, str) else ""
