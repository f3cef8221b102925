"""Contested decisions in the console, over the desk's own service."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.console_choices import choice_of, done_by, in_words, original_of
from halfdoor.apps.console_material import Material, material_of
from halfdoor.readers.review.case_view import summary_of
from halfdoor.readers.review.contests import Contest as Contested
from halfdoor.readers.review.records import Case, CaseKind
from halfdoor.web.console.values import Choice, Contest

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk


@final
class ConsoleAppeals:
    """Implements `web.console.desk.Appeals`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._appeals = desk.appeals

    async def waiting(self, staff: StaffMember) -> Sequence[Contest]:
        """Return what waits for an answer."""
        return [await self._shown(staff, one) for one in await self._appeals.waiting(staff)]

    async def look(self, staff: StaffMember, case: str) -> Contest:
        """Return one of them."""
        return await self._shown(staff, await self._appeals.look(staff, case))

    async def judge(self, staff: StaffMember, case: str, choice: Choice) -> Contest:
        """Keep one's own first judgement; the original reasons are shown from then on."""
        contested = (await material_of(self._desk.store, case)).case
        known = await self._origin(contested)
        wanted = choice_of(choice, known.evidence)
        return await self._shown(staff, await self._appeals.judge(staff, case, wanted))

    async def answer(self, staff: StaffMember, case: str, uphold: bool, reason: str) -> Case:
        """Uphold or overturn."""
        return await self._appeals.answer(staff, case, uphold, reason)

    async def _origin(self, case: Case) -> Material:
        """Return what stands in the case that *case* contests."""
        return await material_of(self._desk.store, case.origin or case.id)

    async def _shown(self, staff: StaffMember, contest: Contested) -> Contest:
        known = await self._origin(contest.case)
        now = self._desk.house.clock.now_ms()
        judged, original = contest.judged, contest.original
        return Contest(
            case=summary_of(contest.case, staff.id, now),
            kind="appeal" if contest.case.kind is CaseKind.APPEAL else "complaint",
            at=contest.at,
            by=known.labels().get(contest.by, "Somebody"),
            words=contest.text,
            judged=None if judged is None else in_words(judged),
            original=None if original is None else original_of(original, known.evidence),
            done=done_by(original),
            own=contest.own,
        )
