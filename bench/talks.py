"""Two people over the Matrix client-server API: a connection for each."""

from collections.abc import Callable
from urllib.parse import quote

from bench.crowd import V3, Pair
from bench.epoll import Exchange, Loop

_NEXT = b'"next_batch":"'


class MatrixTalk:
    """One pair. The reader's long poll stands before the message leaves, as a client's does."""

    def __init__(
        self, loop: Loop, host: str, port: int, reader_port: int, pair: Pair, run: str
    ) -> None:
        self._pair = pair
        self._writer = Exchange(loop, host, port)
        self._reader = Exchange(loop, host, reader_port)
        self._put = f"PUT {V3}/rooms/{pair.room}/send/m.room.message/{run}".encode()
        self._put_head = self._writer.head(pair.sender.token)
        # Synapse tells everybody's presence otherwise, which the other server does not have.
        self._poll = f"GET {V3}/sync?timeout=30000&set_presence=offline&since=".encode()
        self._poll_head = self._reader.head(pair.receiver.token) + b"0\r\n\r\n"
        self._since = quote(pair.since).encode()
        self._listening = False
        self._wanted = b""
        self._found: Callable[[], None] | None = None

    def send(self, text: str, then: Callable[[], None]) -> None:
        self._pair.sent += 1
        body = b'{"msgtype":"m.text","body":"%b"}' % text.encode()
        request = b"%b%d%b%d\r\n\r\n%b" % (
            self._put, self._pair.sent, self._put_head, len(body), body,
        )  # fmt: skip
        self._writer.ask(request, lambda _: then())

    def expect(self, text: str, then: Callable[[], None]) -> None:
        self._wanted, self._found = text.encode(), then
        if not self._listening:
            self._listen()

    def _listen(self) -> None:
        self._listening = True
        self._reader.ask(self._poll + self._since + self._poll_head, self._synced)

    def _synced(self, body: bytes) -> None:
        start = body.index(_NEXT) + len(_NEXT)
        since = body[start : body.index(b'"', start)].decode()
        self._pair.since, self._since = since, quote(since).encode()
        self._listen()
        if self._found is not None and self._wanted in body:
            found, self._found = self._found, None
            found()

    def close(self, loop: Loop) -> None:
        """Hang up."""
        loop.remove(self._writer)
        loop.remove(self._reader)
