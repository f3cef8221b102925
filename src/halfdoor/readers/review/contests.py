"""An appeal or a complaint as it stands: who contests what, in which words, and whether they may.

Pure. Each decision is contested once by its subject and once by each reporter, so the id of such a
case follows from what it contests: a second one finds the first.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.ids import base64url
from halfdoor.policy.review import Review
from halfdoor.readers.review.choices import Choice, Decision
from halfdoor.readers.review.errors import AppealRefusedError, AppealWordsError
from halfdoor.readers.review.filing_checks import harmless
from halfdoor.readers.review.records import Case, CaseKind, CaseState, ModerationEvent
from halfdoor.readers.review.replay import replay
from halfdoor.safety.measures import DAY_MS
from halfdoor.sealing.labels import H, enc

APPEALS_QUEUE: Final = "appeals"
APPEALED: Final = "appealed"
JUDGED: Final = "judged"
_ID_CHARS: Final = 22


class Appealed(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of an `appealed` event: the words of whoever contests, and what they contest.

    `about` is a notice's id for an appeal, a report's for a complaint.
    """

    text: str
    about: str

    def __repr__(self) -> str:
        return f"Appealed(about={self.about!r})"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The detail of a `judged` event: what a reviewer would have decided, before they saw why."""

    choice: Choice


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal or complaint as a reviewer sees it.

    `text` is there for whoever holds the case, `original` for whoever judged for themselves; `own`
    says that the asker took part in what is contested.
    """

    case: Case
    by: str
    at: int
    text: str | None = None
    judged: Choice | None = None
    original: Decision | None = None
    own: bool = False

    def __repr__(self) -> str:
        return f"Contest({self.case.id!r}, {self.case.kind.value!r})"


def contest_id(kind: CaseKind, decision: str, user: str) -> str:
    """Return the id of the one case by which *user* contests a decision."""
    return "case_" + base64url(H(enc("contest-id", kind.value, decision, user)))[:_ID_CHARS]


def contest_case(
    review: Review,
    name: str,
    kind: CaseKind,
    origin: Case,
    by: str,
    keys: tuple[bytes, bytes],
    now: int,
) -> Case:
    """Return the case that contests *origin*: as severe, about the same person, in one queue."""
    public, private = keys
    return Case(
        id=name,
        kind=kind,
        subject=origin.subject,
        reason=origin.reason,
        queue=APPEALS_QUEUE,
        rank=origin.rank,
        state=CaseState.OPEN,
        opened=now,
        due=now + review.desk.appeal_decide_days * DAY_MS,
        minor=origin.minor,
        # What lies in the vault stays with those who may look into it.
        child_safety=origin.child_safety,
        language=origin.language,
        region=origin.region,
        victims=origin.victims if by in (origin.subject, *origin.victims) else (by,),
        origin=origin.id,
        key_public=public,
        key_sealed=private,
    )


def checked_text(review: Review, text: str) -> str:
    """Return *text* made harmless to read; `AppealWordsError` where it is none, or too long."""
    said = harmless(text)
    most = review.intake.note_chars
    if not said:
        raise AppealWordsError("Say in a few words why we should look again.")
    if len(said) > most:
        raise AppealWordsError(f"Say it in at most {most} characters.")
    return said


def check_in_time(until: int | None, now: int) -> None:
    """Refuse what cannot be contested, or not any more (`AppealRefusedError`)."""
    if until is None:
        raise AppealRefusedError("There is no decision here to contest.")
    if now > until:
        raise AppealRefusedError("The time to contest this has ended.")


def appealed_in(events: Sequence[ModerationEvent]) -> tuple[ModerationEvent, Appealed] | None:
    """Return the event by which an appeal or complaint began, with its detail; None for others."""
    for one in events:
        if one.kind == APPEALED:
            return one, msgspec.json.decode(one.detail, type=Appealed)
    return None


def judged_in(events: Sequence[ModerationEvent], staff: str) -> Choice | None:
    """Return what *staff* would have decided, None where they did not say yet."""
    found = None
    for one in events:
        if one.kind == JUDGED and one.actor == staff:
            found = msgspec.json.decode(one.detail, type=Judged).choice
    return found


def decision_in(events: Sequence[ModerationEvent]) -> Decision | None:
    """Return the newest decision of a case, also where a second look took it back."""
    made = replay(events).decisions
    return made[-1] if made else None


def check_stands(events: Sequence[ModerationEvent]) -> None:
    """Refuse to appeal against what was taken back already (`AppealRefusedError`)."""
    if replay(events).decision is None:
        raise AppealRefusedError("This was taken back already.")
