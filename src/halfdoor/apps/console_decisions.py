"""Deciding in the console, over the desk's own services; every text is shown before it is sent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.console_choices import actions_of, choice_of, chosen_of, in_words
from halfdoor.apps.console_material import material_of
from halfdoor.readers.review.case_view import summary_of
from halfdoor.readers.review.notice_body import body_of
from halfdoor.readers.review.notices import Ruling
from halfdoor.readers.review.records import Case, CaseState, Notice
from halfdoor.readers.review.store import QueuePage
from halfdoor.web.console.values import Action, Choice, Letter, Proposal

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk

_WAITING: Final = QueuePage(queues=(), states=(CaseState.SECOND,), limit=100)


@final
class ConsoleDecisions:
    """Implements `web.console.desk.Decisions`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._decisions = desk.decisions

    async def actions(self, staff: StaffMember, case: str) -> Sequence[Action]:
        """Return what may be chosen."""
        return actions_of(await self._decisions.options(staff, case))

    async def preview(self, staff: StaffMember, case: str, choice: Choice) -> Sequence[Letter]:
        """Return every text that people would get; the desk refuses a choice that is none."""
        known = await material_of(self._desk.store, case)
        made = await self._decisions.preview(staff, case, choice_of(choice, known.evidence))
        ruling = Ruling(
            decision=made.id,
            at=max(made.at, made.undo_until),
            reason=made.reason,
            measures=made.measures,
            pair=made.pair,
            referred=made.refer,
        )
        labels = known.labels()
        late = "After a random delay, so that the hour names nobody." if made.pair else ""
        return [
            _letter(one, labels.get(one.user, "Somebody"), known.case.subject, late)
            for one in await self._desk.telling.previewed(known.case, ruling)
        ]

    async def decide(self, staff: StaffMember, case: str, choice: Choice) -> Case:
        """Decide; `SecondPersonError` once the proposal is kept."""
        known = await material_of(self._desk.store, case)
        return await self._decisions.decide(staff, case, choice_of(choice, known.evidence))

    async def proposals(self, staff: StaffMember) -> Sequence[Proposal]:
        """Return what waits for a second person."""
        cases = await self._desk.cases.queue(staff, _WAITING)
        return [await self.proposal(staff, one.id) for one in cases]

    async def proposal(self, staff: StaffMember, case: str) -> Proposal:
        """Return one of them; `UnknownCaseError` where there is none."""
        waits = await self._decisions.proposal(staff, case)
        known = await material_of(self._desk.store, case)
        names = {one.id: one.name for one in await self._desk.staff.members()}
        now = self._desk.house.clock.now_ms()
        return Proposal(
            id=waits.id,
            case=summary_of(known.case, staff.id, now),
            choice=chosen_of(waits.choice, known.evidence),
            done=in_words(waits.choice),
            by=names.get(waits.by, waits.by),
            at=max((one.at for one in known.events if one.kind == "proposed"), default=now),
            own=waits.by == staff.id,
        )

    async def confirm(self, staff: StaffMember, case: str, proposal: str | None = None) -> Case:
        """Agree with the proposal that was looked at."""
        return await self._decisions.confirm(staff, case, proposal)

    async def refuse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Disagree with it: the case is open again."""
        return await self._decisions.refuse(staff, case, reason)

    async def undo(self, staff: StaffMember, case: str) -> Case:
        """Take one's own decision back, within the policy's seconds."""
        return await self._decisions.undo(staff, case)

    async def reverse(self, staff: StaffMember, case: str, reason: str) -> Case:
        """Undo all of a decision that was wrong."""
        return await self._decisions.reverse(staff, case, reason)


def _letter(notice: Notice, label: str, subject: str, late: str) -> Letter:
    body = body_of(notice)
    part = "who was reported" if notice.user == subject else "who reported"
    help_first = [body.help_first, *(f"{one.title}: {one.contact}" for one in body.help)]
    return Letter(
        to=f"{label}, {part}",
        title=body.title,
        text="\n".join([*(help_first if body.help else ()), *body.text]),
        note=" ".join(
            one for one in (late, "Hidden: only where they look for it." * notice.hidden) if one
        ),
    )
