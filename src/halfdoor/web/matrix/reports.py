"""Reports by Matrix clients, and our extension in the same request (MATRIX §4, SEALING §6).

POST rooms/{roomId}/report/{eventId}   one message, and more that the extension names
POST rooms/{roomId}/report             a conversation, or messages that the extension names
POST users/{userId}/report             a person, or messages of theirs
GET  …/org.halfdoor/reports            what was filed in one's name, but what is hidden
GET  …/org.halfdoor/reports/{reportId} one of them, also a hidden one
GET  …/org.halfdoor/reports/reasons    what can be reported, and who helps [?country=FI]
GET  …/org.halfdoor/people/{userId}/reports  what a guardian is told, where the child said so

A room or person that there is not is answered like any other (MSC4277): 200. `score` is ignored.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from halfdoor.readers.review.filing import Filed, Filing, Reporter
from halfdoor.sealing.labels import b64
from halfdoor.web.errors import ApiError, InvalidParamError
from halfdoor.web.matrix.asker import Asker, check_user_id
from halfdoor.web.matrix.report_evidence import MOST_EVIDENCE, disclosed
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

OWN: Final = "/_matrix/client/unstable/org.halfdoor"
EXTENSION: Final = "org.halfdoor.report"
EVIDENCE: Final = "org.halfdoor.evidence"
_V3: Final = "/_matrix/client/v3"
# Ten thousand ids fit, so that whoever sends so many is told the number that would do.
_MAX_BYTES: Final = 1 << 20
_COUNTRY: Final = re.compile(r"[A-Z]{2}")

_Id = Annotated[str, Meta(min_length=1, max_length=255)]


class Reporting(Protocol):
    """Where reports are filed (`readers/review/reports.py`)."""

    @property
    def receipt_key(self) -> bytes:
        """The key that receipts are checked with, 32 bytes."""

    async def file(self, reporter: Reporter, filing: Filing) -> Filed:
        """Take a report."""

    async def mine(self, user: str) -> list[dict[str, Any]]:
        """Return what was filed in the name of *user*, but what is hidden."""

    async def one(self, user: str, id: str) -> dict[str, Any] | None:
        """Return one report of *user*, also a hidden one."""

    async def of_child(self, guardian: str, child: str) -> list[dict[str, Any]]:
        """Return what *guardian* is told of reports by *child*; nothing for anybody else."""

    async def reasons(self, user: str, country: str | None = None) -> dict[str, Any]:
        """Return the reasons and help lines for *user*, or for somebody in *country*."""


class _Extension(msgspec.Struct):
    """What our own clients say beside `reason`; each of it may be left out."""

    reason: str | None = None
    events: Sequence[_Id] = ()
    context: Sequence[_Id] = ()
    note: str | None = None
    language: str | None = None
    block: bool = False
    hidden: bool = False
    tell_guardian: bool = False
    room_id: _Id | None = None


class _Body(msgspec.Struct):
    """CS-API, "Reporting content": `reason` is the reporter's own words, for people to read.

    `evidence` belongs to messages that were encrypted end to end (MATRIX §4).
    """

    reason: str | None = None
    extension: _Extension = msgspec.field(name=EXTENSION, default_factory=_Extension)
    evidence: Annotated[Sequence[dict[str, Any]], Meta(max_length=MOST_EVIDENCE)] = msgspec.field(
        name=EVIDENCE, default=()
    )

    def __repr__(self) -> str:
        return f"_Body({len(self.evidence)} pieces of evidence)"


def routes(reports: Reporting) -> list[Route]:
    """Return the routes of this page, each for the person who is signed in and nobody else."""

    async def file(
        request: Request, session: Asker, *, room: str | None, subject: str | None, first: str = ""
    ) -> Response:
        body = await request.json_as(_Body)
        more = body.extension
        filed = await reports.file(
            Reporter(session.user, session.device, session.id),
            Filing(
                subject=subject,
                room=room if room is not None else more.room_id,
                events=(*((first,) if first else ()), *more.events),
                context=tuple(more.context),
                reason=more.reason,
                note=(more.note if more.note is not None else body.reason) or "",
                language=more.language,
                block=more.block,
                hidden=more.hidden,
                disclosures=disclosed(body.evidence),
                tell_guardian=more.tell_guardian,
            ),
        )
        return _answer(filed)

    async def report_event(request: Request, session: Asker) -> Response:
        params = request.params
        return await file(
            request, session, room=params["roomId"], subject=None, first=params["eventId"]
        )

    async def report_room(request: Request, session: Asker) -> Response:
        return await file(request, session, room=request.params["roomId"], subject=None)

    async def report_user(request: Request, session: Asker) -> Response:
        user = request.params["userId"]
        check_user_id("userId", user)
        return await file(request, session, room=None, subject=user)

    async def listed(_request: Request, session: Asker) -> Response:
        mine = await reports.mine(session.user)
        return json_response({"reports": [_with_path(one) for one in mine]})

    async def one(request: Request, session: Asker) -> Response:
        found = await reports.one(session.user, request.params["reportId"])
        if found is None:
            raise ApiError(404, "M_NOT_FOUND", "There is no such report of yours.")
        return json_response(_with_path(found))

    async def of_child(request: Request, session: Asker) -> Response:
        child = request.params["userId"]
        check_user_id("userId", child)
        return json_response({"reports": await reports.of_child(session.user, child)})

    async def reasons(request: Request, session: Asker) -> Response:
        country = request.query.get("country")
        if country is not None and _COUNTRY.fullmatch(country) is None:
            raise InvalidParamError("country", "is not a code of two letters")
        said = await reports.reasons(session.user, country)
        return json_response({**said, "receipt_key": b64(reports.receipt_key)})

    return [
        *(
            Route("POST", template, handler, allow_empty_body=True, max_body_bytes=_MAX_BYTES)
            for template, handler in (
                (f"{_V3}/rooms/{{roomId}}/report/{{eventId}}", report_event),
                (f"{_V3}/rooms/{{roomId}}/report", report_room),
                (f"{_V3}/users/{{userId}}/report", report_user),
            )
        ),
        Route("GET", f"{OWN}/reports", listed),
        # Help is for somebody whose new phone waits for approval too.
        Route("GET", f"{OWN}/reports/reasons", reasons, auth="pending_ok"),
        Route("GET", f"{OWN}/reports/{{reportId}}", one),
        # One answer for who is nobody's guardian, for no such child, and for a child's silence.
        Route("GET", f"{OWN}/people/{{userId}}/reports", of_child),
    ]


def _with_path(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a report with where it is contested, as long as it can be."""
    if "contest" not in shown:
        return shown
    path = f"{OWN}/reports/{shown['id']}/complaint"
    return {**shown, "contest": {**shown["contest"], "path": path}}


def _answer(filed: Filed) -> Response:
    """Return what the specification calls an empty object, with the receipt beside."""
    report = filed.report
    said = {"id": report.id, "at": report.at, "receipt": b64(report.receipt)}
    return json_response({EXTENSION: {**said, "repeat": filed.repeat}})
