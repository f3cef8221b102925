"""Keeping a filter, and getting it back (CS-API, "Filtering")."""

from typing import Final

from halfdoor.messaging.content import encode
from halfdoor.messaging.errors import NotFoundError
from halfdoor.messaging.filters import MAX_FILTER_BYTES, parse_filter
from halfdoor.messaging.mailbox import MailboxStore
from halfdoor.web.matrix.asker import Asker, check_own
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

_FILTER: Final = "/_matrix/client/v3/user/{userId}/filter"


def routes(mailbox: MailboxStore) -> list[Route]:
    """POST and GET of filters; a device that waits for approval may keep one already."""

    async def keep(request: Request, session: Asker) -> Response:
        check_own(request, session)
        # Written anew: what is kept is JSON in all its parts, also in those that nobody here reads.
        body = encode(await request.json())
        parse_filter(body)
        return json_response({"filter_id": await mailbox.set_filter(session.user, body)})

    async def get(request: Request, session: Asker) -> Response:
        check_own(request, session)
        body = await mailbox.filter(session.user, request.params["filterId"])
        if body is None:
            raise NotFoundError("there is no such filter")
        return Response(200, body)

    return [
        Route("POST", _FILTER, keep, auth="pending_ok", max_body_bytes=MAX_FILTER_BYTES),
        Route("GET", f"{_FILTER}/{{filterId}}", get, auth="pending_ok"),
    ]
