"""What becomes of a case when somebody claims, leaves, escalates or merges it. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from halfdoor.policy.review import Review
from halfdoor.readers.review.errors import ReviewError
from halfdoor.readers.review.freezing import freeze_task
from halfdoor.readers.review.leases import held, let_go
from halfdoor.readers.review.merging import closed_into, followed, joined
from halfdoor.readers.review.priorities import (
    SEVERE,
    Stage,
    alarmed_at,
    claim_due,
    decide_due,
    escalated_to,
    stage_of,
)
from halfdoor.readers.review.queue_roles import LEAD, VAULT
from halfdoor.readers.review.records import (
    Case,
    CaseState,
    ModerationEvent,
    StaffEntry,
    Task,
)
from halfdoor.readers.review.store import DeskChange

REASON_CHARS = 500


def happened(case: Case, now: int, kind: str, actor: str, **detail: Any) -> ModerationEvent:
    """Return the event that *kind* happened in *case*; *detail* is what belongs to the kind."""
    return ModerationEvent(
        case=case.id,
        n=0,
        at=now,
        kind=kind,
        actor=actor,
        detail=msgspec.json.encode(detail, order="sorted"),
    )


def checked_reason(reason: str) -> str:
    """Return *reason* without blanks around it; none, or a very long one, is `ReviewError`."""
    said = reason.strip()
    if not said:
        raise ReviewError("Say why.")
    if len(said) > REASON_CHARS or not said.isprintable():
        raise ReviewError(f"Say why in one line of at most {REASON_CHARS} characters.")
    return said


def claim(
    review: Review, case: Case, events: Sequence[ModerationEvent], staff: str, now: int
) -> DeskChange:
    """Return what changes as *staff* claims *case*, which nobody else holds.

    One that is claimed too late raises the alarm that no sweep raised yet.
    """
    late = case.due <= now and stage_of(case, events) == "claim" and not case.alarmed
    mine = replace(
        held(case, staff, now, review.desk.lease_minutes),
        due=decide_due(review, case, events, now),
        alarmed=alarmed_at(events, "decide"),
    )
    detail = {} if case.holder in (None, staff) else {"taken_over_from": case.holder}
    alarms = (alarm_of(case, "claim", now),) if late else ()
    return DeskChange(
        cases=(mine,),
        events=(*alarms, happened(case, now, "claimed", staff, **detail)),
        log=(StaffEntry(at=now, staff=staff, what="claim", case=case.id),),
    )


def release(
    review: Review,
    case: Case,
    events: Sequence[ModerationEvent],
    staff: str,
    now: int,
    *,
    lapsed: bool = False,
) -> DeskChange:
    """Return what changes as *staff* lets go of *case*, or as the lease *lapsed* by itself."""
    free = let_go(case, escalated=escalated_to(events) is not None)
    actor, detail = ("", {"lapsed": staff}) if lapsed else (staff, {})
    line = StaffEntry(at=now, staff=staff, what="release", case=case.id)
    return DeskChange(
        cases=(_due_again(review, free, events, now),),
        events=(happened(case, now, "released", actor, **detail),),
        log=() if lapsed else (line,),
    )


def escalate(
    review: Review,
    case: Case,
    events: Sequence[ModerationEvent],
    staff: str,
    now: int,
    *,
    to: str,
    reason: str,
    merged: Sequence[Case] = (),
    rooms: Iterable[str] = (),
) -> DeskChange:
    """Return what changes as *staff* hands *case* to a lead, or *to* the vault.

    In the vault it is of the worst rank, to be claimed as soon as any case there; what was *merged*
    into it goes along, and the reported conversations, *rooms*, are kept from deletion unread.
    """
    if case.state is CaseState.SECOND:
        raise ReviewError("This case waits for a second person: that comes first.")
    if to not in (LEAD, VAULT):
        raise ReviewError("A case can be escalated to a lead or to child safety.")
    free = replace(let_go(case, escalated=True), state=CaseState.ESCALATED)
    tasks: tuple[Task, ...] = ()
    if to == VAULT:
        vault = next((one.name for one in review.queues if one.role == VAULT), None)
        if vault is None:
            raise ReviewError("The policy has no queue for child safety.")
        free = replace(free, queue=vault, child_safety=True, rank=SEVERE)
        tasks = tuple(freeze_task(review, case, room, now) for room in dict.fromkeys(rooms))
    told = happened(case, now, "escalated", staff, to=to, reason=reason, queue=case.queue)
    gone_along = [(one, followed(one, free)) for one in merged]
    return DeskChange(
        cases=(
            _due_again(review, free, events, now),
            *(after for before, after in gone_along if after != before),
        ),
        events=(told,),
        log=(StaffEntry(at=now, staff=staff, what="escalate", case=case.id, reason=reason),),
        tasks=tasks,
    )


def merge(
    closing: Sequence[Case],
    events: Sequence[ModerationEvent],
    going_on: Case,
    staff: str,
    now: int,
    reason: str,
) -> DeskChange:
    """Return what changes as the first of *closing* is merged into *going_on*.

    *closing* is a whole family: what was merged into the first before follows it. *events* are
    those of *going_on*.
    """
    first = closing[0]
    ids = tuple(one.id for one in closing)
    kept = joined(first, going_on)
    detail = {"into": going_on.id, "reason": reason}
    return DeskChange(
        cases=(
            replace(kept, alarmed=alarmed_at(events, stage_of(kept, events))),
            *(closed_into(one, going_on) for one in closing),
        ),
        events=(
            happened(first, now, "closed", staff, **detail),
            happened(going_on, now, "merged", staff, cases=ids, reason=reason),
        ),
        log=(
            StaffEntry(
                at=now, staff=staff, what="merge", case=first.id, about=going_on.id, reason=reason
            ),
        ),
    )


def alarm(case: Case, events: Sequence[ModerationEvent], now: int) -> DeskChange | None:
    """Return what raises the alarm over *case*, None where none is due, or one went off before."""
    if case.alarmed or case.due > now:
        return None
    stage = stage_of(case, events)
    raised = () if alarmed_at(events, stage) else (alarm_of(case, stage, now),)
    return DeskChange(cases=(replace(case, alarmed=True),), events=raised)


def alarm_of(case: Case, stage: Stage, now: int) -> ModerationEvent:
    """Return the event of an alarm, that *case* is late for *stage*; webhooks tell it on."""
    return happened(case, now, "alarm", "", late=stage, due=case.due)


def _due_again(review: Review, free: Case, events: Sequence[ModerationEvent], now: int) -> Case:
    """Return a case that is free again with its deadline, and whether its alarm went off."""
    return replace(
        free,
        due=claim_due(review, free, events, now),
        alarmed=alarmed_at(events, stage_of(free, events)),
    )
