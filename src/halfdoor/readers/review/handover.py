"""What a reporter hands over: one key for each message, sealed to one case (SEALING §6)."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.readers.review.case_keys import public_key
from halfdoor.readers.review.filing import Reportable, Reporter
from halfdoor.readers.review.records import Case, Evidence, Report
from halfdoor.readers.review.report_sources import ReporterKeys

# Sealing one key takes about 0.15 ms: so many in a row keep the loop below 1 ms.
_SLICE: Final = 4

# A message, and whether it is only context.
Handed = tuple[Reportable, bool]


async def hand_over(
    keys: ReporterKeys,
    reporter: Reporter,
    report: Report,
    case: Case,
    messages: Sequence[Handed],
) -> tuple[Evidence, ...]:
    """Return the evidence of *report*: of each of *messages* a copy, and its key sealed to *case*.

    `Denied` where the reporter's session has not the key of one of them.
    """
    evidence = []
    for number, (one, context) in enumerate(messages):
        if number % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        blob = keys.seal_for_case(
            reporter.session or "",
            reporter.user,
            one.hh,
            one.fields,
            one.body,
            case=case.id,
            public=public_key(case),
        )
        evidence.append(
            Evidence(
                id=new_id("evd"),
                report=report.id,
                case=case.id,
                reporter=reporter.user,
                room=one.room,
                event_id=one.fields.event_id,
                sender=one.fields.sender,
                ts=one.fields.ts,
                seq=one.seq,
                hh=one.hh,
                header=one.header,
                fields=msgspec.json.encode(one.fields),
                body=one.body,
                blob=blob,
                context=context,
                redacted=one.redacted,
            )
        )
    return tuple(evidence)


def new_id(kind: str) -> str:
    """Return a fresh id of *kind*: 22 characters of base64url behind it."""
    return f"{kind}_{secrets.token_urlsafe(16)}"
