"""The staff interface's door: its routes, signing in, and the document that describes them."""

from typing import Final

import msgspec

from halfdoor.web.limits import Limits
from halfdoor.web.request import Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route
from halfdoor.web.staffapi.casework import Casework
from halfdoor.web.staffapi.deciding import Deciding
from halfdoor.web.staffapi.desk import ReviewDesk, StaffDoor
from halfdoor.web.staffapi.openapi import document
from halfdoor.web.staffapi.operations import OpenOperation, Operation, bearer
from halfdoor.web.staffapi.rates import StaffRates
from halfdoor.web.staffapi.recorded import Recorded
from halfdoor.web.staffapi.referring import Referring
from halfdoor.web.staffapi.shapes import Nothing, Token

_OPENAPI: Final = "/openapi.json"


def routes(desk: ReviewDesk, door: StaffDoor, limits: Limits) -> list[Route]:
    """Return every route below `/_halfdoor/review/v1`, with the document that describes them.

    Of *limits* the rates of sessions count for each member of staff.
    """
    rates = StaffRates.of(limits)
    operations = staff_operations(desk)
    outside = [*_signing_in(door), _described(operations, _signing_in(door))]
    return [*(one.route(door, rates) for one in operations), *(one.route() for one in outside)]


def staff_operations(desk: ReviewDesk) -> list[Operation]:
    """Return every operation that takes a session of staff."""
    return [
        *Casework(desk).operations(),
        *Deciding(desk).operations(),
        *Referring(desk).operations(),
        *Recorded(desk).operations(),
    ]


def _signing_in(door: StaffDoor) -> list[OpenOperation]:
    async def begin(_request: Request) -> Response:
        return json_response(msgspec.Raw(await door.begin()))

    async def finish(request: Request) -> Response:
        return json_response(Token(token=await door.finish(await request.body())))

    async def leave(request: Request) -> Response:
        await door.leave(bearer(request))
        return empty_object()

    return [
        OpenOperation(
            method="POST",
            path="/sign_in/begin",
            summary="Options for `navigator.credentials.get` (WebAuthn): passkeys alone sign in.",
            handler=begin,
        ),
        OpenOperation(
            method="POST",
            path="/sign_in/finish",
            summary="The browser's answer as JSON; returns the token of a short session.",
            handler=finish,
            answer=Token,
        ),
        OpenOperation(
            method="POST",
            path="/sign_out",
            summary="End the session of the Bearer token.",
            handler=leave,
            answer=Nothing,
        ),
    ]


def _described(operations: list[Operation], outside: list[OpenOperation]) -> OpenOperation:
    # Made when it is first asked for: most houses never are.
    made: list[msgspec.Raw] = []

    async def openapi(_request: Request) -> Response:
        if not made:
            made.append(msgspec.Raw(msgspec.json.encode(document(operations, [*outside, itself]))))
        return json_response(made[0])

    itself = OpenOperation(
        method="GET", path=_OPENAPI, summary="This document.", handler=openapi, limit="other"
    )
    return itself
