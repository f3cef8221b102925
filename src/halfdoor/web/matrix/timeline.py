"""Reading back: pages of history, one event, and what stood around it (CS-API, "Rooms: events")."""

from typing import Final

from halfdoor.messaging.history import Direction, History
from halfdoor.web.errors import InvalidParamError, MissingParamError
from halfdoor.web.matrix.asker import Asker, reader_of
from halfdoor.web.matrix.kept_filters import event_filter
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.query import Query
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_ROOM: Final = "/_matrix/client/v3/rooms/{roomId}"
_PAGE: Final = 10


def routes(history: History, standing: Standing) -> list[Route]:
    """GET messages, context and event."""

    async def messages(request: Request, session: Asker) -> Response:
        query, room = request.query, request.params["roomId"]
        towards = direction(query)
        if towards is None:
            raise MissingParamError("dir")
        limit = query.integer("limit", _PAGE)
        wanted = event_filter(query.get("filter"))
        await standing.check_remembered(session.user, room)
        page = await history.messages(
            reader_of(session),
            room,
            start=query.get("from"),
            end=query.get("to"),
            direction=towards,
            limit=limit,
            wanted=wanted,
        )
        return json_response(page)

    async def context(request: Request, session: Asker) -> Response:
        query, room = request.query, request.params["roomId"]
        limit = query.integer("limit", _PAGE)
        wanted = event_filter(query.get("filter"))
        await standing.check_remembered(session.user, room)
        around = await history.context(
            reader_of(session), room, request.params["eventId"], limit, wanted
        )
        return json_response(around)

    async def event(request: Request, session: Asker) -> Response:
        room = request.params["roomId"]
        await standing.check_remembered(session.user, room)
        return Response(
            200, await history.event(reader_of(session), room, request.params["eventId"])
        )

    return [
        Route("GET", f"{_ROOM}/messages", messages),
        Route("GET", f"{_ROOM}/context/{{eventId}}", context),
        Route("GET", f"{_ROOM}/event/{{eventId}}", event),
    ]


def direction(query: Query) -> Direction | None:
    """The `dir` of a query: `b`, `f`, or None where there is none; else 400 M_INVALID_PARAM."""
    given = query.get("dir")
    if given is None:
        return None
    if given == "b":
        return "b"
    if given == "f":
        return "f"
    raise InvalidParamError("dir", "must be b or f")
