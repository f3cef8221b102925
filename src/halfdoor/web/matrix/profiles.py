"""What people show of themselves (CS-API, "Profiles")."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from halfdoor.accounts.profile import Profiles, check_field
from halfdoor.accounts.session import Session
from halfdoor.messaging.reading import Reader
from halfdoor.web.errors import ApiError, MissingParamError
from halfdoor.web.matrix.asker import check_own, reader_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_PROFILE: Final = "/_matrix/client/v3/profile/{userId}"
_FIELD: Final = f"{_PROFILE}/{{keyName}}"

# Called after the shown name or picture of a session's person changed.
Changed = Callable[[Session], Awaitable[None]]
# Asked by user id before anything is changed.
Suspended = Callable[[str], Awaitable[bool]]


class Pictures(Protocol):
    """Who may fetch the picture of a profile (`messaging.media_avatars.Avatars`)."""

    async def name(self, reader: Reader, address: str) -> None:
        """Let everybody fetch the file that the profile of *reader* is about to name."""

    async def unname(self, reader: Reader, address: str = "") -> None:
        """Let nobody fetch the one it named before, unless that is *address* too."""


def routes(
    profiles: Profiles, pictures: Pictures, changed: Changed, suspended: Suspended
) -> list[Route]:
    """Return the routes of this page; *changed* shows the new name in the person's rooms.

    *pictures* lets everybody fetch the picture that a profile names, and no other any more.
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
            await _delete(name, session)
        else:
            await _set(name, session, body[name])
        await _tell(name, session)
        return empty_object()

    async def delete(request: Request, session: Session) -> Response:
        check_own(request, session)
        await check_writes(session)
        await _delete(request.params["keyName"], session)
        await _tell(request.params["keyName"], session)
        return empty_object()

    async def _set(name: str, session: Session, value: object) -> None:
        check_field(name, value)
        shows = name == "avatar_url" and isinstance(value, str)
        if shows:
            # Before: what the profile names, everybody may fetch.
            await pictures.name(reader_of(session), str(value))
        await profiles.set(session.user, name, value)
        if shows:
            await pictures.unname(reader_of(session), str(value))

    async def _delete(name: str, session: Session) -> None:
        await profiles.delete(session.user, name)
        if name == "avatar_url":
            await pictures.unname(reader_of(session))

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
