"""One client's connection: requests in, answers out, one after the other (HTTP/1.1, RFC 9112).

httptools, which is Node's parser, reads what comes in, strictly. A second request is not begun
before the first is answered, and no answer is begun for a client that does not read.
docs/decisions/0017-http-server.md says why this part is our own.
"""

import asyncio
import contextlib
from collections import deque
from typing import Final

import httptools

from halfdoor.web.errors import error_response
from halfdoor.web.exchange import UNREAD, Exchange, origin_form
from halfdoor.web.reception import Reception
from halfdoor.web.response import Response
from halfdoor.web.streamed import Streamed

# Requests that one piece of data may hold; no client of ours sends a second before its answer.
_AHEAD: Final = 16


class Connection(asyncio.Protocol):
    """A protocol for one TCP or TLS connection, as its event loop calls it."""

    __slots__ = (
        "_blocked",
        "_client",
        "_hand",
        "_head_bytes",
        "_loop",
        "_parser",
        "_paused",
        "_queue",
        "_reading",
        "_reception",
        "_task",
        "_transport",
    )

    _transport: asyncio.Transport

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._loop = reception.loop
        self._parser: httptools.HttpRequestParser | None = None
        # What is being read, what is read and waits, and what is being answered.
        self._reading: Exchange | None = None
        self._queue: deque[Exchange] = deque()
        self._hand: Exchange | None = None
        self._head_bytes = 0
        self._paused = False
        self._blocked = False

    # -- as the reception sees it --------------------------------------------------------------

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not taken."""
        return self._transport.get_write_buffer_size()

    def leave(self) -> None:
        """Close as soon as what is in hand is answered."""
        if self._hand is None and not self._queue:
            self._hang_up(more_to_come=False)
        else:
            self._read_no_more()

    def late(self) -> None:
        """The head, or the rest of a body that nobody reads, did not arrive in time."""
        if self._head_bytes:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self._hang_up(more_to_come=False)

    def drop(self) -> None:
        """Close at once, and throw away what was not sent."""
        self._transport.abort()

    # -- as the event loop sees it -------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._client = (peer[0], peer[1]) if peer else ("", 0)
        if self._reception.full:
            busy = error_response(503, "M_UNKNOWN", "The server is busy.", retry_after=1)
            self._write(busy, last=True)
            self._hang_up(more_to_come=True)
            return
        self._parser = httptools.HttpRequestParser(self)
        self._reception.welcome(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """They are gone, or we closed."""
        self._reception.farewell(self)
        if self._hand is not None:
            self._hand.hang_up()
        self._queue.clear()
        # The parser knows our methods, so the two would outlive their use.
        self._parser = None

    def data_received(self, data: bytes) -> None:
        """Parse *data*, and begin with the first request that is there."""
        parser = self._parser
        if parser is None:
            # They were told that we are done.
            self._head_bytes += len(data)
            if self._head_bytes > self._reception.patience.message_bytes:
                self.drop()
            return
        before = self._reading
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # We speak nothing else, and say so by answering as if it had not been asked.
            self._read_no_more()
        except httptools.HttpParserError:
            self._not_http()
        else:
            reading = self._reading
            if reading is not None:
                self._check_unfinished(reading, len(data) if reading is before else 0)
        if not self._queue:
            return
        if self._hand is None and not self._blocked:
            self._begin()
        if len(self._queue) > _AHEAD:
            self.drop()
        elif self._queue:
            self._pause()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as we write it."""
        self._blocked = True
        self._reception.expect_reading(self, self.unsent)

    def resume_writing(self) -> None:
        """It took nearly all of it."""
        self._blocked = False
        self._reception.writing.pop(self, None)
        if self._hand is not None:
            self._hand.go_on()
            return
        if self._queue or self._parser is not None:
            self._next()
        else:
            # We hung up: what is left has to be taken in time too.
            self._reception.expect_reading(self, self.unsent)

    # -- as the parser sees it -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head_bytes = 1
        self._reading = Exchange(self)

    def on_url(self, part: bytes) -> None:
        """A part of the request target came."""
        if self._reading is not None:
            self._reading.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header came; those after the body mean nothing here."""
        reading = self._reading
        if reading is not None and not reading.headed:
            reading.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        reading, parser = self._reading, self._parser
        if reading is None or parser is None:
            return
        path, _, query = origin_form(reading.target).partition(b"?")
        reading.scope = {
            "type": "http",
            "method": parser.get_method().decode(),
            "raw_path": path,
            "query_string": query,
            "headers": reading.headers,
            "client": self._client,
            "exchange": reading,
        }
        # Of HTTP/1.0 we know only that it closes.
        reading.keep = parser.should_keep_alive() and parser.get_http_version() == "1.1"
        reading.headed = True
        self._head_bytes = 0
        self._queue.append(reading)

    def on_body(self, part: bytes) -> None:
        """A part of the body came."""
        reading = self._reading
        if reading is not None and reading.take(part) > UNREAD:
            self._pause()

    def on_message_complete(self) -> None:
        """The request is whole."""
        reading, self._reading = self._reading, None
        if reading is None:
            return
        reading.end()
        if reading.done:
            self._reception.heads.pop(self, None)
            self._reception.idle[self] = self._loop.time()

    # -- reading -------------------------------------------------------------------------------

    def want(self, exchange: Exchange) -> None:
        """Somebody waits for more of the body of *exchange*."""
        if exchange.untouched:
            exchange.untouched = False
            # RFC 9110 §10.1.1: who asks first is told to go on.
            if (exchange.header(b"expect") or b"").lower() == b"100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._resume()

    def _check_unfinished(self, reading: Exchange, size: int) -> None:
        """Refuse a request that is not whole after more bytes than anything honest needs."""
        patience = self._reception.patience
        if reading.headed:
            reading.raw_bytes += size
            if reading.raw_bytes > max(patience.message_bytes, reading.most_bytes):
                reading.break_off()
                self._read_no_more()
            return
        self._head_bytes += size
        if self._head_bytes > patience.head_bytes:
            self._refuse(431, "The head of the request is too long.")
        elif self._reception.idle.pop(self, None) is not None:
            self._reception.heads[self] = self._loop.time()

    def _not_http(self) -> None:
        """The parser gave up. Whoever asked before is answered before the connection closes."""
        if self._reading is not None and self._reading.headed:
            self._reading.break_off()
            self._read_no_more()
        else:
            self._refuse(400, "This is not HTTP/1.1.")

    def _read_no_more(self) -> None:
        self._parser = None
        if self._queue:
            self._queue[-1].keep = False
        elif self._hand is not None:
            self._hand.keep = False
        self._pause()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._parser is not None:
            self._paused = False
            self._transport.resume_reading()

    # -- answering -----------------------------------------------------------------------------

    def _begin(self) -> None:
        self._reception.heads.pop(self, None)
        self._reception.idle.pop(self, None)
        self._hand = exchange = self._queue.popleft()
        # The loop holds its tasks weakly.
        self._task = self._loop.create_task(self._work(exchange))

    async def _work(self, exchange: Exchange) -> None:
        # The scope holds the exchange: the other way round too, both would await the collector.
        scope, exchange.scope = exchange.scope, {}
        try:
            response = await self._reception.answer(scope, exchange.receive)
            bodiless = scope["method"] == "HEAD"
            if isinstance(response, Streamed):
                async with contextlib.aclosing(response.pieces):
                    if not exchange.gone:
                        await self._pour(exchange, response, bodiless=bodiless)
            self._hand = None
            if not exchange.gone:
                self._finish(exchange, response, bodiless=bodiless)
        except BaseException:
            # Nothing that can be foreseen comes here; the client must not wait for ever.
            self.drop()
            raise

    async def _pour(self, exchange: Exchange, response: Streamed, *, bodiless: bool) -> None:
        """Answer in pieces; what they raise breaks the connection off: that was not the whole."""
        exchange.settle()
        head = self._reception.headings.of(response, last=not exchange.keep)
        self._transport.write(b"%b%d\r\n\r\n" % (head, response.length))
        if not bodiless:
            await response.pour(exchange, self._transport.write, lambda: self._blocked)

    def _finish(self, exchange: Exchange, response: Response, *, bodiless: bool) -> None:
        if not isinstance(response, Streamed):
            exchange.settle()
            self._write(response, last=not exchange.keep, bodiless=bodiless)
        if not exchange.keep:
            self._hang_up(more_to_come=exchange.more or self._paused)
        elif not self._blocked:
            self._next()

    def _next(self) -> None:
        """Nobody is being answered: begin with whoever waits, or wait for somebody."""
        if self._queue:
            self._begin()
            return
        table = self._reception.idle if self._reading is None else self._reception.heads
        table[self] = self._loop.time()
        self._resume()

    def _write(self, response: Response, *, last: bool, bodiless: bool = False) -> None:
        head, body = self._reception.headings.of(response, last=last), response.body
        if bodiless:
            self._transport.write(b"%b%d\r\n\r\n" % (head, len(body)))
        elif len(body) < UNREAD:
            self._transport.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        else:
            self._transport.writelines((b"%b%d\r\n\r\n" % (head, len(body)), body))

    def _refuse(self, status: int, text: str) -> None:
        """Answer what never became a request, if it is its turn; close."""
        if self._hand is None and not self._queue:
            self._write(error_response(status, "M_UNKNOWN", text), last=True)
            self._hang_up(more_to_come=True)
        else:
            self._read_no_more()

    def _hang_up(self, *, more_to_come: bool) -> None:
        """Close once everything is sent.

        Where the client is still sending, we say that we are done and wait for it to notice:
        closing with bytes unread would throw away the answer on its way (RFC 9112 §9.6).
        """
        self._parser = None
        self._head_bytes = 0
        self._reception.heads.pop(self, None)
        self._reception.idle.pop(self, None)
        self._reception.expect_reading(self, self.unsent)
        if more_to_come and self._transport.can_write_eof():
            self._transport.write_eof()
            self._paused = False
            self._transport.resume_reading()
        else:
            self._transport.close()
