"""Which case a report belongs to, and what it makes of it: one open case a subject and queue."""

from typing import Final

import msgspec
from msgspec.structs import replace

from halfdoor.policy.review import Reason
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Report

_MS_OF_MINUTE: Final = 60_000
# Whoever is harmed by one person: kept by name up to so many, counted beyond.
_MOST_VICTIMS: Final = 200


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the people: whether one is a minor, and where the harmed one lives.

    `posture` is that of their conversation, None where a report names none of theirs.
    """

    minor: bool = False
    region: str | None = None
    posture: str | None = None


def new_case(
    id: str, report: Report, reason: Reason, around: Circumstances, keys: tuple[bytes, bytes]
) -> Case:
    """Return the case that *report* opens; *keys* are `key_public` and `key_sealed`."""
    public, private = keys
    return Case(
        id=id,
        kind=CaseKind.REPORT,
        subject=report.subject,
        reason=reason.key,
        queue=reason.queue,
        rank=reason.rank,
        state=CaseState.OPEN,
        opened=report.at,
        due=report.at + reason.claim_minutes * _MS_OF_MINUTE,
        minor=around.minor,
        child_safety=reason.child_safety,
        language=report.language,
        region=around.region,
        posture=around.posture,
        reports=1,
        victims=(report.reporter,),
        weight=report.weight,
        key_public=public,
        key_sealed=private,
    )


def grown(case: Case, report: Report, reason: Reason, around: Circumstances) -> Case:
    """Return *case* with one more report.

    The graver reason holds, and the earlier deadline: a further report never wins anybody time.
    """
    graver = reason.rank < case.rank
    minutes = reason.claim_minutes if case.holder is None else reason.decide_minutes
    known = report.reporter in case.victims or len(case.victims) >= _MOST_VICTIMS
    return replace(
        case,
        reason=reason.key if graver else case.reason,
        rank=min(case.rank, reason.rank),
        due=min(case.due, report.at + minutes * _MS_OF_MINUTE),
        minor=case.minor or around.minor,
        child_safety=case.child_safety or reason.child_safety,
        language=case.language or report.language,
        region=case.region or around.region,
        posture=case.posture or around.posture,
        reports=case.reports + 1,
        victims=case.victims if known else (*case.victims, report.reporter),
        weight=case.weight + report.weight,
    )


def said_before(filed: list[Report], wanted: Report, since: int) -> Report | None:
    """Return the report among *filed* that says what *wanted* says, since a time; None if none.

    The same person, about the same, for the same reason. A note that was added, a wish to hide it
    or to have a guardian told, or proof where there was none, is something new.
    """
    for one in filed:
        same = (
            one.at >= since
            and one.subject == wanted.subject
            and one.room == wanted.room
            and one.reason == wanted.reason
            and one.hidden == wanted.hidden
            and (not wanted.guardian or bool(one.guardian))
            and set(one.events) == set(wanted.events)
            and set(wanted.context) <= set(one.context)
            and wanted.note in {"", one.note}
            # What proves an encrypted message may come later than the report of it.
            and (wanted.unverified or not one.unverified)
        )
        if same:
            return one
    return None
