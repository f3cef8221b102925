"""A small app behind the real front door, and a way to ask it byte by byte."""

import asyncio
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import uvloop

from halfdoor.web.address import ClientAddresses
from halfdoor.web.app import App, Session
from halfdoor.web.errors import ApiError, ErrorTable
from halfdoor.web.limits import Limits
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics
from halfdoor.web.request import BodyLimits
from halfdoor.web.router import Route


def pytest_asyncio_loop_factories(
    config: pytest.Config,
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


NO_RATES = Limits(by_address={}, by_session={}, strays=None)


@dataclass(frozen=True)
class Someone:
    """A session of a person in these tests."""

    user: str = "@ada:example.org"
    device: str = "ADA1"
    pending: bool = False


@dataclass
class Sessions:
    """A gate that knows a few tokens and remembers what it let in and out."""

    known: dict[str, Someone] = field(
        default_factory=lambda: {
            "ada": Someone(),
            "bob": Someone("@bob:example.org", "BOB1"),
            "new": Someone("@new:example.org", "NEW1", pending=True),
        }
    )
    inside: list[Someone] = field(default_factory=list)
    admitted: int = 0

    async def admit(self, token: str, _address: str) -> Session:
        if token not in self.known:
            raise ApiError(401, "M_UNKNOWN_TOKEN", "Unknown token.", soft_logout=False)
        self.admitted += 1
        self.inside.append(self.known[token])
        return self.known[token]

    def release(self, session: Session) -> None:
        assert isinstance(session, Someone)
        self.inside.remove(session)


@dataclass
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    def header(self, name: bytes) -> bytes | None:
        return dict(self.headers).get(name)


@dataclass
class House:
    """An app, its log and its numbers, and `ask` to speak to it."""

    app: App
    sessions: Sessions
    metrics: Metrics
    log: io.StringIO

    async def ask(
        self,
        method: str,
        raw_path: bytes,
        *,
        query: bytes = b"",
        token: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: Sequence[bytes] = (b"",),
        peer: str = "192.0.2.7",
        length: bool = True,
    ) -> Answer:
        more = [(b"authorization", f"Bearer {token}".encode())] if token else []
        if length and method != "GET":
            more.append((b"content-length", str(sum(map(len, body))).encode()))
        scope = {
            "type": "http",
            "method": method,
            "raw_path": raw_path,
            "query_string": query,
            "headers": [*headers, *more],
            "client": (peer, 50_000),
        }
        parts = list(body)

        async def receive() -> dict[str, Any]:
            if not parts:
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        if not sent:
            return Answer(0, [], b"")
        return Answer(sent[0]["status"], sent[0]["headers"], sent[1]["body"])


Build = Callable[..., House]


@pytest.fixture
def build() -> Build:
    """Makes a house from routes; every other part can be replaced by name."""

    def make(
        routes: Sequence[Route],
        *,
        limits: Limits = NO_RATES,
        bodies: BodyLimits | None = None,
        errors: ErrorTable | None = None,
        trusted: Sequence[str] = (),
        level: str = "debug",
        platform: Any = None,
        now: Callable[[], float] = lambda: 1000.0,
    ) -> House:
        log = io.StringIO()
        sessions = Sessions()
        metrics = Metrics()
        app = App(
            routes,
            sessions=sessions,
            platform=platform,
            errors=errors or ErrorTable(),
            limits=limits,
            bodies=bodies or BodyLimits(),
            addresses=ClientAddresses(trusted),
            numbers=metrics.requests,
            log=configure(level, stream=log, console=False),
            now=now,
        )
        return House(app, sessions, metrics, log)

    return make


@pytest.fixture(autouse=True)
def hooks_are_put_back() -> Any:
    """`configure` takes over process-wide hooks; a test gives them back."""
    import logging
    import sys
    import threading

    kept = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = kept
    root.handlers[:] = handlers
    root.setLevel(level)
