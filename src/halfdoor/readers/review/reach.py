"""How far a decision of a case reaches: its conversations, and the messages it may remove."""

from typing import Final, Protocol

import msgspec

from halfdoor.readers.review.merging import family
from halfdoor.readers.review.records import Case
from halfdoor.readers.review.store import DeskStore

# An appeal or complaint is about the case before it, which is about no third one.
_STEPS: Final = 4


class Company(Protocol):
    """Who takes part in a conversation."""

    async def is_pair(self, room: str) -> bool:
        """Tell whether at most two people take part in *room*; so it is where nobody knows it."""


class Reach(msgspec.Struct, frozen=True):
    """The conversations that were named, and room and event of what the subject wrote there."""

    rooms: frozenset[str]
    written: frozenset[tuple[str, str]]


async def reach_of(desk: DeskStore, case: Case) -> Reach:
    """Return how far a decision of *case* reaches; that of a contest as far as what it contests.

    Only messages of which there is evidence that the subject wrote them: a neighbour that somebody
    ticked may be the victim's, and what a reporter typed names any event.
    """
    for _ in range(_STEPS):
        before = await desk.case(case.origin) if case.origin is not None else None
        if before is None:
            break
        case = before
    rooms: set[str] = set()
    written: set[tuple[str, str]] = set()
    for one in await family(desk, case):
        for item in await desk.evidence(one.id):
            rooms.add(item.room)
            if item.sender == case.subject:
                written.add((item.room, item.event_id))
        rooms |= {room for each in await desk.reports(one.id) if (room := each.room) is not None}
    return Reach(frozenset(rooms), frozenset(written))


async def is_pair(reach: Reach, company: Company) -> bool:
    """Tell whether the hour of a measure could name who reported.

    A report about a person names no conversation: the two may share only one of two.
    """
    for room in sorted(reach.rooms):
        if await company.is_pair(room):
            return True
    return not reach.rooms
