import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tests.web.serving import Bare, Running, request, running, status, until, until_closed

from halfdoor.web.request import Receive, Scope
from halfdoor.web.response import Response

# More than the kernel takes off the server's hands.
BIG = 12 << 20


class BigApp:
    """Answers everything with *size* bytes."""

    def __init__(self, size: int = BIG) -> None:
        self.body = b"x" * size
        self.answered = 0

    async def answer(self, _scope: Scope, _receive: Receive) -> Response:
        self.answered += 1
        return Response(200, self.body)


async def well(server: Running) -> None:
    async with asyncio.timeout(5):
        assert status(await server.talk(request("POST /early", body=b"{}"))) == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\nX: y"])
async def test_a_head_that_does_not_end_is_not_awaited_for_ever(
    build: Callable[..., Any], sent: bytes
) -> None:
    async with running(build, header_seconds=1) as server:
        reader, writer = await server.open()
        writer.write(sent)
        await well(server)
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert status(answer) == 408 if sent else answer == b""
        writer.close()


async def test_a_head_that_comes_byte_by_byte_has_no_more_time(build: Callable[..., Any]) -> None:
    async with running(build, header_seconds=1) as server:
        reader, writer = await server.open()
        answer = asyncio.ensure_future(until_closed(reader))
        with contextlib.suppress(ConnectionError):
            while not answer.done():
                writer.write(b"G" if not reader.at_eof() else b"")
                await asyncio.sleep(0.05)
                if answer.done():
                    break
        assert status(await answer) in {400, 408}
        writer.close()


async def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async with Bare(BigApp(2), head_seconds=0.3) as server:
        reader, writer = await server.open()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"xx")
        writer.write(b"GET / HTTP/1.1\r\n")
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert status(answer) == 408
        writer.close()


async def test_a_connection_that_asks_nothing_more_is_closed() -> None:
    async with Bare(BigApp(2), idle_seconds=0.2) as server:
        reader, writer = await server.open()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"xx")
        assert await asyncio.wait_for(until_closed(reader), 10) == b""
        writer.close()


async def test_a_head_without_end_is_refused_before_it_fills_the_memory() -> None:
    async with Bare(BigApp(2), head_bytes=10_000) as server:
        for beginning in (b"GET /", b"GET / HTTP/1.1\r\nX: "):
            reader, writer = await server.open()
            answer = asyncio.ensure_future(until_closed(reader))
            with contextlib.suppress(ConnectionError):
                writer.write(beginning)
                for _ in range(200):
                    writer.write(b"y" * 1000)
                    await writer.drain()
                    await asyncio.sleep(0)
            assert status(await asyncio.wait_for(answer, 10)) == 431
            writer.close()


async def test_trailers_without_end_are_not_read_for_ever() -> None:
    class Reader(BigApp):
        async def answer(self, scope: Scope, receive: Receive) -> Response:
            while (message := await receive())["type"] == "http.request":
                if not message["more_body"]:
                    break
            return Response(400 if message["type"] == "http.disconnect" else 200, b"{}")

    async with Bare(Reader(), message_bytes=100_000) as server:
        reader, writer = await server.open()
        answer = asyncio.ensure_future(until_closed(reader))
        with contextlib.suppress(ConnectionError):
            writer.write(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
            for _ in range(400):
                writer.write(b"y" * 1000)
                await writer.drain()
                await asyncio.sleep(0)
        assert status(await asyncio.wait_for(answer, 10)) == 400
        writer.close()


async def test_a_client_that_does_not_read_its_answer_is_left() -> None:
    async with Bare(BigApp(), write_seconds=0.3, write_bytes_per_second=1 << 30) as server:
        client = server.deaf()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: server.app.answered == 1)
        await server.empty()
        client.close()


async def test_no_second_answer_is_made_for_a_client_that_does_not_read_the_first() -> None:
    async with Bare(BigApp()) as server:
        client = server.deaf()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
        reader, writer = await server.open()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(until_closed(reader), 20)
        writer.close()
        assert len(answer) > BIG
        assert server.app.answered == 2
        # It was only slow: once it has read, its next answer is made.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        async with asyncio.timeout(20):
            while server.app.answered < 3:
                await loop.sock_recv(client, 1 << 20)
        client.close()


async def test_a_client_that_reads_slowly_and_does_read_gets_everything() -> None:
    async with Bare(BigApp(1 << 20), write_seconds=5) as server:
        client = server.deaf()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = b""
        async with asyncio.timeout(20):
            while part := await loop.sock_recv(client, 8192):
                got += part
        assert got.endswith(server.app.body)
        client.close()


async def test_of_answers_that_nobody_reads_only_so_much_is_kept() -> None:
    async with Bare(BigApp(), unsent_bytes=2 * BIG, write_seconds=60) as server:
        clients = [server.deaf() for _ in range(5)]
        loop = asyncio.get_running_loop()
        for client in clients:
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: server.app.answered == 5 and len(server.reception.guests) <= 2)
        for client in clients:
            client.close()


async def test_more_connections_than_there_is_room_for_are_told_so_at_once() -> None:
    async with Bare(BigApp(2), connections=20) as server:
        silent = [await server.open() for _ in range(20)]
        reader, writer = await server.open()
        answer = await asyncio.wait_for(until_closed(reader), 5)
        assert status(answer) == 503
        assert b"\r\nretry-after: 1\r\n" in answer
        writer.close()
        # As soon as there is room again, the next one is answered.
        silent.pop()[1].close()
        await until(lambda: len(server.reception.guests) <= 19)
        reader, writer = await server.open()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert status(await asyncio.wait_for(until_closed(reader), 5)) == 200
        for _, each in [*silent, (reader, writer)]:
            each.close()


async def test_a_thousand_that_say_nothing_hold_up_nobody(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        silent = [await server.open() for _ in range(1000)]
        for _, writer in silent[::2]:
            writer.write(b"PUT /rooms/a/send HTTP/1.1\r\nContent-Length: 9\r\n")
        await well(server)
        for _, writer in silent:
            writer.close()


async def test_requests_sent_ahead_are_answered_in_their_order(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        writer.write(request("GET /poll").replace(b"Connection: close\r\n", b""))
        await server.polls.waiting.wait()
        for room in (b"a", b"b"):
            writer.write(b"PUT /rooms/%b/send HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}" % room)
        writer.write(b"nonsense\r\n\r\n")
        server.polls.woken.set()
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert answer.index(b"woken") < answer.index(b'"a"') < answer.index(b'"b"')
        assert answer.count(b"HTTP/1.1 200") == 3
        assert b"HTTP/1.1 400" not in answer
        writer.close()


async def test_a_flood_of_requests_in_one_piece_is_hung_up_on(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        writer.write(b"GET /poll HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
        answer = await asyncio.wait_for(until_closed(reader), 10)
        assert answer.count(b"HTTP/1.1 200") == 0
        writer.close()
        await well(server)


async def test_who_asks_before_sending_a_body_is_told_to_go_on(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        writer.write(
            b"POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            b"Connection: close\r\nContent-Length: 2\r\n\r\n"
        )
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert status(await asyncio.wait_for(until_closed(reader), 10)) == 200
        writer.close()


async def test_a_refusal_arrives_though_the_client_is_still_sending(
    build: Callable[..., Any],
) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        answer = asyncio.ensure_future(until_closed(reader))
        writer.write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(90):
                writer.write(b"x" * 100_000)
                await writer.drain()
        assert status(await asyncio.wait_for(answer, 10)) == 413
        writer.close()


async def test_what_is_left_of_a_short_body_is_read_past(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\nGET / HT")
        assert b" 404 " in await reader.readuntil(b"\r\n\r\n")
        await reader.readuntil(b"}")
        writer.write(b"TP/1.1\r\n\r\n  ")
        writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()


async def test_an_old_client_gets_its_answer_and_a_closed_connection(
    build: Callable[..., Any],
) -> None:
    async with running(build) as server:
        for more in (b"", b"Connection: keep-alive\r\n"):
            sent = b"POST /early HTTP/1.0\r\n" + more + b"Content-Length: 2\r\n\r\n{}"
            answer = await server.talk(sent)
            assert status(answer) == 200
            assert b"\r\nconnection: close\r\n" in answer


async def test_a_wish_to_speak_something_else_is_not_heard(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        sent = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
        answer = await server.talk(sent + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert status(answer) == 404
        assert answer.count(b"HTTP/1.1") == 1


async def test_an_absolute_address_means_its_path(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        answer = await server.talk(
            request("PUT http://elsewhere.example/rooms/a%2Fb/send?x=1", body=b"{}")
        )
        assert b'"roomId":"a/b"' in answer
        assert status(await server.talk(request("CONNECT elsewhere.example:443"))) in {400, 404}
