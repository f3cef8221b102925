"""What people are told, and how they contest it (`org.halfdoor`, SAFETY §5.4, §5.10).

GET  …/org.halfdoor/notices[?hidden=true]        all, newest first
GET  …/org.halfdoor/notices/{noticeId}           one; it counts as read then
GET  …/org.halfdoor/notices/{noticeId}/statement the statement of reasons, as a file to keep
POST …/org.halfdoor/notices/{noticeId}/appeal    {"text": …}, by the subject, once
POST …/org.halfdoor/reports/{reportId}/complaint {"text": …}, by the reporter, once

Somebody who is suspended may use all of them, and so may a session of a former key. Whoever's
account was ended has no session: `closed_notices` is their way.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import msgspec

from halfdoor.readers.review.records import Case
from halfdoor.web.matrix.asker import Asker
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Handler, Route

OWN: Final = "/_matrix/client/unstable/org.halfdoor"
_MAX_BYTES: Final = 32_768


class Board(Protocol):
    """Where notices are read (`readers/review/noticeboard.py`)."""

    async def listed(self, user: str, *, hidden: bool = False) -> list[dict[str, Any]]:
        """Return what *user* is told by now."""

    async def one(self, user: str, name: str) -> dict[str, Any]:
        """Return one notice and note that it was read."""

    async def statement(self, user: str, name: str) -> bytes:
        """Return the statement of reasons of a notice as JSON to keep."""


class Contestable(Protocol):
    """Where decisions are contested (`readers/review/appeals.py`)."""

    async def appeal(self, user: str, notice_id: str, text: str) -> Case:
        """Let the subject contest what a notice tells them of."""

    async def complain(self, user: str, report_id: str, text: str) -> Case:
        """Let a reporter contest what became of their report."""


class Words(msgspec.Struct):
    """The body of an appeal or complaint."""

    text: str

    def __repr__(self) -> str:
        return "Words(…)"


Contest = Callable[[str, str, str], Awaitable[Case]]


def routes(board: Board, contests: Contestable) -> list[Route]:
    """Return the routes of this page, each for the person who is signed in and nobody else."""

    async def listed(request: Request, session: Asker) -> Response:
        hidden = request.query.boolean("hidden")
        return json_response({"notices": await board.listed(session.user, hidden=hidden)})

    async def one(request: Request, session: Asker) -> Response:
        return json_response(await board.one(session.user, request.params["noticeId"]))

    async def statement(request: Request, session: Asker) -> Response:
        return download(await board.statement(session.user, request.params["noticeId"]))

    return [
        Route("GET", f"{OWN}/notices", listed),
        Route("GET", f"{OWN}/notices/{{noticeId}}", one),
        Route("GET", f"{OWN}/notices/{{noticeId}}/statement", statement),
        Route(
            "POST",
            f"{OWN}/notices/{{noticeId}}/appeal",
            _contest(contests.appeal, "noticeId"),
            limit="send",
            max_body_bytes=_MAX_BYTES,
        ),
        Route(
            "POST",
            f"{OWN}/reports/{{reportId}}/complaint",
            _contest(contests.complain, "reportId"),
            limit="send",
            max_body_bytes=_MAX_BYTES,
        ),
    ]


def _contest(contest: Contest, parameter: str) -> Handler:
    async def answer(request: Request, session: Asker) -> Response:
        body = await request.json_as(Words)
        case = await contest(session.user, request.params[parameter], body.text)
        return contested(case)

    return answer


def contested(case: Case) -> Response:
    """Return the answer to an appeal or complaint: that it was taken, and until when we answer."""
    # The case's own name is the desk's alone.
    return json_response({"answer_by": case.due})


def download(raw: bytes) -> Response:
    """Return *raw*, JSON, as a file that a browser saves and never shows."""
    return Response(
        200,
        raw,
        headers=((b"content-disposition", b'attachment; filename="statement-of-reasons.json"'),),
    )
