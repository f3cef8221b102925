"""The HTTP server around an app: bind, say when ready, drain on a signal, stop.

granian runs inside our own event loop, so handlers share one process with the store's writer.
"""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from structlog.typing import FilteringBoundLogger

from halfdoor.config.listening import check_listening
from halfdoor.web.logs import loop_handler

_PROBE_SECONDS = 0.02
_START_SECONDS = 10.0
# Database, logs, libraries: what is open beside connections.
_OTHER_FILES = 256


class ListenError(Exception):
    """The address cannot be listened on; the text says why and holds no secret."""


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One app on one address. Port 0 takes a free one; TLS is 1.3 only."""

    app: Any
    bind: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ()
    development: bool = False
    connections: int = 20_000
    header_seconds: int = 20

    @property
    def scheme(self) -> str:
        """`https` with a certificate, else `http`."""
        return "http" if self.tls_cert is None else "https"

    def base_url(self, port: int) -> str:
        """How a client on this machine reaches it when it listens on *port*."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)  # noqa: S104
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


class Stopping:
    """Asked once, the server drains; asked again, it stops waiting for requests in hand."""

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.hurry = asyncio.Event()

    def ask(self) -> None:
        """What SIGTERM and SIGINT do."""
        if self.drain.is_set():
            self.hurry.set()
        self.drain.set()


async def serve(
    listeners: Sequence[Listener],
    *,
    log: FilteringBoundLogger,
    drain_seconds: float = 10.0,
    on_ready: Callable[[str], None] = lambda _base_url: None,
    on_drain: Callable[[], None] = lambda: None,
    stopping: Stopping | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or *stopping*; returns once requests in hand are answered.

    *on_ready* gets the base URL of the first listener when all accept connections. *on_drain* is
    called when no more connections are accepted: it wakes long polls, so that they answer.
    ConfigError for an address where plain HTTP may not be, ListenError for one that cannot be had.
    """
    stopping = stopping or Stopping()
    servers: list[Any] = []  # granian's stop() has no annotations
    ports: list[int] = []
    for listener in listeners:
        _check(listener)
        ports.append(_free_port(listener))
        servers.append(_server(listener, ports[-1]))
    with _signals(stopping, log), _uncaught(log):
        running = [asyncio.ensure_future(server.serve()) for server in servers]
        try:
            for listener, port, task in zip(listeners, ports, running, strict=True):
                await _until_accepting(listener, port, task)
                log.info("listening", port=port, scheme=listener.scheme)
            on_ready(listeners[0].base_url(ports[0]))
            await _first(stopping.drain, running)
        finally:
            for server in servers:
                server.stop()
            on_drain()
            await _finish(running, stopping, drain_seconds, log)


def _check(listener: Listener) -> None:
    check_listening(
        listener.bind,
        tls=listener.tls_cert is not None and listener.tls_key is not None,
        behind_proxy=listener.behind_proxy,
        trusted_proxies=listener.trusted_proxies,
        development=listener.development,
    )


def _address(listener: Listener) -> str:
    return "127.0.0.1" if listener.bind == "localhost" else listener.bind


def _free_port(listener: Listener) -> int:
    """The port to take. granian shares ports (SO_REUSEPORT), so a second server would go unseen."""
    address = _address(listener)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, listener.port))
        except OSError as error:
            raise ListenError(
                f"{listener.bind} port {listener.port} cannot be listened on: {error.strerror}."
            ) from None
        port: int = probe.getsockname()[1]
        return port


def _files_allowed() -> int:
    """How many files this process may open, after asking for all it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def _server(listener: Listener, port: int) -> Server:
    try:
        return Server(
            listener.app,
            address=_address(listener),
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=1024,
            # granian counts connections here; our own limits count requests and answer 503.
            backpressure=min(listener.connections, _files_allowed() - _OTHER_FILES),
            http1_settings=HTTP1Settings(header_read_timeout=listener.header_seconds * 1000),
            log_enabled=False,
            ssl_cert=listener.tls_cert,
            ssl_key=listener.tls_key,
        )
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError; neither text holds more than a library's reason.
        raise ListenError(
            f"The certificate or its key cannot be used ({type(error).__name__})."
        ) from None


async def _until_accepting(listener: Listener, port: int, task: asyncio.Future[None]) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.bind, _address(listener))  # noqa: S104
    try:
        async with asyncio.timeout(_START_SECONDS):
            while not task.done():
                try:
                    _, writer = await asyncio.open_connection(host, port)
                except OSError:
                    await asyncio.sleep(_PROBE_SECONDS)
                else:
                    writer.close()
                    return
    except TimeoutError:
        pass
    raise ListenError(f"{listener.bind} port {port} does not accept connections.")


async def _first(event: asyncio.Event, running: Sequence[asyncio.Future[None]]) -> None:
    """Wait for *event*; a server that ends by itself is a failure."""
    asked: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait([asked, *running], return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
    if not event.is_set():
        raise ListenError("The HTTP server ended by itself.")


async def _finish(
    running: Sequence[asyncio.Future[None]],
    stopping: Stopping,
    drain_seconds: float,
    log: FilteringBoundLogger,
) -> None:
    hurry: asyncio.Future[Any] = asyncio.ensure_future(stopping.hurry.wait())
    ended: asyncio.Future[Any] = asyncio.ensure_future(asyncio.wait(running))
    try:
        await asyncio.wait(
            [hurry, ended], timeout=drain_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not ended.done():
            log.warning("stopped with requests in hand", seconds=drain_seconds)
    finally:
        hurry.cancel()
        ended.cancel()


@contextlib.contextmanager
def _uncaught(log: FilteringBoundLogger) -> Iterator[None]:
    """Errors that nobody awaited are logged without their message, as all others are."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(loop_handler(log))
    try:
        yield
    finally:
        loop.set_exception_handler(before)


@contextlib.contextmanager
def _signals(stopping: Stopping, log: FilteringBoundLogger) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        log.info("asked to stop", signal=number.name)
        stopping.ask()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, asked, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
