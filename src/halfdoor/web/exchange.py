"""One request on its way to an answer: its body as it comes in, and whether anybody still waits."""

import asyncio
from typing import Any, Final, Protocol

import httptools

# What may lie here of a body before somebody reads it, and of one that nobody will.
UNREAD: Final = 65_536


class Inlet(Protocol):
    """Where an exchange's body comes from: the connection under it."""

    def want(self, exchange: "Exchange") -> None:
        """Somebody waits for more of the body of *exchange*."""


class Exchange:
    """A request whose head is read, or about to be, and the state of its body.

    *headed* is True once the head is whole, *gone* once the client hung up, and *done* once it was
    answered, whatever of its body is still to come.
    """

    __slots__ = (
        "_arrived",
        "_body",
        "_drained",
        "_inlet",
        "broken",
        "done",
        "gone",
        "headed",
        "headers",
        "keep",
        "more",
        "most_bytes",
        "raw_bytes",
        "scope",
        "target",
        "untouched",
        "waiter",
    )

    def __init__(self, inlet: Inlet) -> None:
        self._inlet = inlet
        self._body = b""
        self._arrived: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.headed = False
        self.scope: dict[str, Any] = {}
        self.more = True
        self.keep = True
        self.broken = False
        self.done = False
        self.gone = False
        self.raw_bytes = 0
        # What the handler expects on the line where that is more than is usual: an upload.
        self.most_bytes = 0
        # Nothing of the body came, and nobody asked for it.
        self.untouched = True
        # What a long poll waits for, while it does; woken early when the client hangs up.
        self.waiter: asyncio.Future[None] | None = None

    async def receive(self) -> dict[str, Any]:
        """The next part of the body; `http.disconnect` where no more will come (ASGI 3)."""
        if not self._body and self.more and not self.broken:
            self._arrived = asyncio.get_running_loop().create_future()
            self._inlet.want(self)
            await self._arrived
        if self.broken and not self._body:
            return {"type": "http.disconnect"}
        part, self._body = self._body, b""
        return {"type": "http.request", "body": part, "more_body": self.more}

    def whole(self) -> bytes | None:
        """All of the body, where it is here and nobody took any of it; else None."""
        if self.more or self.broken:
            return None
        body, self._body = self._body, b""
        return body

    def take(self, part: bytes) -> int:
        """Keep *part* of the body; return how many bytes lie here for nobody."""
        self.untouched = False
        if self.done:
            return 0
        self._body = self._body + part if self._body else part
        if self._arrived is not None:
            self._wake()
            return 0
        return len(self._body)

    def end(self) -> None:
        """The body is whole."""
        self.more = False
        if self._arrived is not None:
            self._wake()

    def break_off(self) -> None:
        """The body is not whole, and no more of it will come."""
        self.broken = True
        self.keep = False
        self._wake()

    def hang_up(self) -> None:
        """The client is gone: whoever waits on its behalf is woken."""
        self.gone = True
        self.break_off()
        self.go_on()
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def drained(self) -> None:
        """Wait until the client has taken nearly all that was written, or is gone."""
        self._drained = asyncio.get_running_loop().create_future()
        await self._drained

    def go_on(self) -> None:
        """There is room for more of the answer, or nobody who waits for it."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header *name* (lower case)."""
        return next((value for key, value in self.headers if key == name), None)

    def settle(self) -> None:
        """The answer begins: whatever of the body is still to come is for nobody."""
        self.done = True
        if self.more:
            length = self.header(b"content-length")
            if length is None or int(length) > UNREAD:
                # Reading on to the end of a body that was refused would cost us more than them.
                self.keep = False

    def _wake(self) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is not None and not arrived.done():
            arrived.set_result(None)


def origin_form(target: bytes) -> bytes:
    """The path and query of a request target (RFC 9112 §3.2); httptools' error for none."""
    if target[:1] == b"/" or target == b"*":
        return target
    url = httptools.parse_url(target)
    return b"%b?%b" % (url.path or b"/", url.query or b"")
