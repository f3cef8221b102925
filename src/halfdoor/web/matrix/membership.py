"""Inviting, leaving, putting out (CS-API, "Room membership")."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from halfdoor.messaging.moves import Moves
from halfdoor.messaging.reading import Reader
from halfdoor.web.matrix.asker import Asker, check_user_id, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Handler, Route

_ROOM: Final = "/_matrix/client/v3/rooms/{roomId}"

# reader, conversation, the other person, what else is said
_Move = Callable[[Reader, str, str, dict[str, Any]], Awaitable[None]]


class _Person(msgspec.Struct):
    user_id: str
    reason: str | None = None


class _Reason(msgspec.Struct):
    reason: str | None = None


def routes(moves: Moves) -> list[Route]:
    """Invite, leave, kick, ban and unban."""

    async def leave(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        body = await request.json_as(_Reason)
        extra = {"reason": body.reason}
        await moves.leave(writer, request.params["roomId"], extra)
        return empty_object()

    return [
        Route("POST", f"{_ROOM}/invite", _move(moves.invite), limit="send"),
        Route("POST", f"{_ROOM}/leave", leave, allow_empty_body=True),
        Route("POST", f"{_ROOM}/kick", _move(moves.kick), limit="send"),
        Route("POST", f"{_ROOM}/ban", _move(moves.ban), limit="send"),
        Route("POST", f"{_ROOM}/unban", _move(moves.unban), limit="send"),
    ]


def _move(move: _Move) -> Handler:
    async def answer(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        body = await request.json_as(_Person)
        check_user_id("user_id", body.user_id)
        extra = {"reason": body.reason}
        await move(writer, request.params["roomId"], body.user_id, extra)
        return empty_object()

    return answer
