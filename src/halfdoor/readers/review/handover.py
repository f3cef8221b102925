"""What a reporter hands over: one key for each message, sealed to one case (SEALING §6)."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from halfdoor.readers.review.case_keys import public_key
from halfdoor.readers.review.disclosures import Disclosure, encode_disclosures
from halfdoor.readers.review.filing import Reportable, Reporter
from halfdoor.readers.review.records import Case, Evidence, EvidenceFile, Report
from halfdoor.readers.review.report_sources import ReportedFile, ReporterKeys
from halfdoor.sealing.cases import seal_case_disclosure

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
    disclosures: Sequence[tuple[str, Disclosure]] = (),
    files: Mapping[str, Sequence[ReportedFile]] = MappingProxyType({}),
) -> tuple[Evidence, ...]:
    """Return the evidence of *report*: of each of *messages* a copy, and its key sealed to *case*.

    What is disclosed of encrypted ones, and the keys of *files* by the event that names them, are
    sealed to the case in the same way. `Denied` where the reporter's session has not the key of one
    of them.
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
                disclosed=_disclosed(report, case, one, disclosures),
                files=tuple(
                    EvidenceFile(
                        media_id=file.media_id,
                        key=file.seal(case.id, reporter.user, public_key(case)),
                        digest=file.digest,
                        stored=file.stored,
                        facts=file.facts,
                    )
                    for file in files.get(one.fields.event_id, ())
                ),
            )
        )
    return tuple(evidence)


def _disclosed(
    report: Report, case: Case, one: Reportable, disclosures: Sequence[tuple[str, Disclosure]]
) -> bytes:
    event_id = one.fields.event_id
    given = [said for name, said in disclosures if name == event_id]
    if not given:
        return b""
    return seal_case_disclosure(
        public_key(case),
        case.id,
        report.reporter,
        one.hh,
        event_id,
        one.body,
        encode_disclosures(given),
    )


def new_id(kind: str) -> str:
    """Return a fresh id of *kind*: 22 characters of base64url behind it."""
    return f"{kind}_{secrets.token_urlsafe(16)}"
