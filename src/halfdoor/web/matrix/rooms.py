"""Making a conversation, joining one, leaving it behind (CS-API, "Rooms")."""

from typing import Any, Final

import msgspec

from halfdoor.messaging.create import Creator
from halfdoor.messaging.errors import ForbiddenError, UnknownRoomError
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.reading import Reader
from halfdoor.web.errors import ApiError
from halfdoor.web.matrix.asker import Asker, reader_of, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_V3: Final = "/_matrix/client/v3"


class _Join(msgspec.Struct):
    reason: str | None = None


def routes(creator: Creator, moves: Moves, mailbox: MailboxStore) -> list[Route]:
    """createRoom, both forms of join, forget, and the list of joined conversations."""

    async def create(request: Request, session: Asker) -> Response:
        room = await creator.create(writer_of(session), await request.json())
        return json_response({"room_id": room})

    async def join(request: Request, session: Asker) -> Response:
        return await _join(request, session, request.params["roomId"])

    async def join_by_name(request: Request, session: Asker) -> Response:
        name = request.params["roomIdOrAlias"]
        if name.startswith("#"):
            raise ApiError(404, "M_NOT_FOUND", "Room aliases are not offered here.")
        return await _join(request, session, name)

    async def _join(request: Request, session: Asker, room: str) -> Response:
        writer = writer_of(session)
        body = await request.json_as(_Join)
        await _join_as_asked(writer, room, {"reason": body.reason})
        return json_response({"room_id": room})

    async def _join_as_asked(reader: Reader, room: str, extra: dict[str, Any]) -> None:
        try:
            await moves.join(reader, room, extra)
        except UnknownRoomError:
            # Word for word what somebody without an invitation is told.
            raise ForbiddenError("you are not invited to this conversation") from None

    async def forget(request: Request, session: Asker) -> Response:
        reader, room = writer_of(session), request.params["roomId"]
        await request.json()
        place = await mailbox.place(reader.user, room)
        if place is None:
            raise UnknownRoomError("there is no such conversation, or it is not for you")
        if place.membership not in {"leave", "ban"}:
            raise ApiError(400, "M_UNKNOWN", "You have not left this conversation.")
        await mailbox.forget(reader.user, room)
        return empty_object()

    async def joined(_request: Request, session: Asker) -> Response:
        places = await mailbox.places(reader_of(session).user)
        return json_response(
            {"joined_rooms": [place.conv for place in places if place.membership == "join"]}
        )

    return [
        Route("POST", f"{_V3}/createRoom", create, limit="send", allow_empty_body=True),
        Route("POST", f"{_V3}/rooms/{{roomId}}/join", join, limit="send", allow_empty_body=True),
        Route(
            "POST",
            f"{_V3}/join/{{roomIdOrAlias}}",
            join_by_name,
            limit="send",
            allow_empty_body=True,
        ),
        Route("POST", f"{_V3}/rooms/{{roomId}}/forget", forget, allow_empty_body=True),
        Route("GET", f"{_V3}/joined_rooms", joined),
    ]
