"""What people show of themselves (CS-API, "Profiles")."""

from collections.abc import Awaitable, Callable
from typing import Final

from halfdoor.accounts.profile import Profiles
from halfdoor.accounts.session import Session
from halfdoor.web.errors import ApiError, MissingParamError
from halfdoor.web.matrix.asker import check_own
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_PROFILE: Final = "/_matrix/client/v3/profile/{userId}"
_FIELD: Final = f"{_PROFILE}/{{keyName}}"

# Called after the shown name or picture of a session's person changed.
Changed = Callable[[Session], Awaitable[None]]
# Asked by user id before anything is changed.
Suspended = Callable[[str], Awaitable[bool]]


def routes(profiles: Profiles, changed: Changed, suspended: Suspended) -> list[Route]:
    """Return the routes of this page; *changed* shows the new name in the person's rooms.

    Whoever is *suspended* shows nothing new: a name can say as much as a message.
    """

    async def everything(request: Request, _session: Session) -> Response:
        return json_response(await profiles.all(request.params["userId"]))

    async def field(request: Request, _session: Session) -> Response:
        name = request.params["keyName"]
        return json_response({name: await profiles.field(request.params["userId"], name)})

    async def set_field(request: Request, session: Session) -> Response:
        check_own(request, session)
        await check_writes(session)
        name = request.params["keyName"]
        body = await request.json()
        if name not in body:
            raise MissingParamError(name)
        if body[name] is None and name in ("displayname", "avatar_url"):
            await profiles.delete(session.user, name)
        else:
            await profiles.set(session.user, name, body[name])
        await _tell(name, session)
        return empty_object()

    async def delete(request: Request, session: Session) -> Response:
        check_own(request, session)
        await check_writes(session)
        await profiles.delete(session.user, request.params["keyName"])
        await _tell(request.params["keyName"], session)
        return empty_object()

    async def _tell(name: str, session: Session) -> None:
        if name in ("displayname", "avatar_url") and not session.pending:
            await changed(session)

    async def check_writes(session: Session) -> None:
        if session.closed:
            raise ApiError(403, "M_FORBIDDEN", "The account was started over: this can only read.")
        if await suspended(session.user):
            raise ApiError(403, "M_USER_SUSPENDED", "This account is suspended.")

    return [
        Route("GET", _PROFILE, everything, auth="pending_ok"),
        Route("GET", _FIELD, field, auth="pending_ok"),
        Route("PUT", _FIELD, set_field, auth="pending_ok"),
        Route("DELETE", _FIELD, delete, auth="pending_ok"),
    ]
