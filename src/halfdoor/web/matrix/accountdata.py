"""One's own account data, everywhere or in one conversation (CS-API, "Client Config")."""

from typing import Final

from halfdoor.messaging.content import check_event_type
from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.personal import Personal
from halfdoor.web.errors import ApiError
from halfdoor.web.matrix.asker import Asker, check_own, reader_of, writer_of
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Route

_USER: Final = "/_matrix/client/v3/user/{userId}"
# Lists of direct conversations and settings of clients are the largest that is seen.
_MAX_BYTES: Final = 262_144


def routes(personal: Personal, standing: Standing) -> list[Route]:
    """GET and PUT of account data. What is sealed answers 404 to a session without the key."""

    async def get(request: Request, session: Asker) -> Response:
        check_own(request, session)
        room, kind = request.params.get("roomId", ""), request.params["type"]
        return Response(200, await personal.get(reader_of(session), kind, room))

    async def put(request: Request, session: Asker) -> Response:
        check_own(request, session)
        writer = writer_of(session)
        room, kind = request.params.get("roomId", ""), request.params["type"]
        check_event_type(kind)
        content = await request.json()
        if room:
            await standing.check_remembered(session.user, room)
        try:
            await personal.put(writer, kind, content, room)
        except ForbiddenError as error:
            # The specification's own answer for what has an endpoint of its own.
            raise ApiError(405, "M_BAD_JSON", error.reason) from None
        return empty_object()

    places = (f"{_USER}/account_data/{{type}}", f"{_USER}/rooms/{{roomId}}/account_data/{{type}}")
    return [
        *(Route("GET", place, get, auth="pending_ok") for place in places),
        *(Route("PUT", place, put, max_body_bytes=_MAX_BYTES) for place in places),
    ]
