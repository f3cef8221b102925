"""Referral to an authority: one person proposes it, another confirms, and then it is made.

A severe action (issue of the ladder, SAFETY §5.3): it names people to an authority. What is made is
a CyberTipline report, sealed to the vault's own key until a person with the role exports it, or
until the configuration lets it be sent.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection
from hashlib import sha256
from typing import Final, Protocol, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.clock import Clock
from halfdoor.ids import is_user_id
from halfdoor.policy.review import Review
from halfdoor.readers.review.cyber_tip import cyber_tip_xml
from halfdoor.readers.review.cyber_tip_facts import CyberTip, Filer, Party
from halfdoor.readers.review.cyber_tip_schema import TipRefusedError
from halfdoor.readers.review.errors import (
    RoleError,
    SecondPersonError,
    StaleCaseError,
    UnknownCaseError,
)
from halfdoor.readers.review.exhibits import Exhibits, sealed_away
from halfdoor.readers.review.merging import family
from halfdoor.readers.review.records import (
    Case,
    CaseState,
    Evidence,
    Report,
    StaffEntry,
    Task,
)
from halfdoor.readers.review.referral_events import (
    EXPORTED,
    FILED,
    MADE,
    PROPOSED,
    REFUSED,
    Referral,
    ReferralRequest,
    noted,
    referrals_in,
)
from halfdoor.readers.review.replay import replay
from halfdoor.readers.review.sealed_files import (
    Package,
    SealedFiles,
    TipFile,
    VaultKey,
    open_package,
    seal_package,
)
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.readers.review.vault import check_sees, lies_in_vault
from halfdoor.readers.review.viewing import all_viewed, viewed

QUEUE: Final = "refer"
MESSAGES: Final = "messages.json"
_NOTE_CHARS: Final = 5000
_LOG_PAGE: Final = 500


class Persons(Protocol):
    """Whoever knows what this server knows of a person."""

    async def party(self, user: str) -> Party:
        """Return what is known of *user*; of a stranger the bare id."""


class Ties(Protocol):
    """Refuses whoever is too close to a case (`conflicts.Conflicts`)."""

    async def check(self, staff: StaffMember, case: Case) -> None:
        """`ConflictOfInterestError` for who is one of the people in it, or knows one."""


@final
class Referrals:
    """Referrals of the vault, from proposal to filing."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        conflicts: Ties,
        exhibits: Exhibits,
        persons: Persons,
        files: SealedFiles,
        key: VaultKey,
        filer: Filer,
        review: Review,
        clock: Clock,
        send: bool = False,
    ) -> None:
        """*send* hands what is made to the worker of queue "refer"; else people file it by hand."""
        self._desk = desk
        self._conflicts = conflicts
        self._exhibits = exhibits
        self._persons = persons
        self._files = files
        self._key = key
        self._filer = filer
        self._review = review
        self._clock = clock
        self._send = send
        self._turn = asyncio.Lock()
        # How many were made and filed by hand since the start, for metrics.
        self.counted: Counter[str] = Counter()

    async def of(self, staff: StaffMember, case_id: str) -> list[Referral]:
        """Return the referrals of a case, oldest first."""
        case = await self._seen(staff, case_id)
        return referrals_in(await self._desk.events(case.id))

    async def propose(self, staff: StaffMember, case_id: str, request: ReferralRequest) -> Referral:
        """Keep the proposal to refer a decided case, until a second person confirms it.

        Where two people decided on a referral (`Choice.refer`) it is made at once. `StaleCaseError`
        where the case is not decided, or another proposal waits.
        """
        case = await self._seen(staff, case_id)
        await self._check_ready(staff, case)
        named = (*(request.victims or ()), *request.recipients)
        if not all(is_user_id(user) for user in named):
            raise TipRefusedError("A victim or recipient is named by their user id.")
        if len(request.note) > _NOTE_CHARS or len(request.high_priority) > _NOTE_CHARS:
            raise TipRefusedError(f"A note has at most {_NOTE_CHARS} characters.")
        if any(one.state == "proposed" for one in await self.of(staff, case_id)):
            raise StaleCaseError("A referral of this case waits for a second person already.")
        proposal = Referral(
            id=f"ref_{secrets.token_urlsafe(16)}",
            case=case.id,
            state="proposed",
            request=request,
            proposed_by=staff.id,
            proposed_at=self._clock.now_ms(),
        )
        detail = {"request": msgspec.to_builtins(request)}
        case = await self._note(staff, case, PROPOSED, detail, proposal.id)
        decision = replay(await self._desk.events(case.id)).decision
        if decision is not None and decision.refer and decision.second is not None:
            return await self._make(staff, case, proposal)
        return proposal

    async def confirm(self, staff: StaffMember, case_id: str) -> Referral:
        """Make the report that another person proposed, and keep it sealed.

        `SecondPersonError` for whoever proposed it, `UnknownCaseError` where nothing is proposed,
        `TipRefusedError` where the report cannot be filed as it is.
        """
        # Of two at once the second finds nothing that waits.
        async with self._turn:
            case, proposal = await self._waiting(staff, case_id)
            await self._check_ready(staff, case)
            if proposal.proposed_by == staff.id:
                raise SecondPersonError("A second, different person confirms a referral.")
            return await self._make(staff, case, proposal)

    async def _make(self, staff: StaffMember, case: Case, proposal: Referral) -> Referral:
        # 1. Who opens, and what for, stands in the log before anything opens.
        line = StaffEntry(
            at=self._clock.now_ms(),
            staff=staff.id,
            what="refer",
            case=case.id,
            about=proposal.id,
            reason=proposal.request.incident.value,
        )
        (case,) = await self._desk.commit(DeskChange(cases=(case,), log=(line,)))
        package = await self._package(case, proposal)
        # 2. The file first. A crash after this leaves one that the next try writes anew.
        await self._files.keep(proposal.id, seal_package(package, self._key.public()))
        # 3. The event says that it exists; with it goes the task to send it, if it is to be sent.
        digest = sha256(package.report).hexdigest()
        task = Task(
            id=f"{QUEUE}-{proposal.id}",
            queue=QUEUE,
            run_at=self._clock.now_ms(),
            payload=msgspec.json.encode({"case": case.id, "referral": proposal.id}),
        )
        tasks = (task,) if self._send else ()
        await self._note(staff, case, MADE, {"digest": digest}, proposal.id, tasks=tasks)
        self.counted["made"] += 1
        return msgspec.structs.replace(proposal, state="made", confirmed_by=staff.id, digest=digest)

    async def refuse(self, staff: StaffMember, case_id: str, reason: str) -> None:
        """Drop a proposal; whoever made it may too. The *reason* stays in the log."""
        case, proposal = await self._waiting(staff, case_id)
        await self._note(staff, case, REFUSED, {}, proposal.id, reason)

    async def export(self, staff: StaffMember, case_id: str, referral: str, reason: str) -> Package:
        """Return the report and its files, to be filed by hand; logged before it is opened."""
        case = await self._seen(staff, case_id)
        found = await self._made(case, referral)
        await self._conflicts.check(staff, case)
        sealed = await self._files.read(found.id)
        if sealed is None:
            raise UnknownCaseError("The referral lies at another server: the one that made it.")
        await self._note(staff, case, EXPORTED, {}, found.id, reason)
        return open_package(sealed, self._key.private(), case.id, found.id)

    async def filed(self, staff: StaffMember, case_id: str, referral: str, report: int) -> None:
        """Note that the report was filed by hand, under the number *report*."""
        case = await self._seen(staff, case_id)
        found = await self._made(case, referral)
        if found.report is not None:
            raise StaleCaseError("This referral was filed already.")
        await self._note(staff, case, FILED, {"report": report}, found.id)
        self.counted["filed"] += 1

    async def _package(self, case: Case, proposal: Referral) -> Package:
        """Open what a person viewed, and put the report together."""
        # Cases that were merged into this one keep their own keys and evidence.
        cases = {one.id: one for one in await family(self._desk, case)}
        evidence = [one for name in cases for one in await self._desk.evidence(name)]
        log = [line async for line in self._lines()]
        seen = viewed(cases, log)
        shown = [one for one in evidence if one.id in seen]
        exhibits = [await self._exhibits.exhibit(cases[one.case], one) for one in shown]
        reports = [one for name in cases for one in await self._desk.reports(name)]
        tip = await self._tip(case, proposal, evidence, reports)
        tip = msgspec.structs.replace(
            tip,
            exhibits=tuple(exhibits),
            sealed=tuple(sealed_away(one) for one in evidence if one.id not in seen),
        )
        # Half a second of plain Python the first time: not on the loop that everybody waits for.
        report = await asyncio.to_thread(cyber_tip_xml, tip)
        if not exhibits:
            return Package(referral=proposal.id, case=case.id, report=report)
        # XML cannot carry every character; this file is what was said, to the byte.
        names = tuple(one.evidence for one in exhibits)
        exact = TipFile(
            name=MESSAGES,
            content=msgspec.json.encode(exhibits),
            evidence=names,
            viewed=all_viewed(names, cases, log),
        )
        return Package(referral=proposal.id, case=case.id, report=report, files=(exact,))

    async def _tip(
        self, case: Case, proposal: Referral, evidence: list[Evidence], reports: list[Report]
    ) -> CyberTip:
        request = proposal.request
        victims = request.victims if request.victims is not None else case.victims
        recipients = dict.fromkeys((*_recipients(case, reports), *request.recipients))
        parties = {
            user: await self._persons.party(user) for user in {case.subject, *victims, *recipients}
        }
        return CyberTip(
            referral=proposal.id,
            incident=request.incident,
            at=min([one.ts for one in evidence], default=case.opened),
            filer=self._filer,
            subject=parties[case.subject],
            victims=tuple(parties[user] for user in victims),
            recipients=tuple(parties[user] for user in recipients),
            annotations=request.annotations,
            high_priority=request.high_priority.strip(),
            room=", ".join(sorted({one.room for one in evidence})),
            told=tuple(one.note for one in reports if one.note.strip()),
            note=request.note,
        )

    async def _lines(self) -> AsyncIterator[StaffEntry]:
        after = 0
        while lines := await self._desk.staff_log(after, _LOG_PAGE):
            for line in lines:
                yield line
            after = lines[-1].n

    async def _seen(self, staff: StaffMember, case_id: str) -> Case:
        case = check_sees(staff, await self._desk.case(case_id), self._review)
        if not lies_in_vault(case, self._review):
            raise RoleError("Only cases of child safety are referred.")
        return case

    async def _waiting(self, staff: StaffMember, case_id: str) -> tuple[Case, Referral]:
        case = await self._seen(staff, case_id)
        found = referrals_in(await self._desk.events(case.id))
        proposal = next((one for one in found if one.state == "proposed"), None)
        if proposal is None:
            raise UnknownCaseError("No referral of this case waits for a second person.")
        return case, proposal

    async def _made(self, case: Case, referral: str) -> Referral:
        found = referrals_in(await self._desk.events(case.id))
        one = next((one for one in found if one.id == referral and one.digest is not None), None)
        if one is None:
            raise UnknownCaseError("There is no such referral.")
        return one

    async def _check_ready(self, staff: StaffMember, case: Case) -> None:
        if case.state not in {CaseState.DECIDED, CaseState.CLOSED} or case.decided_at is None:
            raise StaleCaseError("Decide the case first: a referral follows the decision.")
        undo_ms = self._review.desk.undo_seconds * 1000
        if self._clock.now_ms() < case.decided_at + undo_ms:
            raise StaleCaseError("The decision can still be taken back: wait a moment.")
        if not case.key_sealed:
            raise StaleCaseError("The hold has ended; what was reported is destroyed.")
        decision = replay(await self._desk.events(case.id)).decision
        if decision is None or not decision.holds:
            raise StaleCaseError("No decision stands that found anything to refer.")
        await self._conflicts.check(staff, case)

    async def _note(
        self,
        staff: StaffMember,
        case: Case,
        kind: str,
        detail: dict[str, object],
        about: str,
        reason: str = "",
        *,
        tasks: Collection[Task] = (),
    ) -> Case:
        now = self._clock.now_ms()
        note = noted(case, staff.id, kind, {"referral": about, **detail}, now, reason)
        (case,) = await self._desk.commit(msgspec.structs.replace(note, tasks=tuple(tasks)))
        return case


def _recipients(case: Case, reports: list[Report]) -> list[str]:
    """Return who is known to have got the messages: those who reported them from their own inbox.

    Where somebody reported for another person (a parent, a flagger), the recipient is not known.
    """
    return [
        one.reporter
        for one in reports
        if one.source.value == "user" and one.events and one.reporter != case.subject
    ]
