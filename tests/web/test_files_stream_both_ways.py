"""Long bodies go through piece by piece, and what breaks off is never taken for the whole."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.web.serving import Bare, status, until, until_closed

from halfdoor.web.errors import BrokenBodyError, SlowBodyError, TooLargeError
from halfdoor.web.incoming import incoming
from halfdoor.web.request import BodyLimits, Request
from halfdoor.web.response import Response, json_response
from halfdoor.web.router import Route
from halfdoor.web.streamed import Streamed

LIMIT = 40 << 20
PIECE = b"0123456789abcdef" * 4096


class Files:
    """Takes files and gives them, and remembers how it went."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.given = 0
        self.closed = 0
        self.failing = False

    async def take(self, request: Request, _session: Any) -> Response:
        seen, size = hashlib.sha256(), 0
        try:
            async for piece in request.pieces(LIMIT):
                assert len(piece) <= 1 << 20
                seen.update(piece)
                size += len(piece)
        except (BrokenBodyError, SlowBodyError, TooLargeError) as error:
            self.refused.append(type(error).__name__)
            raise
        return json_response({"size": size, "digest": seen.hexdigest()})

    async def give(self, request: Request, _session: Any) -> Response:
        count = int(request.params["count"])
        return Streamed(self._pieces(count), count * len(PIECE))

    async def _pieces(self, count: int) -> AsyncGenerator[bytes, None]:
        try:
            for n in range(count):
                if self.failing and n:
                    raise ValueError("the file does not open")
                self.given += 1
                yield PIECE
        finally:
            self.closed += 1


@asynccontextmanager
async def serving(
    build: Callable[..., Any], files: Files, *, seconds: float = 5, **patience: Any
) -> AsyncIterator[Bare]:
    app = build(
        [
            Route("POST", "/take", files.take, auth="none"),
            Route("GET", "/give/{count}", files.give, auth="none"),
        ],
        bodies=BodyLimits(max_body_bytes=1000, body_seconds=seconds),
    ).app
    async with Bare(app, **patience) as server:
        yield server


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


async def test_a_body_that_says_it_is_too_long_is_not_read(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files) as server:
        reader, writer = await server.open()
        writer.write(head("POST /take", f"Content-Length: {LIMIT + 1}"))
        assert (await reader.readline()).split()[1] == b"413"
        writer.close()
    assert files.refused == ["TooLargeError"]


async def test_a_chunked_body_is_cut_at_the_limit(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files) as server:
        _, writer = await server.open()
        writer.write(head("POST /take", "Transfer-Encoding: chunked"))
        chunk = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)
        try:
            for _ in range(LIMIT // len(PIECE) + 2):
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        await until(lambda: bool(files.refused))
        writer.close()
    assert files.refused == ["TooLargeError"]


async def test_a_body_that_breaks_off_is_no_body(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files) as server:
        _, writer = await server.open()
        writer.write(head("POST /take", "Content-Length: 1000000") + bytes(999_999))
        await writer.drain()
        writer.close()
        await until(lambda: bool(files.refused))
    assert files.refused == ["BrokenBodyError"]


async def test_a_body_that_dawdles_is_not_awaited_for_ever(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files, seconds=0.1) as server:
        reader, writer = await server.open()
        writer.write(head("POST /take", "Content-Length: 1000000") + bytes(10))
        assert (await reader.readline()).split()[1] == b"408"
        writer.close()
    assert files.refused == ["SlowBodyError"]


async def test_a_body_that_trickles_has_no_more_time_than_one_that_dawdles() -> None:
    async def trickle() -> dict[str, Any]:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(SlowBodyError):
        async for _ in incoming(trickle, LIMIT, LIMIT, 0.1):
            pass


async def test_the_time_that_the_disk_takes_is_not_the_clients() -> None:
    async def prompt() -> dict[str, Any]:
        return {"type": "http.request", "body": b"x", "more_body": True}

    taken = 0
    async for _ in incoming(prompt, 4, 4, 0.05):
        await asyncio.sleep(0.04)
        taken += 1
    assert taken == 4


async def test_a_long_body_comes_whole_over_one_connection(build: Callable[..., Any]) -> None:
    files = Files()
    body = PIECE * (LIMIT // len(PIECE))
    async with serving(build, files) as server:
        reader, writer = await server.open()
        for _ in range(2):
            writer.write(head("POST /take", f"Content-Length: {len(body)}"))
            for at in range(0, len(body), 1 << 20):
                writer.write(body[at : at + (1 << 20)])
                await writer.drain()
            answer = await reader.readuntil(b"}")
            assert status(answer) == 200
            assert hashlib.sha256(body).hexdigest().encode() in answer
        writer.close()


async def test_a_long_answer_comes_whole_and_the_connection_stays(
    build: Callable[..., Any],
) -> None:
    files = Files()
    async with serving(build, files) as server:
        reader, writer = await server.open()
        for count in (3, 0, 200):
            writer.write(head(f"GET /give/{count}"))
            answer = await reader.readuntil(b"\r\n\r\n")
            assert status(answer) == 200
            assert b"content-length: %d\r\n" % (count * len(PIECE)) in answer
            assert await reader.readexactly(count * len(PIECE)) == PIECE * count
        writer.close()
    assert files.closed == 3


async def test_the_head_alone_of_a_long_answer_reads_nothing(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files) as server:
        reader, writer = await server.open()
        for _ in range(2):
            writer.write(head("HEAD /give/9"))
            assert b"content-length: %d" % (9 * len(PIECE)) in await reader.readuntil(b"\r\n\r\n")
        writer.close()
    assert files.given == 0


async def test_nobody_reads_on_for_a_client_that_does_not(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files, write_seconds=0.3, write_bytes_per_second=1 << 30) as server:
        _, writer = await server.open()
        writer.write(head("GET /give/5000"))
        await until(lambda: files.closed == 1)
        writer.close()
    # What the kernel took, and no more: of 320 MB a small part.
    assert files.given < 500


async def test_who_hangs_up_is_read_no_more_for(build: Callable[..., Any]) -> None:
    files = Files()
    async with serving(build, files) as server:
        reader, writer = await server.open()
        writer.write(head("GET /give/5000"))
        await reader.readexactly(1000)
        writer.transport.abort()
        await until(lambda: files.closed == 1)
    assert files.given < 500


async def test_what_does_not_open_midway_breaks_the_answer_off(build: Callable[..., Any]) -> None:
    files = Files()
    files.failing = True
    loop = asyncio.get_running_loop()
    # The server's own handler logs what nobody foresaw, without its message.
    loop.set_exception_handler(lambda _loop, _context: None)
    async with serving(build, files) as server:
        reader, writer = await server.open()
        writer.write(head("GET /give/3"))
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert len(answer) < 3 * len(PIECE)
        writer.close()
    assert files.closed == 1


async def test_callers_inside_the_process_get_all_of_it(
    build: Callable[..., Any],
) -> None:
    files = Files()
    house = build([Route("GET", "/give/{count}", files.give)])
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is to be received")

    scope = {
        "type": "http",
        "method": "GET",
        "raw_path": b"/give/3",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer ada")],
        "client": ("192.0.2.7", 50_000),
    }
    await house.app(scope, receive, send)
    assert b"".join(message.get("body", b"") for message in sent) == PIECE * 3
    assert dict(sent[0]["headers"])[b"content-length"] == b"%d" % (3 * len(PIECE))
    assert sent[-1] == {"type": "http.response.body", "body": b""}
