"""A1: staff, invitations, sessions, policy and doctor. Nothing here knows a case or a message."""

import re
from typing import Final, get_args

from halfdoor.policy.review import Role
from halfdoor.web.console.console import ADMIN, Doors
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route

ROLES: Final[tuple[str, ...]] = get_args(Role)
_PLACE: Final = re.compile(r"[A-Z]{2}")


def routes(doors: Doors) -> list[Route]:
    """`/admin` and its forms."""
    offices = doors.desk.offices

    async def show(visit: Visit, link: str | None = None) -> Response:
        office = await offices.office(visit.staff)
        return doors.pages.page(
            "admin.html", visit=visit, office=office, link=link, all_roles=ROLES
        )

    async def look(visit: Visit) -> Response:
        return await show(visit)

    async def invite(visit: Visit) -> Response:
        roles = frozenset(visit.form.all("role"))
        if not roles or not roles <= frozenset(ROLES):
            raise InvalidParamError("role", "needs one of the roles or more")
        place = visit.form.need("place", 2).upper()
        if not _PLACE.fullmatch(place):
            raise InvalidParamError("place", "must be a country's code of two letters")
        link = await offices.invite(visit.staff, visit.form.need("name", 60), roles, place)
        # Shown in this answer alone: it is kept nowhere, and a reload makes another one.
        return await show(visit, link)

    async def end_session(visit: Visit) -> Response:
        await offices.end_session(visit.staff, visit.form.need("session", 80))
        return see("/admin")

    async def end_member(visit: Visit) -> Response:
        await offices.end_member(visit.staff, visit.form.need("member", 80))
        return see("/admin")

    return [
        doors.get("/admin", ADMIN, look),
        doors.post("/admin/invite", ADMIN, invite),
        doors.post("/admin/sessions/end", ADMIN, end_session),
        doors.post("/admin/members/end", ADMIN, end_member),
    ]
