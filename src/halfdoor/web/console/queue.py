"""R1: the queue. What waits, the least time left first, and nothing of what was said."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from halfdoor.web.console.console import REVIEWERS, Doors
from halfdoor.web.console.groups import groups
from halfdoor.web.console.pages import see
from halfdoor.web.console.values import Filters, State
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.query import Query
from halfdoor.web.response import Response
from halfdoor.web.router import Route

STATES: Final[Mapping[State, str]] = {
    "open": "Waiting",
    "mine": "Mine",
    "second": "Second person",
    "escalated": "Escalated",
}


POSTURES: Final[Mapping[str, str]] = {
    "standard": "Standard",
    "e2ee": "End-to-end encrypted",
}
_CASE: Final = re.compile(r"case_[A-Za-z0-9_-]{22}")


def routes(doors: Doors) -> list[Route]:
    """`/` and `/queue`, and the button that takes the next case."""

    async def home(_visit: Visit) -> Response:
        return see("/queue" if REVIEWERS & _visit.staff.roles else "/board")

    async def queue(visit: Visit) -> Response:
        filters = filters_of(visit.query)
        view = await doors.desk.cases.queue(visit.staff, filters)
        policy = doors.desk.policy
        after = view.cases[-1].id if view.more else None
        return doors.pages.page(
            "queue_part.html" if visit.fragment else "queue.html",
            visit=visit,
            view=view,
            filters=filters,
            states=STATES,
            postures=POSTURES,
            groups=groups(policy),
            reasons={one.key: one.title for one in policy.reasons},
            queues={one.name: one.title for one in policy.queues},
            following=None if after is None else f"/queue?{_query(filters, after)}",
        )

    async def take(visit: Visit) -> Response:
        case = await doors.desk.cases.next(visit.staff)
        return see("/queue?state=open" if case is None else f"/cases/{case.id}")

    from_everybody = REVIEWERS | {"auditor", "admin"}
    return [
        doors.get("/", from_everybody, home),
        doors.get("/queue", REVIEWERS, queue),
        doors.post("/queue/next", REVIEWERS, take),
    ]


def filters_of(query: Query) -> Filters:
    """The filters that an address names; InvalidParamError for what there is not."""
    asked = query.get("state") or "open"
    state = next((one for one in STATES if one == asked), None)
    if state is None:
        raise InvalidParamError("state", "is none of the queue's")
    minor = {"yes": True, "no": False}.get(query.get("minor") or "")
    after = query.get("after") or None
    if after is not None and _CASE.fullmatch(after) is None:
        raise InvalidParamError("after", "is no case that this queue could go on behind")
    posture = query.get("posture") or None
    if posture is not None and posture not in POSTURES:
        raise InvalidParamError("posture", "is none that a conversation has")
    return Filters(
        group=query.get("group") or None,
        language=query.get("language") or None,
        minor=minor,
        state=state,
        posture=posture,
        after=after,
    )


def _query(filters: Filters, after: str) -> str:
    minor = {True: "yes", False: "no", None: ""}[filters.minor]
    fields = {
        "state": filters.state,
        "group": filters.group or "",
        "language": filters.language or "",
        "posture": filters.posture or "",
        "minor": minor,
        "after": after,
    }
    return urlencode({name: value for name, value in fields.items() if value})
