"""One operation of the staff interface: who may ask, what it reads and answers, how it refuses."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import msgspec

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.readers.review.errors import RoleError
from halfdoor.web.errors import ErrorTable
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import LimitClass, Route
from halfdoor.web.staffapi.desk import StaffDoor
from halfdoor.web.staffapi.rates import StaffRates
from halfdoor.web.staffapi.refusals import api_error, unsigned

ROOT: Final = "/_halfdoor/review/v1"
REVIEWERS: Final = frozenset({"reviewer", "child_safety", "lead"})
EVERYBODY: Final = REVIEWERS | {"auditor", "admin"}
_BODY_BYTES: Final = 128 * 1024
_ERRORS: Final = ErrorTable()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request of a signed-in member of staff."""

    staff: StaffMember
    request: Request

    @property
    def id(self) -> str:
        """The case in the path."""
        return self.request.params["id"]


Handler = Callable[[Asked], Awaitable[msgspec.Struct]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A method of a path below `ROOT`.

    *roles* are those of which one is needed to ask at all; the rooms behind check each case again.
    *query* names the fields of the query, with their meaning.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    handler: Handler
    answer: type[msgspec.Struct]
    roles: frozenset[str] = REVIEWERS
    body: type[msgspec.Struct] | None = None
    query: Mapping[str, str] = {}

    def route(self, door: StaffDoor, rates: StaffRates) -> Route:
        """Return the route, which takes the Bearer token of a session of staff."""

        async def answer(request: Request, _session: None) -> Response:
            try:
                staff = await _signed_in(request, door, rates)
                if not self.roles & staff.roles:
                    raise RoleError("You have no role that may do this.")
                return json_response(await self.handler(Asked(staff=staff, request=request)))
            except Exception as error:  # noqa: BLE001  (what is not foreseen is raised again)
                return _refused(error)

        return Route(
            self.method,
            ROOT + self.path,
            answer,
            auth="none",
            # Counted by person, above: many of them ask from one address.
            limit="probe",
            allow_empty_body=self.body is None,
            max_body_bytes=_BODY_BYTES,
        )


class OpenOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation for whoever is not signed in yet, or for anybody."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    handler: Callable[[Request], Awaitable[Response]]
    answer: type[msgspec.Struct] | None = None
    limit: LimitClass = "login"

    def route(self) -> Route:
        """Return the route."""

        async def answer(request: Request, _session: None) -> Response:
            try:
                return await self.handler(request)
            except Exception as error:  # noqa: BLE001  (what is not foreseen is raised again)
                return _refused(error)

        return Route(
            self.method,
            ROOT + self.path,
            answer,
            auth="none",
            limit=self.limit,
            allow_empty_body=True,
            max_body_bytes=_BODY_BYTES,
        )


def _refused(error: Exception) -> Response:
    """Return the answer to *error*, JSON whatever the app around makes of errors; else raise it."""
    refusal = api_error(error)
    answer = _ERRORS.response(refusal) if refusal is not None else None
    if answer is None:
        raise error
    return answer


async def _signed_in(request: Request, door: StaffDoor, rates: StaffRates) -> StaffMember:
    token = bearer(request)
    entered = await door.admit(token) if token else None
    if entered is None:
        # Whoever tries tokens is slowed down; whoever has one is not.
        rates.count_stray(request.address)
        raise unsigned()
    rates.count(entered.staff.id)
    return entered.staff


def bearer(request: Request) -> str:
    """Return the Bearer token of *request*, "" where there is none; never one from the address."""
    value = request.header(b"authorization") or ""
    return value[7:].strip() if value[:7].lower() == "bearer " else ""


def parameters(path: str) -> list[str]:
    """Return the names of the parameters in a path template."""
    return [one[1:-1] for one in path.split("/") if one.startswith("{")]
