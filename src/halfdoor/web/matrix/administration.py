"""The specification's endpoints for server administrators: nobody who signs in here is one.

Staff have accounts apart from people's, and what limits an account is decided at the desk or told
by the platform, with a reason and a way to contest (SAFETY §5.3, §5.4). CS-API v1.18, "Account
locking", "Account suspension": 403 for whoever is no administrator, whatever account is named.
"""

from typing import Final

from halfdoor.web.errors import ApiError
from halfdoor.web.matrix.asker import Asker
from halfdoor.web.request import Request
from halfdoor.web.response import Response
from halfdoor.web.router import Route

_V1: Final = "/_matrix/client/v1/admin"


def routes() -> list[Route]:
    """Return the routes of this page."""
    return [
        Route(method, f"{_V1}/{what}/{{userId}}", _refuse)
        for what in ("lock", "suspend")
        for method in ("GET", "PUT")
    ]


async def _refuse(_request: Request, _session: Asker) -> Response:
    raise ApiError(403, "M_FORBIDDEN", "No account of a person administers this server.")
