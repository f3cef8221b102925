"""A1: accounts of staff and of people, sessions, invitations. Nothing here knows a case."""

import re
from typing import Final, get_args

from halfdoor.policy.review import Role
from halfdoor.web.console.console import ADMIN, Doors
from halfdoor.web.console.house_values import Account
from halfdoor.web.console.pages import see
from halfdoor.web.console.visit import Visit
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.response import Response
from halfdoor.web.router import Route

ROLES: Final[tuple[str, ...]] = get_args(Role)
_PLACE: Final = re.compile(r"[A-Z]{2}")
_LONGEST_ID: Final = 255


def routes(doors: Doors) -> list[Route]:
    """`/admin`, `/admin/house` and their forms."""
    offices, houses = doors.desk.offices, doors.desk.houses

    async def show(
        visit: Visit, link: str | None = None, account: Account | None = None
    ) -> Response:
        office = await offices.office(visit.staff)
        return doors.pages.page(
            "admin.html", visit=visit, office=office, link=link, all_roles=ROLES, account=account
        )

    async def look(visit: Visit) -> Response:
        return await show(visit)

    async def house(visit: Visit) -> Response:
        state = await houses.state(visit.staff)
        return doors.pages.page("admin_house.html", visit=visit, house=state)

    async def examine(visit: Visit) -> Response:
        await houses.examine(visit.staff)
        return see("/admin/house")

    async def look_up(visit: Visit) -> Response:
        # By a form's body: a name of a person stands in no address, and so in no history.
        account = await houses.look_up(visit.staff, visit.form.need("user", _LONGEST_ID))
        return await show(visit, account=account)

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
        doors.get("/admin/house", ADMIN, house),
        doors.post("/admin/house/examine", ADMIN, examine),
        doors.post("/admin/people", ADMIN, look_up),
        doors.post("/admin/invite", ADMIN, invite),
        doors.post("/admin/sessions/end", ADMIN, end_session),
        doors.post("/admin/members/end", ADMIN, end_member),
    ]
