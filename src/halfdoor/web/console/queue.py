"""R1: the queue. What waits, the least time left first, and nothing of what was said."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from halfdoor.policy.review import Review
from halfdoor.web.console.console import REVIEWERS, Doors
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
    """The filters that an address names; InvalidParamError for a state there is not."""
    asked = query.get("state") or "open"
    state = next((one for one in STATES if one == asked), None)
    if state is None:
        raise InvalidParamError("state", "is none of the queue's")
    minor = {"yes": True, "no": False}.get(query.get("minor") or "")
    return Filters(
        group=query.get("group") or None,
        language=query.get("language") or None,
        minor=minor,
        state=state,
        after=query.get("after") or None,
    )


def groups(policy: Review) -> list[str]:
    """The groups of reasons, before the dot, in the order of the policy."""
    return list(dict.fromkeys(one.key.partition(".")[0] for one in policy.reasons))


def _query(filters: Filters, after: str) -> str:
    minor = {True: "yes", False: "no", None: ""}[filters.minor]
    fields = {
        "state": filters.state,
        "group": filters.group or "",
        "language": filters.language or "",
        "minor": minor,
        "after": after,
    }
    return urlencode({name: value for name, value in fields.items() if value})
