"""The console of a house: its pages, the interface for platforms beside them, and one listener."""

from collections.abc import Sequence
from typing import Final, final

from structlog.typing import FilteringBoundLogger

from halfdoor.apps.console_desk import ConsoleDesk
from halfdoor.apps.console_gate import ConsoleGate
from halfdoor.apps.gate import Gate
from halfdoor.apps.house import House
from halfdoor.apps.setting import ConsolePlace
from halfdoor.config.model import Config
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.pages import Pages
from halfdoor.web.console.refusals import PageErrors
from halfdoor.web.console.routes import console_routes
from halfdoor.web.errors import ErrorTable
from halfdoor.web.limits import limits_from
from halfdoor.web.metrics import Metrics
from halfdoor.web.request import BodyLimits, Receive, Scope
from halfdoor.web.response import Response
from halfdoor.web.router import Route
from halfdoor.web.serve import Listener
from halfdoor.web.staffapi.doors import routes as staff_routes
from halfdoor.web.staffapi.operations import ROOT

_API: Final = f"{ROOT}/".encode()


@final
class ConsoleApps:
    """Pages for people, and the same services as JSON: each refuses in its own form."""

    def __init__(self, pages: App, interface: App) -> None:
        self.pages = pages
        self.interface = interface

    async def answer(self, scope: Scope, receive: Receive) -> Response:
        """Return the answer to one request, by whichever it is for."""
        is_api = scope["raw_path"].startswith(_API)
        return await (self.interface if is_api else self.pages).answer(scope, receive)


def console_apps(
    house: House, config: Config, place: ConsolePlace, metrics: Metrics, log: FilteringBoundLogger
) -> ConsoleApps:
    """Return what staff reach at *place*."""
    assets = Assets()
    pages = Pages(assets, house.clock.now_ms, demo=place.demo)
    doors = house.desk.staff_doors(place.public_url, demo=place.demo)
    gate = ConsoleGate(doors, house.desk.staff_sessions, house.clock)

    limits = limits_from(config.limits, development=config.development)

    def app(routes: Sequence[Route], errors: ErrorTable) -> App:
        return App(
            routes,
            # Nobody comes in here with a token of a person's account.
            sessions=Gate(house.sessions, house.keyring, house.clock),
            platform=None,
            errors=errors,
            limits=limits,
            bodies=BodyLimits(
                max_body_bytes=config.max_body_bytes, body_seconds=config.limits.body_seconds
            ),
            addresses=ClientAddresses(config.trusted_proxies if config.behind_proxy else ()),
            numbers=metrics.requests,
            log=log,
        )

    of_pages = console_routes(
        ConsoleDesk(house, config),
        gate=gate,
        pages=pages,
        assets=assets,
        log=log,
        origin=lambda: place.public_url,
        secure=place.public_url.startswith("https:"),
    )
    return ConsoleApps(
        app(of_pages, PageErrors(pages)),
        app(staff_routes(house.desk, gate, limits), ErrorTable()),
    )


def console_listener(
    house: House, config: Config, place: ConsolePlace, metrics: Metrics, log: FilteringBoundLogger
) -> Listener:
    """Return the listener of the console at *place*; TLS and proxies are the server's own."""
    return Listener(
        app=console_apps(house, config, place, metrics, log),
        bind=config.console.bind,
        port=config.console.port,
        tls_cert=config.tls_cert,
        tls_key=config.tls_key,
        behind_proxy=config.behind_proxy,
        trusted_proxies=tuple(config.trusted_proxies),
        connections=config.limits.connections,
        header_seconds=config.limits.header_seconds,
    )
