import asyncio
import io
import os
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.web.serving import Issued, Polls, app_with, issue, request, running, status

from halfdoor.config.errors import ConfigError
from halfdoor.web.logs import configure
from halfdoor.web.serve import Listener, ListenError, serve

# Every address of the machine: what these tests see refused.
ANYWHERE = "0.0.0.0"  # noqa: S104


async def test_an_encoded_slash_survives_the_real_server(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        answer = await server.talk(request("PUT /rooms/%21a%2Fb/send", body=b"{}"))
    assert status(answer) == 200
    assert b'"roomId":"!a/b"' in answer
    assert b'"address":"127.0.0.1"' in answer


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (request("GET /nothing"), 404),
        (request("DELETE /body"), 405),
        (request("PUT /rooms/%ff/send", body=b"{}"), 400),
        (request("PUT /rooms/a%00b/send", body=b"{}"), 400),
        (request("PUT /rooms/a\0b/send", body=b"{}"), 400),
        (request("POST /body", body=b"x" * 1001), 413),
        (request("POST /body", "Content-Length: 3000000"), 413),
        (request("POST /body", "Content-Length: 2", "Content-Length: 3", body=b"ab"), 400),
        (request("POST /body", "Transfer-Encoding: chunked") + b"2\r\nab\r\n0\r\n\r\n", 200),
        (request("POST /body", "Transfer-Encoding: chunked") + b"zz\r\nab\r\n0\r\n\r\n", 400),
        (request("POST /body", "Content-Length: 20") + b"ab", 408),
        (request("GET /" + "a" * 9000), 414),
        (request("GET /nothing", f"X: {'y' * 17_000}"), 431),
        (request("GET /nothing", *(f"X{n}: y" for n in range(200))), 431),
        (request("OPTIONS *"), 200),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
async def test_a_bad_request_gets_the_right_refusal_and_the_server_lives(
    build: Callable[..., Any], sent: bytes, expected: int
) -> None:
    async with running(build) as server:
        answer = await server.talk(sent)
        after = await server.talk(request("POST /early", body=b"{}"))
    assert status(answer) == expected
    assert status(after) == 200


async def test_a_body_nobody_read_does_not_become_the_next_request(
    build: Callable[..., Any],
) -> None:
    smuggled = request("GET /nothing")
    async with running(build) as server:
        first = f"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: {len(smuggled)}\r\n\r\n"
        answer = await server.talk(first.encode() + smuggled + request("GET /poll2"))
    assert answer.count(b"HTTP/1.1 404") <= 1
    assert answer.startswith(b"HTTP/1.1 200")


async def test_one_connection_serves_many_requests(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        reader, writer = await server.open()
        for _ in range(3):
            writer.write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_wakes_long_polls_and_ends_after_they_answered(
    build: Callable[..., Any], number: signal.Signals
) -> None:
    async with running(build) as server:
        poll = asyncio.ensure_future(server.talk(request("GET /poll")))
        await server.polls.waiting.wait()
        os.kill(os.getpid(), number)
        assert b'{"woken":true}' in await poll
        await asyncio.wait_for(asyncio.shield(server.task), 10)
        with pytest.raises(ConnectionError):
            await server.open()


async def test_a_second_signal_does_not_wait_for_requests_in_hand(
    build: Callable[..., Any],
) -> None:
    async with running(build, drain_seconds=600.0) as server:
        stubborn = server.polls.woken
        server.polls.woken = asyncio.Event()
        poll = asyncio.ensure_future(server.talk(request("GET /poll")))
        await server.polls.waiting.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        await stubborn.wait()
        assert not server.task.done()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(asyncio.shield(server.task), 10)
        server.polls.woken.set()
        await poll


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return issue(tmp_path)


async def test_tls_is_1_3_and_nothing_older(build: Callable[..., Any], issued: Issued) -> None:
    chain, key, context = issued.chain, issued.key, issued.client
    async with running(build, tls_cert=chain, tls_key=key, client_tls=context) as server:
        assert server.url.startswith("https://")
        _, writer = await server.open()
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
        writer.close()
        await writer.wait_closed()
        assert status(await server.talk(request("POST /early", body=b"{}"))) == 200
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await server.open()


async def test_a_certificate_that_cannot_be_used_is_refused_before_anything_listens(
    build: Callable[..., Any], tmp_path: Path, issued: Issued
) -> None:
    chain, key = issued.chain, issued.key
    other = trustme.CA().issue_cert("localhost")
    wrong = tmp_path / "wrong.pem"
    other.private_key_pem.write_to_path(str(wrong))
    for pair in ((chain, wrong), (key, key), (tmp_path / "none", key)):
        with pytest.raises(ListenError, match="certificate"):
            async with running(build, tls_cert=pair[0], tls_key=pair[1]):
                raise AssertionError("it listens")


async def test_a_port_in_use_is_refused(build: Callable[..., Any]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listener = Listener(
            app=app_with(build, Polls()).app, bind="127.0.0.1", port=taken.getsockname()[1]
        )
        with pytest.raises(ListenError, match="cannot be listened on"):
            await serve([listener], log=configure("error", stream=io.StringIO(), console=False))


async def test_two_servers_never_share_a_port(build: Callable[..., Any]) -> None:
    async with running(build) as server:
        listener = Listener(app=app_with(build, Polls()).app, bind="127.0.0.1", port=server.port)
        with pytest.raises(ListenError, match="cannot be listened on"):
            await serve([listener], log=configure("error", stream=io.StringIO(), console=False))


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"bind": ANYWHERE}, "bind"),
        ({"bind": "::"}, "bind"),
        ({"bind": "192.0.2.1"}, "bind"),
        ({"bind": "example.org"}, "bind"),
        ({"bind": ANYWHERE, "behind_proxy": True}, "trusted_proxies"),
        ({"bind": "127.0.0.1", "behind_proxy": True}, "trusted_proxies"),
        ({"bind": ANYWHERE, "trusted_proxies": ("10.0.0.1",)}, "bind"),
        ({"bind": ANYWHERE, "tls_cert": Path("cert.pem")}, "bind"),
        (
            {"bind": ANYWHERE, "behind_proxy": True, "trusted_proxies": ("not one",)},
            "trusted_proxies",
        ),
        (
            {
                "bind": ANYWHERE,
                "behind_proxy": True,
                "trusted_proxies": ("10.0.0.1",),
                "development": True,
            },
            "development",
        ),
    ],
)
async def test_words_in_the_clear_stay_on_this_machine(
    build: Callable[..., Any], more: dict[str, Any], setting: str
) -> None:
    listener = Listener(app=app_with(build, Polls()).app, port=0, **more)
    with pytest.raises(ConfigError) as refused:
        await serve([listener], log=configure("error", stream=io.StringIO(), console=False))
    assert refused.value.setting == setting
