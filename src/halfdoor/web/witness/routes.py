"""A witness over HTTP (C2SP tlog-witness), and one question more for logs that start.

POST /add-checkpoint              the protocol's own
GET  /newest/{SHA-256 of origin}  its newest checkpoint, cosigned now; 404 where it saw none
GET  /health                      that it answers
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

from structlog.typing import FilteringBoundLogger

from halfdoor.transparency.witnessing import Reply, Witness
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.errors import ApiError, ErrorTable
from halfdoor.web.limits import Limits, Rate
from halfdoor.web.metrics import RequestNumbers
from halfdoor.web.request import BodyLimits, Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route

# A checkpoint, 63 hashes, and the signatures of some other witnesses.
MOST_BYTES: Final = 65_536
_BODY_SECONDS: Final = 5.0
# Whoever cosigns four times a second stays far below it.
_RATE: Final = Rate(per_minute=3000, burst=1000)
_AT_ONCE: Final = 64


class Nobody:
    """The gate of an app without sessions."""

    async def admit(self, _token: str, _address: str) -> Any:
        """Refuse."""
        raise ApiError(401, "M_UNKNOWN_TOKEN", "There are no accounts here.")

    def release(self, _session: Any) -> None:
        """Nobody was let in."""


def routes(witness: Witness, origins: Iterable[str]) -> list[Route]:
    """Return the routes of *witness*; it is asked for the logs *origins* alone."""
    by_hash = {sha256(origin.encode()).hexdigest(): origin for origin in origins}

    async def add_checkpoint(request: Request, _session: None) -> Response:
        return _response(await witness.add_checkpoint(await request.body()))

    async def newest(request: Request, _session: None) -> Response:
        origin = by_hash.get(request.params["origin"])
        if origin is None:
            raise ApiError(404, "M_NOT_FOUND", "No such log is witnessed here.")
        return _response(await witness.newest(origin))

    async def health(_request: Request, _session: None) -> Response:
        return json_response({"status": "ok"})

    return [
        Route("POST", "/add-checkpoint", add_checkpoint, auth="none", max_body_bytes=MOST_BYTES),
        Route("GET", "/newest/{origin}", newest, auth="none"),
        Route("GET", "/health", health, auth="none", limit="probe"),
    ]


def witness_app(
    witness: Witness,
    origins: Iterable[str],
    errors: ErrorTable,
    addresses: ClientAddresses,
    log: FilteringBoundLogger,
) -> App:
    """Return the app of *witness*, with limits that an honest log never meets."""
    return App(
        routes(witness, origins),
        sessions=Nobody(),
        platform=None,
        errors=errors,
        limits=Limits(by_address={"other": _RATE}, by_session={}, max_requests=_AT_ONCE),
        bodies=BodyLimits(max_body_bytes=MOST_BYTES, body_seconds=_BODY_SECONDS),
        addresses=addresses,
        numbers=RequestNumbers(),
        log=log,
    )


def _response(said: Reply) -> Response:
    return Response(
        said.status,
        said.text.encode(),
        headers=((b"cache-control", b"no-store"),),
        content_type=said.media_type.encode(),
        bare=True,
    )
