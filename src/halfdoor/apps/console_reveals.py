"""What one reveal shows in the console, over the desk's own service: the log has it first."""

from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.apps.console_cases import part_of
from halfdoor.apps.console_files import Tickets, way_of
from halfdoor.apps.console_material import material_of
from halfdoor.readers.review.exhibits import words_of
from halfdoor.readers.review.megolm_evidence import Proof
from halfdoor.readers.review.reveal import Revealed, Verdict
from halfdoor.web.console.values import FileBytes, Person, Shown, ShownFile

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
    Verdict.ENCRYPTED: (
        "it was sent so, encrypted end to end, and nothing was handed over that opens it",
        "what the report says of it cannot be checked",
    ),
}
# Of what was encrypted end to end, beside what was stored.
_PROVEN: Final = {
    Proof.MESSAGE_KEY: (
        "the session that sent it signed it",
        "the reporter handed over the key of this one message, and it opens what was stored",
    ),
    Proof.RATCHET_KEY: (
        "the session that sent it signed it, and every character of it is proven",
        "the reporter's key could open later messages of that session too: none was opened",
    ),
    Proof.FRANKING: (
        "the sender's app committed to these words, and this server marked that when it was sent",
    ),
    Proof.COMMITMENT: (
        "the sender's app committed to these words, and the commitment is stored with the message",
        "the server's own mark was checked when it was reported; its key was destroyed since",
    ),
}
_UNPROVEN: Final = {
    Proof.MESSAGE_KEY: (
        "the reporter could have chosen the first 16 characters of what was encrypted: {loose}",
    ),
}
_NOT_WHO: Final = (
    "who held the device: it came under the sender's sign-in, which is all that is known",
)


@final
class ConsoleReveals:
    """Implements `web.console.desk.Reveals`."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._reveals = desk.reveals
        self._tickets = Tickets(desk.house.clock)

    async def reveal(self, staff: StaffMember, case: str, item: str, reason: str) -> Shown:
        """Open *item* of *case*."""
        return shown(await self._reveals.reveal(staff, case, item, reason))

    async def reveal_file(
        self, staff: StaffMember, case: str, item: str, number: int, reason: str
    ) -> ShownFile:
        """Open file *number* of *item*; its ticket is for *staff* alone."""
        found = await self._reveals.reveal_file(staff, case, item, number, reason)
        return ShownFile(
            ticket=self._tickets.give(staff.id, found),
            type=found.type,
            size=found.size,
            way=way_of(found.type),
        )

    async def fetch_file(self, staff: StaffMember, ticket: str) -> FileBytes | None:
        """Open the file of *ticket* once more; None where it is not good, or nothing to be shown.

        `Denied` where the copy was changed since.
        """
        found = self._tickets.file(staff.id, ticket)
        if found is None or way_of(found.type) == "none":
            return None
        opened = await found.again()
        return FileBytes(opened.type, opened.size, opened.pieces)

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
    proven = revealed.verdict in {Verdict.GENUINE, Verdict.RECEIPT_ONLY}
    return Shown(
        id=revealed.id,
        text=_text(revealed),
        kind=revealed.type if revealed.verdict is not Verdict.UNVERIFIED else "m.room.message",
        file=_file(revealed.content),
        proven=True if proven else None,
        because=(
            *(_PROVEN[revealed.proof] if revealed.proof is not None else ()),
            *_BECAUSE[revealed.verdict],
            *(
                f"the reporter says that a file of it has the SHA-256 {one.hex()}; nobody checked"
                for one in revealed.hashes
            ),
        ),
        unproven=_unproven(revealed),
        files=revealed.files,
    )


def _text(revealed: Revealed) -> str:
    if revealed.verdict is Verdict.ENCRYPTED:
        return "(encrypted end to end: there are no words here)"
    return words_of(msgspec.json.encode(revealed.content))


def _unproven(revealed: Revealed) -> tuple[str, ...]:
    """Return what nothing proves although the message is proven: said, so that nobody assumes."""
    if revealed.proof is None:
        return ()
    loose = _UNPROVEN.get(revealed.proof, ())
    return (*(one.format(loose=revealed.loose) for one in loose), *_NOT_WHO)


def _file(content: dict[str, Any]) -> str | None:
    """Return the name of an attachment as its sender gave it (Matrix, `m.file`)."""
    if "url" not in content and "file" not in content:
        return None
    name = content.get("filename", content.get("body"))
    return name if isinstance(name, str) else "(no name)"
