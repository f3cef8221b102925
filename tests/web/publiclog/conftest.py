"""The app over an honest log, asked without a socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tests.transparency.public_log import PublicLog
from tests.web.publiclog.public_house import grown_log, shown

from halfdoor.web.app import App
from halfdoor.web.publiclog.reading import Reading


@dataclass
class Got:
    """An answer."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Visitor:
    """Asks the app by GET."""

    log: PublicLog
    reading: Reading
    app: App

    async def get(self, path: str, method: str = "GET") -> Got:
        raw, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [],
            "client": ("192.0.2.7", 50_000),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return Got(sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"])


async def visitor_of(log: PublicLog) -> Visitor:
    app, reading, _ = shown(log)
    return Visitor(log, reading, app)


@pytest.fixture
async def visitor() -> Visitor:
    found = await visitor_of(await grown_log())
    await found.reading.renew()
    return found
