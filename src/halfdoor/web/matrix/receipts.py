"""How far somebody has read, and whether they are typing (CS-API, "Receipts", "Typing")."""

from typing import Annotated, Final

import msgspec

from halfdoor.ids import BadId, read_id
from halfdoor.messaging.markers import KINDS, Markers
from halfdoor.messaging.personal import FULLY_READ
from halfdoor.web.errors import InvalidParamError
from halfdoor.web.matrix.asker import Asker, check_own, writer_of
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object
from halfdoor.web.router import Route

_ROOM: Final = "/_matrix/client/v3/rooms/{roomId}"
_TYPING_MS: Final = 30_000
_LONGEST_TYPING_MS: Final = 120_000


class _Receipt(msgspec.Struct):
    thread_id: str | None = None


class _Markers(msgspec.Struct):
    fully_read: str | None = msgspec.field(default=None, name="m.fully_read")
    read: str | None = msgspec.field(default=None, name="m.read")
    private: str | None = msgspec.field(default=None, name="m.read.private")


class _Typing(msgspec.Struct):
    typing: bool
    timeout: Annotated[int, msgspec.Meta(ge=0)] | None = None


def routes(markers: Markers) -> list[Route]:
    """POST receipt and read_markers, PUT typing."""

    async def receipt(request: Request, session: Asker) -> Response:
        writer, params = writer_of(session), request.params
        kind = params["receiptType"]
        if kind not in KINDS:
            raise InvalidParamError("receiptType", "is no receipt type of this server")
        body = await request.json_as(_Receipt)
        thread = _thread(body.thread_id, kind)
        await markers.read(writer, params["roomId"], kind, params["eventId"], thread)
        return empty_object()

    async def read_markers(request: Request, session: Asker) -> Response:
        writer = writer_of(session)
        body = await request.json_as(_Markers)
        # The marker last: whoever names an unknown event in a receipt has moved nothing.
        asked = zip(KINDS, (body.read, body.private, body.fully_read), strict=True)
        for kind, event_id in asked:
            if event_id is not None:
                await markers.read(writer, request.params["roomId"], kind, event_id)
        return empty_object()

    async def typing(request: Request, session: Asker) -> Response:
        check_own(request, session)
        writer = writer_of(session)
        body = await request.json_as(_Typing)
        timeout = _TYPING_MS if body.timeout is None else min(body.timeout, _LONGEST_TYPING_MS)
        await markers.typing(writer, request.params["roomId"], timeout if body.typing else 0)
        return empty_object()

    return [
        Route(
            "POST", f"{_ROOM}/receipt/{{receiptType}}/{{eventId}}", receipt, allow_empty_body=True
        ),
        Route("POST", f"{_ROOM}/read_markers", read_markers, allow_empty_body=True),
        Route("PUT", f"{_ROOM}/typing/{{userId}}", typing),
    ]


def _thread(thread: str | None, kind: str) -> str | None:
    """Return the thread of a receipt: None, `main`, or the id of an event."""
    if thread is None:
        return None
    if kind == FULLY_READ:
        raise InvalidParamError("thread_id", "cannot be given for m.fully_read")
    # It is shown to everybody in the conversation: free text would be a message that no rule sees.
    if thread != "main" and not _is_event_id(thread):
        raise InvalidParamError("thread_id", "must be main or the id of an event")
    return thread


def _is_event_id(text: str) -> bool:
    try:
        read_id("$", text)
    except BadId:
        return False
    return True
