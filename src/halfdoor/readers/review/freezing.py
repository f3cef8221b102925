"""A child-safety report keeps its conversation from deletion, unread, as work that follows it.

The task is written with the report itself, so that a crash in between forgets neither (SAFETY §5.6,
SEALING §5, "Hold").
"""

from typing import Final

import msgspec

from halfdoor.ids import base64url
from halfdoor.policy.review import Review
from halfdoor.readers.review.records import Case, Task
from halfdoor.sealing.labels import H, enc

QUEUE: Final = "freeze"
_DAY_MS: Final = 86_400_000
_ID_CHARS: Final = 22


class Freezing(msgspec.Struct, frozen=True, kw_only=True):
    """Keep all of *room* from deletion until the time *until* (ms), because of *case*."""

    case: str
    room: str
    until: int


def freeze_task(review: Review, case: Case, room: str, now: int) -> Task:
    """Return the task that keeps *room*; it belongs into the change that files the report.

    One for each case and conversation, however often both are reported.
    """
    asked = Freezing(case=case.id, room=room, until=now + review.desk.freeze_days * _DAY_MS)
    name = base64url(H(enc("freeze-id", case.id, room)))[:_ID_CHARS]
    return Task(
        id=f"freeze-{name}",
        queue=QUEUE,
        run_at=now,
        payload=msgspec.json.encode(asked),
    )


def freezing_of(payload: bytes) -> Freezing:
    """Return what a task's payload asks for."""
    return msgspec.json.decode(payload, type=Freezing)
