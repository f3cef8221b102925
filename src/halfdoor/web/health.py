"""`/health` for whoever restarts the server, `/metrics` for whoever watches it."""

import hmac
from collections.abc import Callable
from ipaddress import ip_address

from halfdoor.web.errors import ApiError, error_response
from halfdoor.web.metrics import CONTENT_TYPE, Metrics
from halfdoor.web.request import Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route


class MetricsDoor:
    """Who may read the numbers: loopback, when no proxy stands in front, or who has the token."""

    def __init__(self, *, token: str | None, behind_proxy: bool) -> None:
        self._token = token
        self._behind_proxy = behind_proxy

    def __repr__(self) -> str:
        """Without the token."""
        return f"MetricsDoor(with_token={self._token is not None})"

    def check(self, request: Request) -> None:
        """Refuse everyone else: ApiError 404, as if there were nothing here."""
        if self._token is not None and (request.header(b"authorization") or "").startswith(
            "Bearer "
        ):
            given = request.access_token().encode()
            if hmac.compare_digest(given, self._token.encode()):
                return
        elif self._token is None and not self._behind_proxy and _is_loopback(request.address):
            return
        raise ApiError(404, "M_UNRECOGNIZED", "Unrecognized request.")


def routes(metrics: Metrics, door: MetricsDoor, draining: Callable[[], bool]) -> list[Route]:
    """`/health` and `/metrics`. While *draining*, health is 503: a balancer looks elsewhere."""

    async def health(_request: Request, _session: None) -> Response:
        if draining():
            return error_response(503, "M_UNKNOWN", "Stopping.", {"status": "stopping"})
        return json_response({"status": "ok"})

    async def numbers(request: Request, _session: None) -> Response:
        door.check(request)
        return Response(200, metrics.text(), content_type=CONTENT_TYPE)

    return [
        Route("GET", "/health", health, auth="none", limit="probe"),
        Route("GET", "/metrics", numbers, auth="none", limit="probe"),
    ]


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
