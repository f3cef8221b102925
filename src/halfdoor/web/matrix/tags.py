"""Tags of a conversation, kept as its account data `m.tag` (CS-API, "Room Tagging")."""

from typing import Any, Final

import msgspec

from halfdoor.messaging.content import MAX_EVENT_BYTES, MAX_NAME_BYTES, encode
from halfdoor.messaging.errors import NotFoundError, TooLargeError
from halfdoor.messaging.personal import TAGS, Personal
from halfdoor.messaging.reading import Reader
from halfdoor.web.errors import BadJsonError, InvalidParamError
from halfdoor.web.matrix.asker import Asker, check_own, reader_of, writer_of
from halfdoor.web.matrix.standing import Standing
from halfdoor.web.matrix.turns import Turns
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route

_TAGS: Final = "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags"

Tags = dict[str, Any]


def routes(personal: Personal, standing: Standing) -> list[Route]:
    """GET all, PUT and DELETE one."""
    turns = Turns()

    async def get(request: Request, session: Asker) -> Response:
        check_own(request, session)
        return json_response({"tags": await _read(reader_of(session), request.params["roomId"])})

    async def put(request: Request, session: Asker) -> Response:
        check_own(request, session)
        writer, room = writer_of(session), request.params["roomId"]
        tag = request.params["tag"]
        if len(tag.encode()) > MAX_NAME_BYTES:
            raise InvalidParamError("tag", "is longer than 255 bytes")
        info = await request.json()
        if not isinstance(info.get("order", 0), int | float):
            raise BadJsonError("order must be a number.")
        await standing.check_remembered(session.user, room)
        async with turns.of(session.user):
            await _write(writer, room, {**await _read(writer, room), tag: info})
        return empty_object()

    async def delete(request: Request, session: Asker) -> Response:
        check_own(request, session)
        writer, room = writer_of(session), request.params["roomId"]
        async with turns.of(session.user):
            tags = await _read(writer, room)
            if tags.pop(request.params["tag"], None) is not None:
                await _write(writer, room, tags)
        return empty_object()

    async def _read(reader: Reader, room: str) -> Tags:
        try:
            content = msgspec.json.decode(await personal.get(reader, TAGS, room))
        except NotFoundError:
            return {}
        # Clients may write m.tag as account data too, and anything into it.
        tags = content.get("tags")
        return tags if isinstance(tags, dict) else {}

    async def _write(reader: Reader, room: str, tags: Tags) -> None:
        content = {"tags": tags}
        if len(encode(content)) > MAX_EVENT_BYTES:
            raise TooLargeError("there are too many tags")
        await personal.put(reader, TAGS, content, room)

    return [
        Route("GET", _TAGS, get),
        Route(
            "PUT",
            f"{_TAGS}/{{tag}}",
            put,
            allow_empty_body=True,
            max_body_bytes=MAX_EVENT_BYTES,
        ),
        Route("DELETE", f"{_TAGS}/{{tag}}", delete),
    ]
