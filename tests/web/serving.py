"""A small app behind a real server on a real socket, and raw bytes to and from it."""

import asyncio
import contextlib
import io
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509

from halfdoor.web.connection import Connection
from halfdoor.web.logs import configure
from halfdoor.web.reception import Patience, Reception
from halfdoor.web.request import BodyLimits, Request
from halfdoor.web.response import Response, empty_object, json_response
from halfdoor.web.router import Route
from halfdoor.web.serve import Listener, Stopping, serve


@dataclass
class Polls:
    """Long polls that wait until they are woken."""

    woken: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, _request: Request, _session: Any) -> Response:
        self.waiting.set()
        await self.woken.wait()
        return json_response({"woken": True})


async def echo(request: Request, _session: Any) -> Response:
    await request.body()
    return json_response({**request.params, "address": request.address})


async def early(_request: Request, _session: Any) -> Response:
    return empty_object()


def app_with(build: Callable[..., Any], polls: Polls) -> Any:
    return build(
        [
            Route("PUT", "/rooms/{roomId}/send", echo, auth="none"),
            Route("POST", "/body", echo, auth="none"),
            Route("POST", "/early", early, auth="none"),
            Route("GET", "/poll", polls.wait, auth="none", limit="sync"),
        ],
        bodies=BodyLimits(max_body_bytes=1000, body_seconds=0.2),
    )


@dataclass
class Running:
    """A server that runs, and raw bytes to and from it."""

    url: str
    port: int
    polls: Polls
    stopping: Stopping
    task: "asyncio.Future[None]"
    log: io.StringIO
    house: Any
    tls: ssl.SSLContext | None = None

    async def logged(self, text: str, times: int = 1) -> None:
        """Wait until the log holds *text* so many *times*."""
        await until(lambda: self.log.getvalue().count(text) >= times)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = "localhost" if self.tls else None
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self.tls, server_hostname=name
        )

    async def talk(self, sent: bytes) -> bytes:
        reader, writer = await self.open()
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        answer = await asyncio.wait_for(until_closed(reader), 10)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        return answer


async def until(right: Callable[[], bool]) -> None:
    """Wait until *right*, which other tasks bring about; TimeoutError after 10 s."""
    async with asyncio.timeout(10):
        while True:
            if right():
                return
            await asyncio.sleep(0.01)


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65_536):
            answer += part
    return answer


def request(line: str, *headers: str, body: bytes = b"") -> bytes:
    fields = ["Host: localhost", "Connection: close", *headers]
    if body:
        fields.append(f"Content-Length: {len(body)}")
    return "\r\n".join([f"{line} HTTP/1.1", *fields, "", ""]).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# Options of `serve`; all others are the listener's.
_OF_SERVE = {"drain_seconds", "look_seconds"}


@contextlib.asynccontextmanager
async def running(build: Callable[..., Any], **more: Any) -> AsyncIterator[Running]:
    polls = Polls()
    stopping = Stopping()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    of_serve = {key: more.pop(key) for key in _OF_SERVE & more.keys()}
    tls = more.pop("client_tls", None)
    house = app_with(build, polls)
    listener = Listener(app=house.app, bind="127.0.0.1", port=0, **more)
    log = io.StringIO()
    task = asyncio.ensure_future(
        serve(
            [listener],
            log=configure("info", stream=log, console=False),
            **of_serve,
            on_ready=ready.set_result,
            on_drain=polls.woken.set,
            stopping=stopping,
        )
    )
    either: list[asyncio.Future[Any]] = [ready, task]
    await asyncio.wait(either, timeout=15, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    url = ready.result()
    try:
        yield Running(url, int(url.rpartition(":")[2]), polls, stopping, task, log, house, tls)
    finally:
        stopping.ask()
        await asyncio.wait_for(task, 15)


class Bare:
    """A server of connections alone, with as little patience as the test likes."""

    def __init__(self, app: Any, **patience: Any) -> None:
        self.app = app
        self.patience = Patience(**patience)

    async def __aenter__(self) -> "Bare":
        self.reception = Reception(self.app, self.patience)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self.reception), "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.reception.close()
        await self.empty()

    async def empty(self) -> None:
        await until(lambda: not self.reception.guests)

    def deaf(self) -> socket.socket:
        """A client with a small window that reads nothing by itself."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.port))
        client.setblocking(False)
        return client

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


@dataclass
class Issued:
    """A certificate for this machine in two files, and a client's context that trusts it."""

    authority: trustme.CA
    chain: Path
    key: Path
    client: ssl.SSLContext

    def write(self, **how: Any) -> str:
        """Put a new pair of the same authority in the files; return its serial number."""
        leaf = self.authority.issue_cert("localhost", "127.0.0.1", **how)
        self.chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(str(self.key))
        return _serial(leaf.cert_chain_pems[0].bytes())


def issue(folder: Path) -> Issued:
    """Make an authority, and a first pair of files in *folder*."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    issued = Issued(authority, folder / "chain.pem", folder / "key.pem", context)
    issued.write()
    return issued


def shown(writer: asyncio.StreamWriter) -> str:
    """The serial number of the certificate that the server showed on this connection."""
    return _serial(
        ssl.DER_cert_to_PEM_cert(writer.get_extra_info("ssl_object").getpeercert(True)).encode()
    )


def _serial(pem: bytes) -> str:
    return f"{x509.load_pem_x509_certificate(pem).serial_number:x}"
