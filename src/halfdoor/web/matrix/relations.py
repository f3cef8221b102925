"""What relates to an event: reactions, edits, threads (CS-API, "Forming relationships")."""

from typing import Final

from halfdoor.messaging.history import History
from halfdoor.web.matrix.asker import Asker, reader_of
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.matrix.timeline import direction
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_RELATIONS: Final = "/_matrix/client/v1/rooms/{roomId}/relations/{eventId}"
_PAGE: Final = 20


def routes(history: History, standing: Standing) -> list[Route]:
    """GET relations: all, of one kind, and of one kind and one event type."""

    async def relations(request: Request, session: Asker) -> Response:
        query, params = request.query, request.params
        towards = direction(query) or "b"
        limit = query.integer("limit", _PAGE)
        # Nothing here relates by way of another event, so `recurse` finds no more than its absence.
        query.boolean("recurse")
        await standing.check_remembered(session.user, params["roomId"])
        found = await history.relations(
            reader_of(session),
            params["roomId"],
            params["eventId"],
            rel_type=params.get("relType"),
            event_type=params.get("eventType"),
            start=query.get("from"),
            direction=towards,
            limit=limit,
        )
        return json_response(found)

    forms = ("", "/{relType}", "/{relType}/{eventType}")
    return [Route("GET", f"{_RELATIONS}{form}", relations) for form in forms]
