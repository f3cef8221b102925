"""R4: what protects reviewers. The meters are one's own; others see averages of five and more."""

from halfdoor.web.console.console import EVERYBODY, REVIEWERS, Doors
from halfdoor.web.console.groups import groups
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import LOOKS_COOKIE, Visit, set_cookie
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_YEAR = 365 * 24 * 3600
LEAST_PEOPLE = 5


def routes(doors: Doors) -> list[Route]:
    """`/wellness`, opting out of groups, and how things look."""
    wellness, policy = doors.desk.wellness, doors.desk.policy

    async def look(visit: Visit) -> Response:
        team = await wellness.team(visit.staff) if visit.staff.may("lead") else None
        return doors.pages.page(
            "wellness.html",
            visit=visit,
            health=await wellness.mine(visit.staff),
            # Held back here too: a room that counted wrongly would tell of one person.
            team=team if team is not None and team.people >= LEAST_PEOPLE else None,
            groups=groups(policy),
            least=LEAST_PEOPLE,
        )

    async def opt_out(visit: Visit) -> Response:
        known = frozenset(groups(policy))
        await wellness.opt_out(visit.staff, known & frozenset(visit.form.all("group")))
        return see("/wellness")

    async def looks(visit: Visit) -> Response:
        chosen = ".".join(each for each in ("blur", "grey") if each in visit.form.all("look"))
        keep = set_cookie(LOOKS_COOKIE, chosen, seconds=_YEAR, secure=doors.secure)
        return see("/wellness", [keep])

    return [
        doors.get("/wellness", REVIEWERS, look),
        doors.post("/wellness/opt-out", REVIEWERS, opt_out),
        doors.post("/wellness/looks", EVERYBODY, looks),
    ]
