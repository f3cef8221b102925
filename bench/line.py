"""One kept-alive HTTP/1.1 connection that costs the load tool almost nothing.

An ordinary client library spends more on a request than the server it measures, on the same two
cores. This one knows only what a homeserver on loopback answers: a status, a length, a body (or
chunks), one request after the other.
"""

import asyncio
import re
from typing import Any

import msgspec

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_HIGH_WATER = 1 << 24
_PATIENCE = 120.0


class AnswerError(Exception):
    """The server answered something else than 200."""

    def __init__(self, status: int, body: bytes) -> None:
        """Carry *status* and the beginning of *body*."""
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status


class Line:
    """A connection to *host* and *port*; `token`, of `user`, is sent with every request."""

    def __init__(self, host: str, port: int) -> None:
        """Connect on first use."""
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._head = b""
        self.token = ""
        self.user = ""

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Return the body of a 200; `AnswerError` for anything else."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                self._host, self._port, limit=_HIGH_WATER
            )
            self._head = f" HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n".encode()
        content = msgspec.json.encode(body) if body is not None else b""
        # Without a token there is no such header: some servers refuse an empty one.
        bearer = b"Authorization: Bearer %b\r\n" % self.token.encode() if self.token else b""
        self._writer.write(
            b"%b %b%b%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (method.encode(), path.encode(), self._head, bearer, len(content), content)
        )
        async with asyncio.timeout(_PATIENCE):
            return await self._answer()

    async def json(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the decoded body of a 200."""
        return msgspec.json.decode(await self.ask(method, path, body))

    async def _answer(self) -> bytes:
        reader = self._reader
        if reader is None:
            raise ConnectionError("not connected")
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is not None:
            body = await reader.readexactly(int(length[1]))
        elif _CHUNKED.search(head):
            body = await _chunks(reader)
        else:
            body = b""
        status = int(head[9:12])
        if status != 200:
            raise AnswerError(status, body)
        return body

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return body
