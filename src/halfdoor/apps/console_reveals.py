"""What one reveal shows in the console, over the desk's own service: the log has it first."""

from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.console_cases import part_of
from halfdoor.apps.console_material import material_of
from halfdoor.readers.review.exhibits import words_of
from halfdoor.readers.review.reveal import Revealed, Verdict
from halfdoor.web.console.values import Person, Shown

if TYPE_CHECKING:
    from halfdoor.apps.desk import Desk

_BECAUSE: Final = {
    Verdict.GENUINE: (
        "its key opens exactly what was stored",
        "the reporter's receipt lists it",
        "the conversation holds it at that place",
    ),
    Verdict.RECEIPT_ONLY: (
        "the reporter's receipt lists it, and that alone proves it",
        "the conversation was deleted since, when its time was over",
    ),
    Verdict.UNVERIFIED: ("the reporter typed this: nobody can check it",),
}


@final
class ConsoleReveals:
    """Implements `web.console.desk.Reveals`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._reveals = desk.reveals

    async def reveal(self, staff: StaffMember, case: str, item: str, reason: str) -> Shown:
        """Open *item* of *case*."""
        return shown(await self._reveals.reveal(staff, case, item, reason))

    async def unmask(self, staff: StaffMember, case: str, label: str, reason: str) -> Person:
        """Say who a label stands for."""
        name = await self._reveals.unmask(staff, case, label, reason)
        known = await material_of(self._desk.store, case)
        labels = known.labels()
        reporters = {labels[one.reporter] for one in known.reports}
        part = part_of(label, labels[known.case.subject], reporters)
        return Person(label=label, part=part, name=name)

    async def ask_for_more(self, staff: StaffMember, case: str, reason: str) -> None:
        """Ask a second person whether more may be seen than was reported."""
        await self._reveals.ask_for_more(staff, case, reason)

    async def answer_more(
        self, staff: StaffMember, case: str, reason: str, *, approve: bool
    ) -> None:
        """Answer that wish, as another person than who asked."""
        await self._reveals.answer_more(staff, case, reason, approve=approve)


def shown(revealed: Revealed) -> Shown:
    """Return what was opened as a page shows it: words, and nothing that could act."""
    proven = revealed.verdict is not Verdict.UNVERIFIED
    return Shown(
        id=revealed.id,
        text=words_of(msgspec.json.encode(revealed.content)),
        kind=revealed.type if proven else "m.room.message",
        file=_file(revealed.content),
        proven=True if proven else None,
        because=_BECAUSE[revealed.verdict],
    )


def _file(content: dict[str, Any]) -> str | None:
    """Return the name of an attachment as its sender gave it (Matrix, `m.file`)."""
    if "url" not in content and "file" not in content:
        return None
    name = content.get("filename", content.get("body"))
    return name if isinstance(name, str) else "(no name)"
