"""When people are told: the rules that keep reporters safe (SAFETY §5.10), held by work in a queue.

Nothing here is written in the moment of a decision. It waits as a task until the time to take the
decision back is over and its first measure begins; then what still stands is told. The subject is
told nothing while a child-safety case about them is open, nor while an authority forbids it.
"""

from typing import Final, final

import msgspec
from msgspec.structs import replace

from halfdoor.clock import Clock
from halfdoor.policy.review import Review
from halfdoor.readers.review import notices
from halfdoor.readers.review.concerned import People, by_reporter, reader_of, reports_about
from halfdoor.readers.review.contests import APPEALED
from halfdoor.readers.review.notices import CHANGED, STAYS, Ruling
from halfdoor.readers.review.records import Case, CaseKind, CaseState, Notice, Report, Task
from halfdoor.readers.review.rulings import answer_in, ruling_in, silent_until
from halfdoor.readers.review.store import DeskChange, DeskStore

QUEUE: Final = "tell"
# How often a subject's open child-safety case is asked for again, and an authority's silence.
_AGAIN_MS: Final = 3_600_000
_OVER: Final = frozenset({CaseState.DECIDED, CaseState.CLOSED})


class Decided(msgspec.Struct, frozen=True, tag="decided"):
    """Tell everybody concerned of a decision of *case*, or of its being taken back."""

    case: str
    decision: str
    reversed: bool = False


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """Tell both sides how the appeal or complaint *case* ended."""

    case: str


class Deliver(msgspec.Struct, frozen=True, tag="deliver"):
    """Show a notice in the app of *user*, in the conversation of server notices."""

    user: str
    notice: str


Moment = Decided | Answered | Deliver


class Told(msgspec.Struct, frozen=True):
    """What becomes durable together: notices, and the tasks that show them in the app."""

    notices: tuple[Notice, ...] = ()
    tasks: tuple[Task, ...] = ()


def decided_task(case: str, decision: str, at: int) -> Task:
    """Return the task that belongs into the change which records a decision made at *at* (ms)."""
    return _task(f"tell-{case}-{decision}", at, Decided(case, decision))


def reversed_task(case: str, decision: str, at: int) -> Task:
    """Return the task that belongs into the change which reverses a decision."""
    return _task(f"tell-back-{case}-{decision}", at, Decided(case, decision, reversed=True))


def answered_task(case: str, at: int) -> Task:
    """Return the task that belongs into the change which ends an appeal or a complaint."""
    return _task(f"tell-answer-{case}", at, Answered(case))


def deliver_task(notice: Notice) -> Task:
    """Return the task that shows *notice* in the app, from its `show_at` on."""
    return _task(f"tell-{notice.id}", notice.show_at, Deliver(notice.user, notice.id))


def moment_of(payload: bytes) -> Moment:
    """Return what a task's payload asks for."""
    found: Moment = msgspec.json.decode(payload, type=Decided | Answered | Deliver)
    return found


def told(*made: Notice) -> Told:
    """Return notices with the tasks that show them; hidden ones are shown in no conversation."""
    return Told(made, tuple(deliver_task(one) for one in made if not one.hidden))


@final
class Telling:
    """Tells people what they may know, as late as they may know it."""

    def __init__(self, *, desk: DeskStore, review: Review, people: People, clock: Clock) -> None:
        self._desk = desk
        self._review = review
        self._people = people
        self._clock = clock

    async def receipt(self, report: Report) -> Told:
        """Return what belongs into the change that files *report*, for whoever filed it."""
        reader = await reader_of(self._people, report.reporter)
        return told(notices.receipt(self._review, report, reader))

    async def decided(self, moment: Decided) -> int | None:
        """Tell what may be told by now of a decision; return when to come again, None if done."""
        case = await self._desk.case(moment.case)
        if case is None:
            return None
        reports, seen = await reports_about(self._desk, case)
        if moment.reversed:
            await self._taken_back(case, moment.decision, reports)
            return None
        events = await self._desk.events(case.id)
        ruling = ruling_in(events, moment.decision, seen)
        if ruling is None:
            # Taken back before anybody was told: nobody ever hears of it.
            return None
        now = self._clock.now_ms()
        if now < ruling.begins:
            return ruling.begins
        made = (
            await self._complaint(case, reports, CHANGED if ruling.felt else STAYS, now)
            if case.kind is CaseKind.COMPLAINT
            else await self._outcomes(ruling, reports, now)
        )
        await self._keep(made)
        if not ruling.felt:
            return None
        silence = silent_until(events)
        if now < silence or await self._is_child_safety_open(case.subject):
            return now + _AGAIN_MS
        reader = await reader_of(self._people, case.subject)
        sources = [one.source for one in reports]
        stated = notices.statement(self._review, case.id, ruling, reader, now, sources)
        await self._keep([stated] if stated is not None else [])
        return None

    async def answered(self, moment: Answered) -> None:
        """Tell both sides how an appeal ended, and whoever complained how their complaint did.

        A subject who was never told of a report does not learn of it by a complaint.
        """
        case = await self._desk.case(moment.case)
        if case is None or case.origin is None:
            return
        ended = answer_in(await self._desk.events(case.id))
        if ended is None:
            return
        reports, _ = await reports_about(self._desk, case)
        now = self._clock.now_ms()
        if case.kind is CaseKind.COMPLAINT:
            await self._keep(await self._complaint(case, reports, ended, now))
            return
        key = f"appeal_{ended}"
        told_subject = await self._subject_answer(case.origin, case.subject, key, ended, now)
        await self._keep(
            [told_subject, *await self._reporters_answer(case.origin, reports, ended, now)]
        )

    async def previewed(self, case: Case, ruling: Ruling) -> list[Notice]:
        """Return what everybody would be told if *case* were decided so; nothing is kept."""
        reports, seen = await reports_about(self._desk, case)
        now = self._clock.now_ms()
        ruling = replace(ruling, seen=seen)
        made = await self._outcomes(ruling, reports, now)
        reader = await reader_of(self._people, case.subject)
        sources = [one.source for one in reports]
        stated = notices.statement(self._review, case.id, ruling, reader, now, sources)
        return made if stated is None else [*made, stated]

    # --- inside -------------------------------------------------------------------------------

    async def _outcomes(self, ruling: Ruling, reports: list[Report], now: int) -> list[Notice]:
        made: list[Notice] = []
        for user in dict.fromkeys(group[0].reporter for group in by_reporter(reports)):
            reader = await reader_of(self._people, user)
            made += notices.outcomes(self._review, ruling, reports, reader, now)
        return made

    async def _complaint(
        self, case: Case, reports: list[Report], ended: str, now: int
    ) -> list[Notice]:
        """Return the answer to whoever complained, and to nobody else."""
        by = {one.actor for one in await self._desk.events(case.id) if one.kind == APPEALED}
        return [
            await self._answer(case.id, group, f"complaint_{ended}", ended, now)
            for group in by_reporter(reports)
            if group[0].reporter in by
        ]

    async def _taken_back(self, case: Case, decision: str, reports: list[Report]) -> None:
        """Tell those who were told of the decision; the others never learn of it."""
        stated = notices.notice_id(notices.STATEMENT, decision, case.subject)
        if await self._desk.notice(case.subject, stated) is None:
            return
        now = self._clock.now_ms()
        back = await self._subject_answer(case.id, case.subject, "taken_back", CHANGED, now)
        await self._keep([back, *await self._reporters_answer(case.id, reports, CHANGED, now)])

    async def _subject_answer(
        self, origin: str, subject: str, key: str, ended: str, now: int
    ) -> Notice:
        reader = await reader_of(self._people, subject)
        about = _again(origin, ended)
        return notices.answer(self._review, origin, about, key, reader, now, outcome=ended)

    async def _reporters_answer(
        self, origin: str, reports: list[Report], ended: str, now: int
    ) -> list[Notice]:
        key = f"reporter_appeal_{ended}"
        return [
            await self._answer(_again(origin, ended), group, key, ended, now)
            for group in by_reporter(reports)
        ]

    async def _answer(
        self, about: str, reports: list[Report], key: str, ended: str, now: int
    ) -> Notice:
        reader = await reader_of(self._people, reports[0].reporter)
        return notices.answer(
            self._review, reports[0].case, about, key, reader, now, reports=reports, outcome=ended
        )

    async def _is_child_safety_open(self, subject: str) -> bool:
        queues = {one.queue for one in self._review.reasons if one.child_safety}
        for queue in sorted(queues):
            # Asked by queue too: however many other cases there are, none hides this one.
            if await self._desk.open_case(subject, queue) is not None:
                return True
        about = await self._desk.cases_about(subject)
        # Of an appeal they know: it is their own.
        return any(
            one.child_safety and one.state not in _OVER and one.kind is not CaseKind.APPEAL
            for one in about
        )

    async def _keep(self, made: list[Notice]) -> None:
        # Whoever is being erased is told no more: it would stay behind them.
        here = [one for one in made if not await self._people.erased(one.user)]
        if here:
            kept = told(*here)
            await self._desk.commit(DeskChange(notices=kept.notices, tasks=kept.tasks))


def _again(origin: str, ended: str) -> str:
    """Return what a second look is about: told once, whether by an appeal or of our own accord."""
    return f"again {origin} {ended}"


def _task(name: str, at: int, moment: Moment) -> Task:
    return Task(id=name, queue=QUEUE, run_at=at, payload=msgspec.json.encode(moment))
