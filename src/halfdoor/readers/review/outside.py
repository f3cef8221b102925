"""Reports by people without an account: a parent, a school, a child whose phone was wiped.

Nothing that they type can be checked, so all of it is unverified and opens nothing. Nobody is
notified: not the child whose account they name, on no device (SAFETY §5.10).
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.clock import Clock
from halfdoor.ids import is_user_id
from halfdoor.policy.review import Reason, Review
from halfdoor.readers.review.case_keys import new_case_key
from halfdoor.readers.review.case_names import CaseNames
from halfdoor.readers.review.errors import ReportRefusedError, StaleCaseError
from halfdoor.readers.review.filing import Filing
from halfdoor.readers.review.filing_checks import checked
from halfdoor.readers.review.freezing import freeze_task
from halfdoor.readers.review.grouping import Circumstances, grown, new_case
from halfdoor.readers.review.handover import new_id
from halfdoor.readers.review.reasons import chosen_reason
from halfdoor.readers.review.records import Case, ModerationEvent, Report, Source, Task
from halfdoor.readers.review.report_sources import Facts
from halfdoor.readers.review.store import DeskChange, DeskStore
from halfdoor.safety.ages import is_minor

_TRIES: Final = 8
# So many earlier ones of a case are compared; an older one is taken once more.
_LOOKED_AT: Final = 200
# How many conversations of two people a report keeps from deletion.
_MOST_KEPT: Final = 20


class Together(Protocol):
    """Where it is known which conversations two people have with one another."""

    async def together(self, one: str, other: str, most: int) -> Sequence[str]:
        """Return at most so many of them, the newest first."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody outside tells: of whom (*about*), why, and in their own words.

    *child* is the account of whoever it was done to, where they know it; *country* two letters.
    """

    about: str
    reason: str
    words: str
    child: str = ""
    language: str | None = None
    country: str | None = None

    def __repr__(self) -> str:
        return f"Account({self.reason!r})"


class Taken(msgspec.Struct, frozen=True):
    """A report that was taken: the number to keep, and when (ms). `repeat` where it was before."""

    id: str
    at: int
    repeat: bool = False


@final
class OutsideReports:
    """Takes reports from outside; whoever sends one learns nothing of who or what exists here."""

    def __init__(
        self,
        *,
        desk: DeskStore,
        review: Review,
        facts: Facts,
        together: Together,
        names: CaseNames,
        server: str,
        clock: Clock,
    ) -> None:
        """Keep reports about people of *server* on *desk*, under the rules of *review*."""
        self._desk = desk
        self._review = review
        self._facts = facts
        self._together = together
        self._names = names
        self._server = server
        self._clock = clock

    async def file(self, told: Account) -> Taken:
        """Take what somebody told; `ReportRefusedError` says what is wrong and what would do."""
        for one in (told.about, told.child):
            if one and not self._is_ours(one):
                raise ReportRefusedError(f"An account here is called like @name:{self._server}.")
        if not told.about:
            raise ReportRefusedError("Say whose account it is about.")
        if told.about == told.child:
            raise ReportRefusedError("The two accounts are one and the same.")
        asked = Filing(subject=told.about, note=told.words, language=told.language)
        asked = checked(asked, self._review.intake)
        if not asked.note:
            raise ReportRefusedError("Say in your own words what happened.")
        reason = chosen_reason(self._review, told.reason)
        told = msgspec.structs.replace(told, words=asked.note)
        for _ in range(_TRIES):
            try:
                return await self._keep(told, reason)
            except StaleCaseError:
                # A reviewer or another report moved the case on: look at it again.
                await asyncio.sleep(0)
        raise StaleCaseError("The case changed while the report was taken. Send it again.")

    def _is_ours(self, user: str) -> bool:
        return is_user_id(user) and user.partition(":")[2] == self._server

    async def _keep(self, told: Account, reason: Reason) -> Taken:
        now = self._clock.now_ms()
        found = await self._desk.open_case(told.about, reason.queue)
        if found is not None:
            for one in (await self._desk.reports(found.id))[-_LOOKED_AT:]:
                same = (one.source, one.reason, one.note)
                if same == (Source.PUBLIC, reason.key, told.words):
                    return Taken(one.id, one.at, repeat=True)
        name = new_id("rep")
        report = Report(
            id=name,
            case="",
            # Nobody: a name that no account can have, and another one for each report.
            reporter=f"outside:{name}",
            subject=told.about,
            at=now,
            reason=reason.key,
            source=Source.PUBLIC,
            note=told.words,
            language=told.language,
            weight=self._review.intake.least_weight_percent / 100,
            unverified=True,
        )
        case = await self._case(found, report, reason, told)
        report = replace(report, case=case.id)
        await self._desk.commit(
            DeskChange(
                cases=(case,),
                reports=(report,),
                events=(_reported(report),),
                tasks=await self._holds(case, reason, told, now),
            )
        )
        return Taken(name, now)

    async def _case(
        self, found: Case | None, report: Report, reason: Reason, told: Account
    ) -> Case:
        about = await self._facts.person(told.about)
        harmed = await self._facts.person(told.child) if told.child else None
        around = Circumstances(
            # Whoever knows both accounts says for whom it is; an age that nobody vouches for
            # counts as a minor's, as it does in any other report.
            minor=is_minor(about.band) or (harmed is not None and is_minor(harmed.band)),
            region=(harmed.region if harmed is not None else None) or told.country or about.region,
        )
        if found is not None:
            return grown(found, report, reason, around)
        before = await self._desk.cases_about(told.about, 1)
        name = self._names.following(told.about, reason.queue, before[0].id if before else "")
        return new_case(name, report, reason, around, new_case_key())

    async def _holds(self, case: Case, reason: Reason, told: Account, now: int) -> tuple[Task, ...]:
        """Return what keeps the conversations of the two people from deletion, unread.

        Only where both are named: else anybody could keep everything of somebody whom they know.
        """
        if not reason.child_safety or not told.child:
            return ()
        rooms = await self._together.together(told.child, told.about, _MOST_KEPT)
        return tuple(freeze_task(self._review, case, room, now) for room in rooms)


def _reported(report: Report) -> ModerationEvent:
    detail = {"report": report.id, "reason": report.reason, "evidence": 0, "unverified": True}
    return ModerationEvent(
        case=report.case,
        n=0,
        at=report.at,
        kind="reported",
        actor=report.reporter,
        detail=msgspec.json.encode(detail, order="sorted"),
    )
