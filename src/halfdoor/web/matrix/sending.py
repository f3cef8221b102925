"""Sending and redacting: the path every message takes, so it does as little as can be."""

from typing import Final

from halfdoor.messaging.content import MAX_EVENT_BYTES, MAX_NAME_BYTES, parse_object
from halfdoor.messaging.send import Sender
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.matrix.asker import Asker, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_ROOM: Final = "/_matrix/client/v3/rooms/{roomId}"


def routes(sender: Sender) -> list[Route]:
    """PUT send and PUT redact; a repeated transaction id gets the first answer again."""

    async def send(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        content = parse_object(await request.body())
        event_id = await sender.message(
            writer,
            params["roomId"],
            params["eventType"],
            content,
            _transaction(params["txnId"]),
        )
        return event_response(event_id)

    async def redact(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        body = await request.body()
        target = params["eventId"]
        event_id = await sender.redact(
            writer,
            params["roomId"],
            target,
            parse_object(body) if body else {},
            _transaction(params["txnId"]),
            endpoint=f"redact/{target}",
        )
        return event_response(event_id)

    return [
        Route(
            "PUT",
            f"{_ROOM}/send/{{eventType}}/{{txnId}}",
            send,
            limit="send",
            max_body_bytes=MAX_EVENT_BYTES,
        ),
        Route(
            "PUT",
            f"{_ROOM}/redact/{{eventId}}/{{txnId}}",
            redact,
            limit="send",
            max_body_bytes=MAX_EVENT_BYTES,
        ),
    ]


def event_response(event_id: str) -> Response:
    """`{"event_id": …}`. Event ids are our own, of characters that JSON takes as they are."""
    return Response(200, b'{"event_id":"' + event_id.encode() + b'"}')


def _transaction(txn: str) -> str:
    # It is kept with the event, and told to the device that sent it.
    if len(txn) > MAX_NAME_BYTES or len(txn.encode()) > MAX_NAME_BYTES:
        raise InvalidParamError("txnId", "is longer than 255 bytes")
    return txn
