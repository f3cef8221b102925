"""Endpoints that clients probe and this server has nothing behind: short, true answers.

Class T of matrix-profile.csv; whatever is in no module at all answers 404 `M_UNRECOGNIZED`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from halfdoor.web.errors import ApiError, UnrecognizedError
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Handler, Route

_V1: Final = "/_matrix/client/v1"
_V3: Final = "/_matrix/client/v3"

_NO_ROOMS: Final = {"chunk": [], "total_room_count_estimate": 0}
# The words are sealed: there is no index that could be searched.
_NOTHING_FOUND: Final = {
    "search_categories": {"room_events": {"count": 0, "results": [], "highlights": []}}
}


def routes(name_is_free: Callable[[str], Awaitable[None]] | None) -> list[Route]:
    """*name_is_free* raises for a user name that cannot be had; None while registration is off."""

    async def available(request: Request, _session: None) -> Response:
        if name_is_free is None:
            raise ApiError(403, "M_FORBIDDEN", "Registration is off.")
        await name_is_free(request.query.need("username"))
        return json_response({"available": True})

    return [
        Route("GET", f"{_V1}/auth_metadata", _no_oauth, auth="none"),
        Route("GET", f"{_V1}/mutual_rooms", _always({"joined": [], "count": 0})),
        Route("GET", f"{_V1}/rooms/{{roomId}}/threads", _always({"chunk": []})),
        Route("GET", f"{_V3}/account/3pid", _always({"threepids": []}), auth="pending_ok"),
        Route("GET", f"{_V3}/notifications", _always({"notifications": []}), auth="pending_ok"),
        Route("PUT", f"{_V3}/presence/{{userId}}/status", _set_presence, auth="pending_ok"),
        Route(
            "GET",
            f"{_V3}/presence/{{userId}}/status",
            _always({"presence": "offline"}),
            auth="pending_ok",
        ),
        Route("GET", f"{_V3}/publicRooms", _always(_NO_ROOMS), auth="none"),
        Route("POST", f"{_V3}/publicRooms", _always(_NO_ROOMS), allow_empty_body=True),
        Route("GET", f"{_V3}/register/available", available, auth="none", limit="register"),
        Route("POST", f"{_V3}/search", _search),
        Route("GET", f"{_V3}/thirdparty/protocols", _always({}), auth="pending_ok"),
        Route("POST", f"{_V3}/user/{{userId}}/openid/request_token", _no_openid),
        Route("GET", f"{_V3}/voip/turnServer", _always({}), auth="pending_ok"),
    ]


def _always(content: Mapping[str, Any]) -> Handler:
    async def answer(_request: Request, _session: Any) -> Response:
        return json_response(content)

    return answer


async def _no_oauth(_request: Request, _session: None) -> Response:
    # Clients take this as: sign in by password or token (MATRIX §1.1).
    raise UnrecognizedError


async def _set_presence(request: Request, session: Any) -> Response:
    if request.params["userId"] != session.user:
        raise ApiError(403, "M_FORBIDDEN", "Presence is one's own.")
    await request.json()
    return empty_object()


async def _search(request: Request, _session: Any) -> Response:
    await request.json()
    return json_response(_NOTHING_FOUND)


async def _no_openid(_request: Request, _session: Any) -> Response:
    raise ApiError(403, "M_FORBIDDEN", "This server vouches for nobody elsewhere.")
