"""What the events of a case say to the people concerned: what was decided, for how long in silence.

Pure. The reviewer's own words (`Decision.facts`) are left out on purpose: they stay with the case,
since nobody can promise that they quote nothing.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from halfdoor.readers.review.choices import Decision
from halfdoor.readers.review.notices import Ruling
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.replay import replay

# How an appeal ended; a complaint ends so, or by a decision of its own.
ANSWERED: Final = "answered"
# An authority forbids to tell the subject, until a day.
SILENCE: Final = "silence"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of an `answered` event: `outcome` is STAYS or CHANGED, `reason` for the desk."""

    outcome: str
    reason: str = ""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of a `silence` event: until when (ms), and by whose order."""

    until: int
    order: str = ""


def ruling_in(events: Iterable[ModerationEvent], decision: str, seen: int) -> Ruling | None:
    """Return the decision called *decision* as people are told of it.

    None where it was never made, or was taken back since. *seen* is when what it is about happened.
    """
    made = replay(events).decision
    return ruling_of(made, seen) if made is not None and made.id == decision else None


def ruling_of(decision: Decision, seen: int) -> Ruling:
    """Return *decision*, about something that happened at *seen* (ms), as people are told of it."""
    return Ruling(
        decision=decision.id,
        at=max(decision.at, decision.undo_until),
        reason=decision.reason,
        measures=decision.measures,
        seen=seen,
        pair=decision.pair,
        by_machine=not decision.by,
        referred=decision.refer,
    )


def answer_in(events: Iterable[ModerationEvent]) -> str | None:
    """Return how an appeal or complaint ended, None while it is open."""
    found = None
    for one in events:
        if one.kind == ANSWERED:
            found = msgspec.json.decode(one.detail, type=Answer).outcome
    return found


def silent_until(events: Iterable[ModerationEvent]) -> int:
    """Return until when (ms) the subject may not be told; 0 where nobody demands silence.

    The last word counts, so that an order that was lifted ends the silence at once.
    """
    until = 0
    for one in events:
        if one.kind == SILENCE:
            until = msgspec.json.decode(one.detail, type=Silence).until
    return until
