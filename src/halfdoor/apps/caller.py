"""Calls an ASGI application in this process, as a client would over a socket (ASGI 3)."""

from typing import Any
from urllib.parse import unquote

import msgspec

from halfdoor.web.app import App


class Caller:
    """A client of one application; `token` is sent with every request once it is set."""

    def __init__(self, app: App) -> None:
        """Call *app*."""
        self.app = app
        self.token: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Caller(signed_in={self.token is not None})"

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> tuple[int, bytes]:
        """Ask *path* (percent-encoded, with query) and return status and body."""
        raw = msgspec.json.encode(body) if body is not None else b""
        raw_path, _, query = path.partition("?")
        headers = [(b"host", b"localhost"), (b"content-length", str(len(raw)).encode())]
        if self.token is not None:
            headers.append((b"authorization", f"Bearer {self.token}".encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        answer: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": raw, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            answer.append(message)

        await self.app(scope, receive, send)
        parts = [message.get("body", b"") for message in answer[1:]]
        return answer[0]["status"], b"".join(parts)
