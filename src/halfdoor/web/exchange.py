"""One request on its way to an answer: its body as it comes in, and whether anybody still waits."""

import asyncio
from typing import Any, Protocol


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
        "_inlet",
        "broken",
        "done",
        "gone",
        "headed",
        "headers",
        "keep",
        "more",
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
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def header(self, name: bytes) -> bytes | None:
        """The first value of the header *name* (lower case)."""
        return next((value for key, value in self.headers if key == name), None)

    def _wake(self) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is not None and not arrived.done():
            arrived.set_result(None)
