"""Answers that are never whole in memory: a file, as it is read and opened."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

from halfdoor.web.exchange import Exchange
from halfdoor.web.response import Header, Response


class Streamed(Response):
    """An answer of exactly *length* bytes, which *pieces* yield.

    *pieces* may raise: the connection is then broken off, so that nobody takes a part for the
    whole. They are closed once the answer is written or nobody waits for it any more.
    """

    __slots__ = ("length", "pieces")

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        length: int,
        *,
        status: int = 200,
        headers: Iterable[Header] = (),
        content_type: bytes = b"application/octet-stream",
    ) -> None:
        super().__init__(status, b"", headers, content_type)
        self.pieces = pieces
        self.length = length

    async def pour(
        self, exchange: Exchange, write: Callable[[bytes], None], blocked: Callable[[], bool]
    ) -> None:
        """Write it piece by piece, the next one when the client has taken what lies before it."""
        async for piece in self.pieces:
            write(piece)
            if blocked() and not exchange.gone:
                await exchange.drained()
            if exchange.gone:
                return

    async def send(
        self,
        headers: Iterable[Header],
        send: Callable[[dict[str, Any]], Awaitable[None]],
        *,
        bodiless: bool,
    ) -> None:
        """Send it piece by piece (ASGI 3): for callers inside this process."""
        async with contextlib.aclosing(self.pieces) as pieces:
            sized = [*headers, (b"content-length", str(self.length).encode())]
            await send({"type": "http.response.start", "status": self.status, "headers": sized})
            if not bodiless:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    def __repr__(self) -> str:
        """Status and size: the pieces are what people send to one another."""
        return f"Streamed(status={self.status}, size={self.length})"
