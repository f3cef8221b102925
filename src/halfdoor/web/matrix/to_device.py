"""PUT sendToDevice: messages between devices (CS-API, "Send-to-Device messaging")."""

from typing import Final

from halfdoor.e2ee import to_device
from halfdoor.messaging.content import MAX_NAME_BYTES, parse_object
from halfdoor.messaging.device_messages import DeviceMessages
from halfdoor.web.errors import ErrorTable, InvalidParamError
from halfdoor.web.matrix.asker import Asker, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Route

# A key for each of the devices that one request may name takes about a kilobyte.
MAX_BODY_BYTES: Final = 2 * 1024 * 1024


def routes(messages: DeviceMessages) -> list[Route]:
    """PUT sendToDevice/{eventType}/{txnId}; a repeated transaction id adds nothing."""

    async def send(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        txn = params["txnId"]
        if len(txn.encode()) > MAX_NAME_BYTES:
            raise InvalidParamError("txnId", "is longer than 255 bytes")
        body = parse_object(await request.body())
        await messages.send(writer, params["eventType"], txn, body)
        return empty_object()

    return [
        Route(
            "PUT",
            "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}",
            send,
            limit="send",
            max_body_bytes=MAX_BODY_BYTES,
        )
    ]


def add_to_device_refusals(table: ErrorTable) -> None:
    """Enter everything that is refused about messages between devices; no text quotes anything."""
    table.add(to_device.TypeRefusedError, 403, "M_FORBIDDEN", str)
    table.add(to_device.BadMessagesError, 400, "M_BAD_JSON", str)
    table.add(to_device.TooManyTargetsError, 413, "M_TOO_LARGE", str)
