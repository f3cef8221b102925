"""State of a conversation: all of it, one piece, and setting one (CS-API, "Rooms: state")."""

from typing import Final

import msgspec

from halfdoor.messaging.content import MAX_EVENT_BYTES, parse_object
from halfdoor.messaging.errors import NotFoundError
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.presenting import Presenting
from halfdoor.messaging.send import Sender
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.matrix.asker import Asker, check_user_id, reader_of, writer_of
from halfdoor.web.matrix.sending import event_response
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_STATE: Final = "/_matrix/client/v3/rooms/{roomId}/state"
_MEMBER: Final = "m.room.member"


class _Event(msgspec.Struct):
    content: msgspec.Raw


_decode_event = msgspec.json.Decoder(_Event).decode


def routes(sender: Sender, moves: Moves, standing: Standing, presenting: Presenting) -> list[Route]:
    """GET of everything; GET and PUT with a key, without one, and with an empty one."""

    async def everything(request: Request, session: Asker) -> Response:
        reader = reader_of(session)
        room, state = await standing.state(reader, request.params["roomId"])
        shown = await presenting.state(reader, room, list(state.values()), with_room=True)
        return Response(200, b"[" + b",".join(shown) + b"]")

    async def get(request: Request, session: Asker) -> Response:
        reader, params = reader_of(session), request.params
        form = request.query.get("format")
        if form not in {None, "content", "event"}:
            raise InvalidParamError("format", "must be content or event")
        room, state = await standing.state(reader, params["roomId"])
        event = state.get((params["eventType"], params.get("stateKey", "")))
        found = [event] if event is not None else []
        shown = await presenting.state(reader, room, found, with_room=True)
        if not shown:
            raise NotFoundError("there is no such state")
        return Response(
            200, shown[0] if form == "event" else bytes(_decode_event(shown[0]).content)
        )

    async def put(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        room, event_type = params["roomId"], params["eventType"]
        state_key = params.get("stateKey", "")
        content = parse_object(await request.body())
        if event_type == _MEMBER:
            check_user_id("stateKey", state_key)
            return event_response(await moves.set_member(writer, room, state_key, content))
        return event_response(await sender.state(writer, room, event_type, state_key, content))

    forms = ("/{eventType}", "/{eventType}/", "/{eventType}/{stateKey}")
    return [
        Route("GET", _STATE, everything),
        *(Route("GET", f"{_STATE}{form}", get) for form in forms),
        *(
            Route("PUT", f"{_STATE}{form}", put, limit="send", max_body_bytes=MAX_EVENT_BYTES)
            for form in forms
        ),
    ]
