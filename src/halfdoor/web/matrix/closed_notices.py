"""Notices and appeal for people whose account was ended (`accounts/closed_tickets.py`).

A login that proves who they are is refused with `org.halfdoor.closed`: a ticket, and the address
below. The ticket goes where a token would: `Authorization: Bearer hdn1.…`.

GET  …/org.halfdoor/closed/notices
GET  …/org.halfdoor/closed/notices/{noticeId}[/statement]
POST …/org.halfdoor/closed/notices/{noticeId}/appeal
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from halfdoor.accounts.closed_tickets import ClosedTickets
from halfdoor.accounts.errors import EndedError
from halfdoor.clock import Clock
from halfdoor.web.errors import ApiError, ErrorTable
from halfdoor.web.matrix.notices import OWN, Board, Contestable, Words, contested, download
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Handler, Route

CLOSED: Final = f"{OWN}/closed/notices"
_MAX_BYTES: Final = 32_768

# user, request → answer
_Answer = Callable[[str, Request], Awaitable[Response]]


class Closed(msgspec.Struct, frozen=True):
    """What stands beside the refusal: how to read what was decided, and to contest it."""

    ticket: str
    notices: str = CLOSED

    def __repr__(self) -> str:
        return "Closed(…)"


def add_closed_refusal(table: ErrorTable, tickets: ClosedTickets, clock: Clock) -> None:
    """Enter how somebody is refused whose account was ended, and who proved that it is theirs."""

    def closed(error: EndedError) -> dict[str, Any]:
        made = Closed(tickets.make(error.user, clock.now_ms()))
        return {"org.halfdoor.closed": msgspec.to_builtins(made)}

    table.add(EndedError, 403, "M_USER_DEACTIVATED", str, extras=closed)


def routes(
    board: Board, contests: Contestable, tickets: ClosedTickets, clock: Clock
) -> list[Route]:
    """Return the routes of this page, each for whoever bears a ticket."""

    def with_ticket(answer: _Answer) -> Handler:
        async def handle(request: Request, _nobody: None) -> Response:
            user = tickets.user_of(request.access_token(), clock.now_ms())
            if user is None:
                raise ApiError(401, "M_UNKNOWN_TOKEN", "This ticket is over: sign in once more.")
            return await answer(user, request)

        return handle

    async def listed(user: str, _request: Request) -> Response:
        return json_response({"notices": await board.listed(user)})

    async def one(user: str, request: Request) -> Response:
        return json_response(await board.one(user, request.params["noticeId"]))

    async def statement(user: str, request: Request) -> Response:
        return download(await board.statement(user, request.params["noticeId"]))

    async def appeal(user: str, request: Request) -> Response:
        body = await request.json_as(Words)
        return contested(await contests.appeal(user, request.params["noticeId"], body.text))

    one_of = f"{CLOSED}/{{noticeId}}"
    return [
        Route("GET", CLOSED, with_ticket(listed), auth="none", limit="login"),
        Route("GET", one_of, with_ticket(one), auth="none", limit="login"),
        Route("GET", f"{one_of}/statement", with_ticket(statement), auth="none", limit="login"),
        Route(
            "POST",
            f"{one_of}/appeal",
            with_ticket(appeal),
            auth="none",
            limit="login",
            max_body_bytes=_MAX_BYTES,
        ),
    ]
