"""What was recorded: the staff log for auditors, and events to be replayed."""

from typing import Final

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.records import ModerationEvent
from halfdoor.readers.review.vault import lies_in_vault
from halfdoor.readers.review.webhooks import webhook_of
from halfdoor.web.staffapi.desk import ReviewDesk
from halfdoor.web.staffapi.operations import REVIEWERS, Asked, Operation
from halfdoor.web.staffapi.shapes import EventPage, Happened, LogPage, log_line

_MOST: Final = 500
_QUERY: Final = {
    "after": "The number behind which to begin; 0 at first, then `next` of the last answer.",
    "limit": "At most so many, 1 to 500.",
}
_VAULT: Final = "child_safety"


class Recorded:
    """The operations that read what happened."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        """Return them."""
        return [
            Operation(
                method="GET",
                path="/log",
                summary="The staff log: who did what, when, in which case and why; no content.",
                handler=self._log,
                answer=LogPage,
                roles=frozenset({"auditor"}),
                query=_QUERY,
            ),
            Operation(
                method="GET",
                path="/events",
                summary="What happened, as webhooks tell it, in its order: for whoever missed some."
                " Events of the vault are there for those with its role.",
                handler=self._events,
                answer=EventPage,
                roles=REVIEWERS | {"auditor"},
                query=_QUERY,
            ),
        ]

    async def _log(self, asked: Asked) -> LogPage:
        after, limit = _place(asked)
        lines = await self._desk.store.staff_log(after, limit)
        return LogPage(lines=[log_line(one) for one in lines], next=lines[-1].n if lines else after)

    async def _events(self, asked: Asked) -> EventPage:
        after, limit = _place(asked)
        events = await self._desk.store.events_after(after, limit)
        hidden = await self._hidden(asked.staff, events)
        told = [webhook_of(one) for one in events if one.case not in hidden]
        return EventPage(
            events=[
                Happened(number=one.number, type=one.type, case=one.case, at=one.at, late=one.late)
                for one in told
                if one is not None
            ],
            next=events[-1].number if events else after,
        )

    async def _hidden(self, staff: StaffMember, events: list[ModerationEvent]) -> frozenset[str]:
        """Return the cases among *events* of which *staff* may not even know that they exist."""
        if staff.may(_VAULT):
            return frozenset()
        found = [await self._desk.store.case(id_) for id_ in {one.case for one in events}]
        return frozenset(
            one.id for one in found if one is not None and lies_in_vault(one, self._desk.review)
        )


def _place(asked: Asked) -> tuple[int, int]:
    query = asked.request.query
    after = query.integer("after", 0)
    return after, query.integer("limit", 100, least=1, most=_MOST)
