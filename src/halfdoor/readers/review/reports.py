"""Reports: which messages, what reason; one key for each chosen message, sealed to one case.

Filing opens nothing. The reporter's own session hands over the keys (SEALING §6); everything that a
report brings becomes durable in one commit, or nothing does.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.clock import Clock
from halfdoor.ids import is_user_id
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review import own_reports, told_guardian
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.errors import ReportRefusedError, StaleCaseError
from halfdoor.readers.review.filing import Filed, Filing, Reportable, Reporter
from halfdoor.readers.review.filing_checks import checked
from halfdoor.readers.review.freezing import freeze_task
from halfdoor.readers.review.grouping import Circumstances, grown, new_case, said_before
from halfdoor.readers.review.handover import Handed, hand_over, new_id
from halfdoor.readers.review.own_reports import Outcomes
from halfdoor.readers.review.proving import Proofs, proven
from halfdoor.readers.review.reasons import chosen_reason, listed
from halfdoor.readers.review.receipts import ReceiptSigner
from halfdoor.readers.review.records import Case, ModerationEvent, Report, Task
from halfdoor.readers.review.report_sources import (
    Blocks,
    Facts,
    Receipts,
    ReportedFile,
    ReportedFiles,
    ReporterKeys,
    Sights,
)
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.readers.review.track_record import TrackRecord
from halfdoor.readers.review.weights import HOUR_MS, check_pace
from halfdoor.safety.ages import is_minor

_TRIES: Final = 8
_NAMED_TRIES: Final = 3
# So many earlier reports are compared; what says the same as an older one is taken once more.
_LOOKED_AT: Final = 200
# Reports about one person take turns in this process, so that two first ones open one case.
_TURNS: Final = 64

# The files that messages name, by event id.
Named = dict[str, Sequence[ReportedFile]]


@final
class Reports:
    """Takes reports, and shows people those they made."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        review: Review,
        sights: Sights,
        keys: ReporterKeys,
        facts: Facts,
        blocks: Blocks,
        receipts: Receipts,
        outcomes: Outcomes,
        signer: ReceiptSigner,
        names: CaseNames,
        proofs: Proofs,
        clock: Clock,
        files: ReportedFiles | None = None,
    ) -> None:
        """Keep reports on *desk*, under the rules of *review*; *files* that messages name too."""
        self._files = files
        self._desk = desk
        self._review = review
        self._sights = sights
        self._keys = keys
        self._facts = facts
        self._blocks = blocks
        self._receipts = receipts
        self._outcomes = outcomes
        self._record = TrackRecord(desk=desk, review=review, outcomes=outcomes, facts=facts)
        self._signer = signer
        self._names = names
        self._proofs = proofs
        self._clock = clock
        self._turns = [asyncio.Lock() for _ in range(_TURNS)]

    async def file(self, reporter: Reporter, filing: Filing) -> Filed:
        """Take a report; what says the same as an earlier one joins that.

        Raises `ReportRefusedError`, `UnseenError`, `TooManyReportsError`; `StaleCaseError` where
        the case would not stand still.
        """
        # 1. What is asked for makes sense, before anything is looked up.
        filing = checked(filing, self._review.intake)
        reason = chosen_reason(self._review, filing.reason)
        # 2. The reporter can see every message, and all they report are one other person's.
        handed = await self._handed(reporter, filing)
        said = await self._proofs.check([one for one, _ in handed], filing.disclosures)
        files = await self._named(reporter, handed, said)
        subject, near = await self._subject(reporter.user, filing, handed)
        # 3. Block: whatever becomes of the report, the person is left in peace from here on.
        if filing.block and is_user_id(subject):
            await self._blocks.block(reporter.user, subject, self._clock.now_ms())
        # 4. Keep. Two reports about one person take turns; other nodes are told apart by revisions.
        async with self._turns[hash(subject) % _TURNS]:
            for attempt in range(_TRIES):
                try:
                    return await self._keep(
                        reporter, filing, reason, subject, handed, files, near, attempt
                    )
                except StaleCaseError:
                    # A reviewer or another node moved the case on: look at it again.
                    await asyncio.sleep(0)
        raise StaleCaseError("The case changed while the report was taken. Send it again.")

    async def mine(self, user: str) -> list[dict[str, Any]]:
        """Return what was filed in the name of *user*, newest first, but what is hidden."""
        filed = await self._desk.reports_by(user, 0)
        shown = [one for one in filed if not one.hidden]
        now = self._clock.now_ms()
        return await own_reports.shown_to(self._desk, self._outcomes, self._review, shown, now)

    async def one(self, user: str, id: str) -> dict[str, Any] | None:
        """Return one report of *user*, also a hidden one: who asks knows that it is there."""
        report = await self._desk.report(id)
        if report is None or report.reporter != user:
            return None
        now = self._clock.now_ms()
        found = await own_reports.shown_to(self._desk, self._outcomes, self._review, [report], now)
        return found[0]

    async def of_child(self, guardian: str, child: str) -> list[dict[str, Any]]:
        """Return what *guardian* is told of reports by *child*, newest first.

        Nothing for anybody else, and nothing of a report for which the child did not say so.
        """
        filed = await self._desk.reports_by(child, 0)
        if (await self._facts.person(child)).guardian != guardian:
            return []
        now = self._clock.now_ms()
        reports = told_guardian.allowed(filed, guardian)
        shown = await own_reports.shown_to(self._desk, self._outcomes, self._review, reports, now)
        return told_guardian.told(shown)

    async def reasons(self, user: str, country: str | None = None) -> dict[str, Any]:
        """Return the reasons and help lines for *user*, by where they are or else live."""
        if country is None:
            country = (await self._facts.person(user)).region
        return listed(self._review, country)

    @property
    def receipt_key(self) -> bytes:
        """The key that receipts are checked with, 32 bytes."""
        return self._signer.public

    # --- what is handed over ----------------------------------------------------------------------

    async def _handed(self, reporter: Reporter, filing: Filing) -> list[Handed]:
        """Return each message, and whether it is only context."""
        if filing.room is None or not filing.events:
            return []
        wanted = (*filing.events, *filing.context)
        seen = await self._sights.seen(reporter, filing.room, wanted)
        return [(one, at >= len(filing.events)) for at, one in enumerate(seen)]

    async def _named(
        self, reporter: Reporter, handed: list[Handed], said: dict[str, bytes]
    ) -> Named:
        """Return the files that each message names."""
        if self._files is None:
            return {}
        return {
            one.fields.event_id: await self._files.named(
                reporter, one, said.get(one.fields.event_id)
            )
            for one, _ in handed
        }

    async def _is_copied(self, case: str, file: ReportedFile, now: int) -> bool:
        return self._files is not None and await self._files.keep(case, file, now)

    async def _subject(
        self, reporter: str, filing: Filing, handed: list[Handed]
    ) -> tuple[str, bool]:
        """Return whom the report is about, and whether *reporter* has to do with its conversation.

        Raises `ReportRefusedError`.
        """
        senders = {one.fields.sender for one, context in handed if not context}
        if filing.subject is not None:
            senders.add(filing.subject)
        if reporter in senders:
            raise ReportRefusedError("You cannot report yourself.")
        if len(senders) > 1:
            raise ReportRefusedError("Report the messages of one person at a time.")
        if handed or filing.room is None:
            return senders.pop(), bool(handed)
        other = await self._sights.counterpart(reporter, filing.room)
        # A conversation that the reporter has nothing to do with is taken at their word, and
        # answered like one that does not exist: nobody finds out here which there are.
        return (senders.pop() if senders else other or filing.room), other is not None

    # --- keeping ----------------------------------------------------------------------------------

    async def _keep(
        self,
        reporter: Reporter,
        filing: Filing,
        reason: Reason,
        subject: str,
        handed: list[Handed],
        files: Named,
        near: bool,
        attempt: int,
    ) -> Filed:
        now, intake = self._clock.now_ms(), self._review.intake
        window = max(intake.repeat_hours * HOUR_MS, HOUR_MS)
        most = max(_LOOKED_AT, intake.per_hour)
        filed = await self._desk.reports_by(reporter.user, now - window, most)
        wanted = Report(
            id=new_id("rep"),
            case="",
            reporter=reporter.user,
            subject=subject,
            at=now,
            reason=reason.key,
            room=filing.room,
            source=filing.source,
            events=filing.events,
            context=filing.context,
            note=filing.note,
            language=filing.language,
            unverified=not any(_is_proven(one, filing) for one, context in handed if not context),
            blocked=filing.block,
            hidden=filing.hidden,
        )
        here = await self._facts.person(reporter.user)
        guardian = told_guardian.let_know(filing, wanted.id, subject, here.guardian)
        wanted = replace(wanted, guardian=guardian)
        before = said_before(filed, wanted, now - intake.repeat_hours * HOUR_MS)
        if before is not None:
            return Filed(report=before, repeat=True)
        check_pace(intake, filed, now)
        weighed, warning = await self._record.weighed(reporter.user, now, hidden=filing.hidden)
        wanted = replace(wanted, weight=weighed)
        case = await self._case(wanted, reason, _posture(handed), attempt)
        kept = [pair for pair in handed if pair[0].has_key]
        report = replace(wanted, case=case.id)
        report = replace(report, receipt=self._signer.sign(report, kept))
        # A copy whose report is not kept belongs to no case, and is swept.
        copied = {
            event: [one for one in named if await self._is_copied(case.id, one, now)]
            for event, named in files.items()
        }
        evidence = await hand_over(
            self._keys, reporter, report, case, kept, filing.disclosures, copied
        )
        acknowledged = await self._receipts.receipt(report)
        await self._desk.commit(
            DeskChange(
                cases=(case,),
                reports=(report,),
                evidence=evidence,
                events=(_reported(report, len(evidence)),),
                notices=(*acknowledged.notices, *warning.notices),
                tasks=(
                    *acknowledged.tasks,
                    *warning.tasks,
                    *self._tasks(report, case, reason, near),
                ),
            )
        )
        return Filed(report=report)

    async def _case(
        self, report: Report, reason: Reason, posture: str | None, attempt: int
    ) -> Case:
        """Return the case that *report* joins, or the one that it opens."""
        here = await self._facts.person(report.reporter)
        there = await self._facts.person(report.subject)
        around = Circumstances(
            minor=is_minor(here.band) or is_minor(there.band),
            region=here.region or there.region,
            posture=posture,
        )
        found = await self._desk.open_case(report.subject, reason.queue)
        if found is not None:
            return grown(found, report, reason, around)
        about = await self._desk.cases_about(report.subject, 1)
        newest = about[0].id if about else ""
        # Two nodes give it one name. Where clocks disagree, that name may belong to an older case
        # by now: then any other will do.
        name = self._names.following(report.subject, reason.queue, newest)
        fresh = name if attempt < _NAMED_TRIES else new_id("case")
        return new_case(fresh, report, reason, around, new_case_key())

    def _tasks(self, report: Report, case: Case, reason: Reason, near: bool) -> list[Task]:
        # The platform is told of the event itself, so no task is needed for that. And nobody can
        # keep a conversation from deletion that is none of theirs.
        if reason.child_safety and near and report.room is not None:
            return [freeze_task(self._review, case, report.room, report.at)]
        return []


def _is_proven(one: Reportable, filing: Filing) -> bool:
    """Tell whether what a message said can be checked: an encrypted one proves nothing alone."""
    if one.ciphertext is not None:
        return one.fields.event_id in proven(filing.disclosures)
    return one.has_key


def _posture(handed: list[Handed]) -> str | None:
    """Return the posture of the conversation in which these messages are, None without any."""
    if not handed:
        return None
    return "standard" if all(one.ciphertext is None for one, _ in handed) else "e2ee"


def _reported(report: Report, evidence: int) -> ModerationEvent:
    detail = {
        "report": report.id,
        "reason": report.reason,
        "evidence": evidence,
        "unverified": report.unverified,
    }
    return ModerationEvent(
        case=report.case,
        n=0,
        at=report.at,
        kind="reported",
        actor=report.reporter,
        detail=msgspec.json.encode(detail, order="sorted"),
    )
