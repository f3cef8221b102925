"""A case told from its events alone: where it stands, what was decided, what of that holds. Pure.

The record of a case is a summary that is quicker to ask for; what happened is the truth. Folding
the events gives the record's standing, and a decision that was taken back leaves nothing.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec.structs import replace

from halfdoor.readers.review.choices import Decision, Proposal
from halfdoor.readers.review.records import Case, CaseState, ModerationEvent
from halfdoor.safety.measures import Measure, Strike

PROPOSED: Final = "proposed"
WITHDRAWN: Final = "withdrawn"
CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"
DECIDED: Final = "decided"
UNDONE: Final = "undone"
REVERSED: Final = "reversed"


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What the events of a case come to.

    `decisions` are all that were ever made; `back` says of those that were taken back when.
    """

    state: CaseState = CaseState.OPEN
    holder: str | None = None
    decided_by: str | None = None
    decided_at: int | None = None
    escalated: bool = False
    proposal: Proposal | None = None
    decisions: tuple[Decision, ...] = ()
    back: Mapping[str, int] = MappingProxyType({})

    @property
    def decision(self) -> Decision | None:
        """The decision that stands, None where there is none."""
        made = self.decisions[-1] if self.decisions else None
        return made if made is not None and made.id not in self.back else None

    def agrees_with(self, case: Case) -> bool:
        """Tell whether the record of a case says what its events say."""
        return (self.state, self.holder, self.decided_by, self.decided_at) == (
            case.state,
            case.holder,
            case.decided_by,
            case.decided_at,
        )


def replay(events: Iterable[ModerationEvent]) -> Story:
    """Return what *events*, in their order, come to."""
    story = Story()
    for one in events:
        story = _after(story, one)
    return story


def measures_of(story: Story) -> tuple[Measure, ...]:
    """Return every measure that was ever decided, each with when it was taken back, if it was."""
    return tuple(
        replace(measure, reversed=story.back.get(made.id))
        for made in story.decisions
        for measure in made.measures
    )


def strikes_of(story: Story) -> tuple[Strike, ...]:
    """Return the strikes that a case left: of decisions that stand, and say so."""
    return tuple(
        Strike(decision=made.id, at=made.at, rank=made.rank, child_safety=made.child_safety)
        for made in story.decisions
        if made.strike and made.id not in story.back
    )


def _after(story: Story, event: ModerationEvent) -> Story:
    match event.kind:
        case "claimed":
            waits = story.state is CaseState.SECOND
            state = CaseState.SECOND if waits else CaseState.CLAIMED
            return replace(story, state=state, holder=event.actor)
        case "released":
            return replace(story, state=_free(story), holder=None)
        case "escalated":
            return replace(story, state=CaseState.ESCALATED, holder=None, escalated=True)
        case "proposed":
            proposal = msgspec.json.decode(event.detail, type=Proposal)
            return replace(story, state=CaseState.SECOND, holder=None, proposal=proposal)
        case "withdrawn":
            return replace(story, state=CaseState.CLAIMED, holder=event.actor, proposal=None)
        case "refused":
            free = replace(story, state=CaseState.OPEN, holder=None, proposal=None)
            return replace(free, state=_free(free))
        case "decided":
            made = msgspec.json.decode(event.detail, type=Decision)
            return replace(
                story,
                state=CaseState.DECIDED,
                holder=None,
                proposal=None,
                decided_by=made.by,
                decided_at=made.at,
                decisions=(*story.decisions, made),
            )
        case "undone":
            bare = _taken_back(story, event)
            return replace(
                bare,
                state=CaseState.CLAIMED,
                holder=event.actor,
                decided_by=None,
                decided_at=None,
            )
        case "reversed":
            return replace(_taken_back(story, event), state=CaseState.CLOSED)
        case "answered":
            # How an appeal or a complaint ends that makes no decision of its own.
            return replace(
                story,
                state=CaseState.DECIDED,
                holder=None,
                decided_by=event.actor,
                decided_at=event.at,
            )
        case "closed" | "destroyed":
            return replace(story, state=CaseState.CLOSED, holder=None)
        case _:
            return story


def _taken_back(story: Story, event: ModerationEvent) -> Story:
    made = story.decision
    if made is None:
        return story
    return replace(story, back=MappingProxyType({**story.back, made.id: event.at}))


def _free(story: Story) -> CaseState:
    """Return how a case stands that nobody holds."""
    if story.state is CaseState.SECOND:
        return CaseState.SECOND
    return CaseState.ESCALATED if story.escalated else CaseState.OPEN
