"""The load tool's own event loop: HTTP/1.1 and XMPP lines over epoll, with callbacks.

The tool shares the machine with the server it measures. An asyncio stream costs 60 µs a request,
as much as a good server; this costs about 15, two system calls included.
"""

import re
import select
import socket
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_PIECE = 1 << 18
_PATIENCE = 60.0

Then = Callable[[bytes], None]


class AnswerError(Exception):
    """The server answered something else than 200, or hung up."""


class Readable(Protocol):
    """Whatever the loop reads for."""

    sock: socket.socket

    def readable(self) -> None:
        """Take what has arrived."""


class Loop:
    """Reads for connections, and calls at a time (seconds of `time.perf_counter`)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._known: dict[int, Readable] = {}
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._running = False

    def add(self, one: Readable) -> None:
        self._known[one.sock.fileno()] = one
        self._epoll.register(one.sock.fileno(), select.EPOLLIN)

    def remove(self, one: Readable) -> None:
        self._epoll.unregister(one.sock.fileno())
        del self._known[one.sock.fileno()]
        one.sock.close()

    def at(self, when: float, call: Callable[[], None]) -> None:
        heappush(self._calls, (when, next(self._order), call))

    def stop(self) -> None:
        self._running = False

    def run(self) -> None:
        """Run until `stop`."""
        self._running = True
        poll, known, calls, clock = self._epoll.poll, self._known, self._calls, time.perf_counter
        while self._running:
            wait = max(0.0, calls[0][0] - clock()) if calls else _PATIENCE
            ready = poll(wait)
            if not ready and wait == _PATIENCE:
                raise AnswerError(f"no answer for {_PATIENCE:g} seconds")
            for number, _ in ready:
                known[number].readable()
            while calls and calls[0][0] <= clock():
                heappop(calls)[2]()


class Exchange:
    """One kept-alive HTTP connection; one request at a time, its answer to a callback."""

    def __init__(self, loop: Loop, host: str, port: int, source: str = "") -> None:
        """Connect, from the address *source* where one is given."""
        self.sock = socket.create_connection(
            (host, port), source_address=(source, 0) if source else None
        )
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = f"{host}:{port}".encode()
        self._arrived = self._asked = b""
        self._then: Then | None = None
        loop.add(self)

    def head(self, token: str) -> bytes:
        """Return the headers that every request of *token* has, up to the body's length."""
        bearer = b"Authorization: Bearer %b\r\n" % token.encode() if token else b""
        return b" HTTP/1.1\r\nHost: %b\r\n%bContent-Type: application/json\r\nContent-Length: " % (
            self.host,
            bearer,
        )

    def ask(self, request: bytes, then: Then) -> None:
        """Send *request* and give the body of its 200 to *then*."""
        self._then, self._asked = then, request
        # Small, on a connection that waits for nothing else: the kernel takes it whole.
        self.sock.sendall(request)

    def readable(self) -> None:
        piece = self.sock.recv(_PIECE)
        if not piece:
            raise AnswerError("the server hung up")
        raw = self._arrived + piece if self._arrived else piece
        body = _body(raw)
        if body is None:
            self._arrived = raw
            return
        self._arrived = b""
        then, self._then = self._then, None
        if raw[9:12] != b"200" or then is None:
            asked = self._asked.partition(b" HTTP/1.1")[0].decode()
            raise AnswerError(f"{asked}: {raw[9:12].decode()}, {body[:300]!r}")
        then(body)


def _body(raw: bytes) -> bytes | None:
    """Return the body of the answer *raw*, or None where it is not whole yet."""
    end = raw.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = _LENGTH.search(raw, 0, end + 2)
    if length is not None:
        whole = end + 4 + int(length[1])
        return raw[end + 4 : whole] if len(raw) >= whole else None
    if _CHUNKED.search(raw, 0, end + 2) is None:
        return b""
    body, at = b"", end + 4
    while True:
        line = raw.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(raw[at:line], 16)
        if len(raw) < line + size + 4:
            return None
        if size == 0:
            return body
        body += raw[line + 2 : line + 2 + size]
        at = line + size + 4
