"""R2: a case. It opens with what is known of it and no content; the lease is kept from here."""

from typing import Final

from halfdoor.web.console.console import REVIEWERS, Doors
from halfdoor.web.console.pages import see
from halfdoor.web.console.values import Shown
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route

# Why somebody looks: the log keeps one of these words for each reveal.
WHY: Final = {
    "judge": "To judge the report",
    "context": "To understand what came before",
    "second": "To check as the second person",
    "appeal": "To answer an appeal",
}
ESCALATE: Final = {"lead": "To a lead", "child_safety": "To child safety"}


async def show_case(
    doors: Doors, visit: Visit, *, shown: Shown | None = None, status: int = 200
) -> Response:
    """The page of the visit's case, with at most one thing opened on it."""
    page = await doors.desk.cases.view(visit.staff, visit.case)
    case = page.case
    policy = doors.desk.policy
    reason, queue = policy.reason(case.reason), policy.queue(case.queue)
    return doors.pages.page(
        "case.html",
        status,
        visit=visit,
        page=page,
        case=case,
        shown=shown,
        mine=case.mine,
        lease_until=case.lease_until,
        undo_ms=max(0, page.undo_until - doors.pages.now()),
        reason=reason,
        queue=case.queue if queue is None else queue.title,
        reasons={one.key: one.title for one in policy.reasons},
        why=WHY,
        escalate=ESCALATE,
    )


def routes(doors: Doors) -> list[Route]:
    """`/cases/{case}`, and what one may do with a case short of deciding it."""
    cases = doors.desk.cases

    async def look(visit: Visit) -> Response:
        return await show_case(doors, visit)

    async def claim(visit: Visit) -> Response:
        await cases.claim(visit.staff, visit.case)
        return see(f"/appeals/{visit.case}") if visit.form.text("back") else _back(visit)

    async def heartbeat(visit: Visit) -> Response:
        case = await cases.heartbeat(visit.staff, visit.case)
        if visit.fragment:
            return doors.pages.page("lease_part.html", lease_until=case.lease_until)
        return _back(visit)

    async def release(visit: Visit) -> Response:
        await cases.release(visit.staff, visit.case)
        return see("/queue")

    async def escalate(visit: Visit) -> Response:
        to = visit.form.text("to") or "lead"
        if to not in ESCALATE:
            raise InvalidParamError("to", "is neither a lead nor child safety")
        await cases.escalate(visit.staff, visit.case, visit.form.line("reason"), to)
        return see("/queue")

    async def merge(visit: Visit) -> Response:
        into = visit.form.need("into", 64)
        merged = await cases.merge(visit.staff, visit.case, into, visit.form.line("reason"))
        return see(f"/cases/{merged.id}")

    return [
        doors.get("/cases/{case}", REVIEWERS, look),
        doors.post("/cases/{case}/claim", REVIEWERS, claim),
        doors.post("/cases/{case}/heartbeat", REVIEWERS, heartbeat),
        doors.post("/cases/{case}/release", REVIEWERS, release),
        doors.post("/cases/{case}/escalate", REVIEWERS, escalate),
        doors.post("/cases/{case}/merge", REVIEWERS, merge),
    ]


def _back(visit: Visit) -> Response:
    return see(f"/cases/{visit.case}")
