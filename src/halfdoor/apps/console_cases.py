"""Queue and case pages of the console, over the desk's own services."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, final

from halfdoor.accounts.records import PersonRecord
from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.console_choices import RUNGS
from halfdoor.apps.console_material import Material, material_of
from halfdoor.readers.review.case_view import CaseSummary, CaseView, summary_of
from halfdoor.readers.review.leases import UNDECIDED
from halfdoor.readers.review.records import Case, CaseState
from halfdoor.readers.review.store import QueuePage
from halfdoor.readers.review.strikes import standing_strikes
from halfdoor.safety.ages import AgeBand, band_of, is_minor
from halfdoor.safety.measures import Kind
from halfdoor.web.console.values import (
    CasePage,
    Filed,
    Filters,
    Item,
    Past,
    Person,
    QueueView,
    Wish,
)

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk

_PAGE: Final = 50
_STATES: Final = {
    "open": (CaseState.OPEN,),
    "second": (CaseState.SECOND,),
    "escalated": (CaseState.ESCALATED,),
}


@final
class ConsoleCases:
    """Implements `web.console.desk.Cases`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._cases = desk.cases

    async def queue(self, staff: StaffMember, filters: Filters) -> QueueView:
        """Return one page of the cases that *staff* may see."""
        if filters.state == "mine":
            return QueueView(cases=tuple(await self._cases.held(staff)))
        page = QueuePage(
            queues=(),
            states=_STATES[filters.state],
            minor=filters.minor,
            language=filters.language,
            after=filters.after,
            limit=_PAGE + 1,
        )
        cases = await self._cases.queue(staff, page, filters.group, filters.posture)
        return QueueView(cases=tuple(cases[:_PAGE]), more=len(cases) > _PAGE)

    async def next(self, staff: StaffMember) -> Case | None:
        """Claim the case that should be next for *staff*; None where none waits."""
        return await self._cases.next(staff)

    async def claim(self, staff: StaffMember, case: str) -> Case:
        """Hold *case*, or hold it longer."""
        return await self._cases.claim(staff, case)

    async def heartbeat(self, staff: StaffMember, case: str) -> Case:
        """Keep the lease while somebody looks."""
        return await self._cases.heartbeat(staff, case)

    async def release(self, staff: StaffMember, case: str) -> Case:
        """Give *case* back."""
        return await self._cases.release(staff, case)

    async def escalate(self, staff: StaffMember, case: str, reason: str, to: str = "lead") -> Case:
        """Hand *case* to a lead, or *to* child safety."""
        return await self._cases.escalate(staff, case, reason, to)

    async def merge(self, staff: StaffMember, case: str, into: str, reason: str) -> Case:
        """Put *case* into another one about the same person."""
        return await self._cases.merge(staff, case, into, reason)

    async def view(self, staff: StaffMember, case: str) -> CasePage:
        """Return what is known of *case*; the desk refuses first whoever may not know it."""
        view = await self._cases.view(staff, case)
        known = await material_of(self._desk.store, case)
        now = self._desk.house.clock.now_ms()
        names = {one.id: one.name for one in await self._desk.staff.members()}
        decision = (await self._desk.decisions.story(case)).decision
        own = decision is not None and staff.id in (decision.by, decision.second)
        return CasePage(
            case=view.summary,
            people=_people(
                view, known, staff, await self._desk.house.people.persons(known.labels())
            ),
            items=_items(view),
            reports=_reports(view, known),
            measures=await self._measures(known.case.subject),
            history=tuple(
                Past(at=one.at, what=one.kind, who=names.get(one.by, one.by))
                for one in view.history
            ),
            duplicates=await self._duplicates(view, staff, now),
            strikes=len(
                await standing_strikes(self._desk.store, self._desk.review, known.case.subject, now)
            ),
            wish=await self._wish(case, staff, names),
            undo_until=decision.undo_until if decision is not None and own else 0,
        )

    async def _wish(self, case: str, staff: StaffMember, names: dict[str, str]) -> Wish | None:
        """Return the wish to see more that waits for an answer, if there is one."""
        asked = await self._desk.reveals.asked_for_more(case)
        if asked is None:
            return None
        return Wish(
            by=names.get(asked.by, asked.by),
            at=asked.at,
            reason=asked.reason,
            own=asked.by == staff.id,
        )

    async def _measures(self, subject: str) -> tuple[Past, ...]:
        person = await self._desk.house.people.person(subject)
        return tuple(
            Past(
                at=one.starts,
                what=RUNGS[Kind(one.kind)][0] + (" (taken back)" if one.reversed else ""),
            )
            for one in person.measures
        )

    async def _duplicates(
        self, view: CaseView, staff: StaffMember, now: int
    ) -> tuple[CaseSummary, ...]:
        """Return other cases about the same person that this one could go into."""
        found = [
            await self._desk.store.case(one.id) for one in view.earlier if one.state in UNDECIDED
        ]
        return tuple(summary_of(one, staff.id, now) for one in found if one is not None)


def _people(
    view: CaseView, known: Material, staff: StaffMember, persons: Mapping[str, PersonRecord]
) -> tuple[Person, ...]:
    unmasked = known.unmasked_by(staff.id)
    reporters = {one.by for one in view.reports}
    labelled = known.labels()
    subject = labelled[known.case.subject]
    ages = {label: _age(persons.get(user)) for user, label in labelled.items()}
    return tuple(
        Person(
            label=label,
            part=part_of(label, subject, reporters),
            name=unmasked.get(label),
            facts=ages[label],
        )
        for label in view.people
    )


def _age(person: PersonRecord | None) -> tuple[str, ...]:
    """Return what a reviewer should know of somebody's age; of an adult there is nothing to say."""
    band = band_of(None if person is None else person.age_band)
    if is_minor(band):
        return ("Under 18",)
    return ("Age not known",) if band is AgeBand.UNKNOWN else ()


def part_of(label: str, subject: str, reporters: set[str]) -> str:
    """Return which part somebody has in a case."""
    if label == subject:
        return "is reported"
    return "reports" if label in reporters else "wrote too"


def _items(view: CaseView) -> tuple[Item, ...]:
    messages = [
        Item(id=one.id, by=one.by, at=one.ts, context=one.context, redacted=one.redacted)
        for one in view.evidence
    ]
    notes = [
        Item(id=one.id, by=one.by, at=one.at, kind="note", unverified=True)
        for one in view.reports
        if one.has_note
    ]
    return (*messages, *notes)


def _reports(view: CaseView, known: Material) -> tuple[Filed, ...]:
    hidden = {one.id for one in known.reports if one.hidden}
    return tuple(
        Filed(
            id=one.id,
            by=one.by,
            at=one.at,
            reason=one.reason,
            source=one.source.value,
            held="counts fully" if one.weight >= 1 else f"counts {one.weight:.0%}",
            unverified=one.unverified,
            hidden=one.id in hidden,
        )
        for one in view.reports
    )
