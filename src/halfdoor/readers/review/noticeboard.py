"""What a person is told, as they fetch it: their own, once it may be shown, hidden ones on request.

A guardian has no way in here: there is no question about another person (SAFETY §5.10).
"""

from typing import Any, final

from halfdoor.clock import Clock
from halfdoor.readers.review.errors import UnknownCaseError
from halfdoor.readers.review.notice_body import body_of, shown
from halfdoor.readers.review.records import Notice
from halfdoor.readers.review.statements import export
from halfdoor.readers.review.store import DeskStore

_NO_NOTICE = "There is no such notice."


@final
class Noticeboard:
    """Reads notices for the person whom they are for, and for nobody else."""

    def __init__(self, desk: DeskStore, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def listed(self, user: str, *, hidden: bool = False) -> list[dict[str, Any]]:
        """Return what *user* is told by now, newest first; *hidden* ones instead where asked for.

        Hidden ones are about reports that leave no trace in what the account's screens show.
        """
        found = await self._desk.notices(user, self._clock.now_ms())
        return [shown(one) for one in found if one.hidden is hidden]

    async def one(self, user: str, name: str) -> dict[str, Any]:
        """Return one notice and note that it was read; `UnknownCaseError`."""
        notice = await self._find(user, name)
        if not notice.read:
            await self._desk.mark_read(user, name)
        return {**shown(notice), "read": True}

    async def statement(self, user: str, name: str) -> bytes:
        """Return the statement of reasons of a notice as JSON to keep; `UnknownCaseError`."""
        body = body_of(await self._find(user, name))
        if body.statement is None or body.redress is None:
            raise UnknownCaseError("This notice holds no statement of reasons.")
        return export(body.statement, body.redress)

    async def _find(self, user: str, name: str) -> Notice:
        notice = await self._desk.notice(user, name)
        # What is not to be shown yet is not there.
        if notice is None or notice.show_at > self._clock.now_ms():
            raise UnknownCaseError(_NO_NOTICE)
        return notice
