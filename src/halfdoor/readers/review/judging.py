"""What becomes of a case when somebody decides about it: each step a change, all or nothing.

Whoever calls has looked whether they may; here stands what is then written.
"""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review import replay
from halfdoor.readers.review.choices import Action, Choice, Decision, Proposal
from halfdoor.readers.review.errors import StaleCaseError
from halfdoor.readers.review.leases import held, let_go
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent, StaffEntry, Task
from halfdoor.readers.review.store import DeskChange
from halfdoor.readers.review.telling import decided_task, reversed_task
from halfdoor.safety.measures import DAY_MS, LIMITING, Kind, Measure

ENFORCE: Final = "enforce"
_SECOND_MS: Final = 1_000


class Enforce(msgspec.Struct, frozen=True):
    """The payload of a task: let what the events of *case* say hold, and nothing else."""

    case: str


def decision_of(
    review: Review,
    case: Case,
    choice: Choice,
    reason: Reason | None,
    *,
    id: str,
    by: str,
    second: str | None,
    now: int,
    pair: bool,
    delay: int,
) -> Decision:
    """Return *choice* as a decision made at *now*.

    *delay* (ms) is by how much later than the time to take it back its measures begin; where
    somebody is in danger both count nothing.
    """
    danger = reason is not None and reason.danger
    undo_until = now + review.desk.undo_seconds * _SECOND_MS
    acts_at = now if danger else undo_until
    starts = acts_at if danger else acts_at + delay
    return Decision(
        id=id,
        case=case.id,
        subject=case.subject,
        reason=choice.reason,
        rank=case.rank if reason is None else reason.rank,
        by=by,
        second=second,
        at=now,
        undo_until=undo_until,
        acts_at=acts_at,
        starts=starts,
        measures=tuple(
            _measure(action, f"{id}.{number}", id, starts)
            for number, action in enumerate(choice.actions, start=1)
        ),
        # A label changes nothing for them, so that they are told of none: it is no strike either.
        strike=choice.strike
        and (choice.refer or any(one.kind is not Kind.LABEL for one in choice.actions)),
        refer=choice.refer,
        danger=danger,
        pair=pair,
        child_safety=reason is not None and reason.child_safety,
        facts=choice.facts,
    )


def _measure(action: Action, id: str, decision: str, starts: int) -> Measure:
    return Measure(
        id=id,
        kind=action.kind,
        decision=decision,
        starts=starts,
        # What happens once has no end; what binds ends after its days, where it has any.
        ends=starts + action.days * DAY_MS
        if action.days is not None and action.kind in LIMITING
        else None,
        scope=action.scope,
        room=action.room,
    )


def proposed(case: Case, staff: StaffMember, choice: Choice, id: str, now: int) -> DeskChange:
    """Return the change that keeps *choice* until a second person has looked."""
    proposal = Proposal(id=id, by=staff.id, people=staff.people, choice=choice)
    waits = replace(let_go(case, escalated=False), state=CaseState.SECOND)
    return DeskChange(
        cases=(waits,),
        events=(_event(case, now, replay.PROPOSED, staff.id, proposal),),
        log=(_line(case, now, staff.id, "propose", id),),
    )


def decided(case: Case, decision: Decision) -> DeskChange:
    """Return the change by which *decision* is made, with the work that follows from it."""
    actor = decision.second or decision.by
    events = [_event(case, decision.at, replay.DECIDED, actor, decision)]
    if decision.second is not None:
        events.insert(0, _event(case, decision.at, replay.CONFIRMED, actor, {"id": decision.id}))
    done = replace(
        let_go(case, escalated=False),
        state=CaseState.DECIDED,
        decided_by=decision.by,
        decided_at=decision.at,
    )
    tasks = [decided_task(case.id, decision.id, decision.undo_until)]
    if decision.measures:
        tasks.append(enforce_task(case.id, decision.id, decision.acts_at))
    return DeskChange(
        cases=(done,),
        events=tuple(events),
        log=(_line(case, decision.at, actor, "decide", decision.id),),
        tasks=tuple(tasks),
    )


def refused(
    case: Case, staff: str, proposal: Proposal, reason: str, now: int, *, escalated: bool
) -> DeskChange:
    """Return the change by which a second person did not agree: somebody decides anew."""
    free = let_go(replace(case, state=CaseState.CLAIMED), escalated=escalated)
    detail = {"id": proposal.id, "reason": reason}
    return DeskChange(
        cases=(free,),
        events=(_event(case, now, replay.REFUSED, staff, detail),),
        log=(_line(case, now, staff, "refuse", proposal.id, reason),),
    )


def withdrawn(review: Review, case: Case, staff: str, proposal: Proposal, now: int) -> DeskChange:
    """Return the change by which somebody takes their own proposal back, and goes on."""
    mine = replace(case, state=CaseState.CLAIMED)
    return DeskChange(
        cases=(held(mine, staff, now, review.desk.lease_minutes),),
        events=(_event(case, now, replay.WITHDRAWN, staff, {"id": proposal.id}),),
        log=(_line(case, now, staff, "withdraw", proposal.id),),
    )


def undone(review: Review, case: Case, staff: str, decision: Decision, now: int) -> DeskChange:
    """Return the change by which *decision* was never made; *staff* goes on with the case."""
    mine = replace(case, decided_by=None, decided_at=None)
    return DeskChange(
        cases=(held(mine, staff, now, review.desk.lease_minutes),),
        events=(_event(case, now, replay.UNDONE, staff, {"decision": decision.id}),),
        log=(_line(case, now, staff, "undo", decision.id),),
        tasks=_taken_back(case, decision, now),
    )


def reversed_(case: Case, staff: str, decision: Decision, reason: str, now: int) -> DeskChange:
    """Return the change by which all that *decision* did ends."""
    detail = {"decision": decision.id, "reason": reason}
    return DeskChange(
        cases=(replace(case, state=CaseState.CLOSED),),
        events=(_event(case, now, replay.REVERSED, staff, detail),),
        log=(_line(case, now, staff, "reverse", decision.id, reason),),
        tasks=(
            *_taken_back(case, decision, now),
            reversed_task(case.id, decision.id, now),
        ),
    )


def enforce_task(case: str, name: str, at: int) -> Task:
    """Return the task that lets what *case* says hold, from *at* (ms) on."""
    return Task(
        id=f"{ENFORCE}-{name}",
        queue=ENFORCE,
        run_at=at,
        payload=msgspec.json.encode(Enforce(case)),
    )


def check_undoable(decision: Decision | None, staff: str, now: int) -> Decision:
    """Return the decision that *staff* may take back, else `StaleCaseError`."""
    if decision is None:
        raise StaleCaseError("There is no decision to take back.")
    if staff not in (decision.by, decision.second):
        raise StaleCaseError("Another person decided this: ask for a reversal.")
    if now >= decision.undo_until:
        raise StaleCaseError("The time to take it back is over: ask for a reversal.")
    return decision


def _taken_back(case: Case, decision: Decision, now: int) -> tuple[Task, ...]:
    return (enforce_task(case.id, f"{decision.id}-back", now),) if decision.measures else ()


def _event(case: Case, now: int, kind: str, actor: str, detail: Any) -> ModerationEvent:
    return ModerationEvent(
        case=case.id, n=0, at=now, kind=kind, actor=actor, detail=msgspec.json.encode(detail)
    )


def _line(case: Case, now: int, staff: str, what: str, about: str, reason: str = "") -> StaffEntry:
    return StaffEntry(at=now, staff=staff, what=what, case=case.id, about=about, reason=reason)
