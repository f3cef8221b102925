"""The second person's page: what somebody proposed, to be confirmed or refused by another."""

from halfdoor.web.console.console import REVIEWERS, Doors
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit
from halfdoor.web.response import Response
from halfdoor.web.router import Route


def routes(doors: Doors) -> list[Route]:
    """`/confirm` and `/confirm/{case}`."""
    decisions, policy = doors.desk.decisions, doors.desk.policy
    titles = {one.key: one.title for one in policy.reasons}

    async def waiting(visit: Visit) -> Response:
        proposals = await decisions.proposals(visit.staff)
        return doors.pages.page("confirm.html", visit=visit, proposals=proposals, reasons=titles)

    async def look(visit: Visit) -> Response:
        proposal = await decisions.proposal(visit.staff, visit.case)
        letters = await decisions.preview(visit.staff, visit.case, proposal.choice)
        return doors.pages.page(
            "proposal.html", visit=visit, proposal=proposal, letters=letters, reasons=titles
        )

    async def confirm(visit: Visit) -> Response:
        proposal = visit.form.text("proposal") or None
        await decisions.confirm(visit.staff, visit.case, proposal)
        return see("/confirm")

    async def refuse(visit: Visit) -> Response:
        await decisions.refuse(visit.staff, visit.case, visit.form.line("reason"))
        return see("/confirm")

    return [
        doors.get("/confirm", REVIEWERS, waiting),
        doors.get("/confirm/{case}", REVIEWERS, look),
        doors.post("/confirm/{case}/yes", REVIEWERS, confirm),
        doors.post("/confirm/{case}/no", REVIEWERS, refuse),
    ]
