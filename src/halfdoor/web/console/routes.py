"""All pages of the console, joined by hand."""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from halfdoor.web.console import (
    account,
    admin,
    appeals,
    board,
    case,
    confirm,
    decide,
    files,
    queue,
    reveal,
    signing_in,
    wellness,
)
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.console import Doors
from halfdoor.web.console.desk import Desk, StaffGate
from halfdoor.web.console.pages import Pages
from halfdoor.web.router import Route


def console_routes(
    desk: Desk,
    *,
    gate: StaffGate,
    pages: Pages,
    assets: Assets,
    log: FilteringBoundLogger,
    origin: Callable[[], str],
    secure: bool,
) -> list[Route]:
    """Every route of the console's app.

    *origin* is where browsers find it, such as `https://review.example.org`; *secure* whether that
    is https. The app's error table is `PageErrors(pages)`.
    """
    doors = Doors(desk=desk, gate=gate, pages=pages, log=log, origin=origin, secure=secure)
    rooms = (
        signing_in,
        queue,
        case,
        reveal,
        files,
        decide,
        confirm,
        appeals,
        wellness,
        board,
        admin,
        account,
    )
    return [assets.route(), *(route for room in rooms for route in room.routes(doors))]
