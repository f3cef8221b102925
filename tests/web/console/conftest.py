"""The console's app over a desk in memory, and a browser of few words to ask it."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.web.console.console_fakes import FakeDesk, FakeGate

from halfdoor.accounts.staff_member import StaffMember
from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App
from halfdoor.web.console.assets import Assets
from halfdoor.web.console.pages import Pages
from halfdoor.web.console.refusals import PageErrors
from halfdoor.web.console.routes import console_routes
from halfdoor.web.limits import Limits
from halfdoor.web.logs import configure
from halfdoor.web.metrics import RequestNumbers
from halfdoor.web.request import BodyLimits

ORIGIN = "http://console.test"
NO_RATES = Limits(by_address={}, by_session={}, strays=None)


class NobodySignsInHere:
    """The client API's gate, which no page of the console asks."""

    async def admit(self, _token: str, _address: str) -> Any:
        raise AssertionError

    def release(self, _session: Any) -> None:
        raise AssertionError


@dataclass
class Page:
    status: int
    headers: dict[bytes, bytes]
    text: str

    def __repr__(self) -> str:
        return f"Page({self.status})"

    @property
    def place(self) -> str:
        return self.headers[b"location"].decode()


@dataclass
class Markup(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its words."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(page: Page) -> Markup:
    markup = Markup()
    markup.feed(page.text)
    return markup


@dataclass
class Browser:
    """Asks the app as a browser does; it keeps no cookie but who is signed in."""

    desk: FakeDesk
    gate: FakeGate
    app: App
    log: io.StringIO
    looks: str = ""

    async def get(self, path: str, who: StaffMember | None = None, **headers: str) -> Page:
        return await self.ask("GET", path, who, headers)

    async def post(
        self,
        path: str,
        who: StaffMember | None = None,
        fields: Sequence[tuple[str, str]] | Mapping[str, str] = (),
        *,
        csrf: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        **more: str,
    ) -> Page:
        pairs = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        if csrf is None and who is not None:
            csrf = self.gate.sessions[who.id].csrf if who.id in self.gate.sessions else ""
        if csrf:
            pairs.append(("csrf", csrf))
        kind = "application/x-www-form-urlencoded"
        given = {"sec_fetch_site": "same-origin", "content_type": kind, **headers, **more}
        return await self.ask(
            "POST", path, who, given, urlencode(pairs).encode() if body is None else body
        )

    async def ask(
        self,
        method: str,
        path: str,
        who: StaffMember | None,
        headers: dict[str, str],
        body: bytes = b"",
    ) -> Page:
        given = [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in headers.items()
            if value
        ]
        cookies = [f"halfdoor_staff={who.id}"] if who else []
        if self.looks:
            cookies.append(f"halfdoor_looks={self.looks}")
        if cookies:
            given.append((b"cookie", "; ".join(cookies).encode()))
        if method == "POST":
            given.append((b"content-length", str(len(body)).encode()))
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": given,
            "client": ("192.0.2.7", 50_000),
        }
        sent: list[dict[str, Any]] = []
        parts = [body]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        text = sent[1]["body"].decode()
        return Page(sent[0]["status"], dict(sent[0]["headers"]), text)


def console_app(
    desk: FakeDesk, gate: FakeGate, origin: Callable[[], str], *, demo: bool = False
) -> tuple[App, io.StringIO]:
    """The console's own app around *desk*, and what it logs."""
    log = io.StringIO()
    assets = Assets()
    pages = Pages(assets, lambda: desk.now, demo=demo)
    logger = configure("debug", stream=log, console=False)
    routes = console_routes(
        desk, gate=gate, pages=pages, assets=assets, log=logger, origin=origin, secure=False
    )
    app = App(
        routes,
        sessions=NobodySignsInHere(),
        platform=None,
        errors=PageErrors(pages),
        limits=NO_RATES,
        bodies=BodyLimits(),
        addresses=ClientAddresses(()),
        numbers=RequestNumbers(),
        log=logger,
    )
    return app, log


@pytest.fixture
def browser() -> Browser:
    desk, gate = FakeDesk(), FakeGate()
    app, log = console_app(desk, gate, lambda: ORIGIN)
    return Browser(desk, gate, app, log)
