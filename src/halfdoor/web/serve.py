"""The HTTP server around apps: bind, say when ready, reload on SIGHUP, drain on a signal, stop."""

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.config.listening import check_listening
from halfdoor.web.certificate import LOOK_SECONDS, Certificate, CertificateError, keep_fresh
from halfdoor.web.connection import Connection
from halfdoor.web.handshake import accept_all
from halfdoor.web.logs import loop_handler
from halfdoor.web.reception import Answering, Patience, Reception

_BACKLOG: Final = 1024
# Database, logs, libraries: what is open beside connections.
_OTHER_FILES: Final = 256


class ListenError(Exception):
    """The address cannot be listened on; the text says why and holds no secret."""


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """One app on one address. Port 0 takes a free one; TLS is 1.3 only."""

    app: Answering
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


class _Door(msgspec.Struct):
    """One listener at work."""

    listener: Listener
    reception: Reception
    close: Callable[[], Any]
    port: int
    certificate: Certificate | None


async def serve(
    listeners: Sequence[Listener],
    *,
    log: FilteringBoundLogger,
    drain_seconds: float = 10.0,
    on_ready: Callable[[str], None] = lambda _base_url: None,
    on_drain: Callable[[], None] = lambda: None,
    stopping: Stopping | None = None,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Serve until SIGTERM, SIGINT or *stopping*; returns once requests in hand are answered.

    *on_ready* gets the base URL of the first listener when all accept connections. SIGHUP takes
    new certificates; their files are looked at every *look_seconds* too. *on_drain* is called when
    no more connections are accepted: it wakes long polls, so that they answer. ConfigError for an
    address where plain HTTP may not be, ListenError for one that cannot be had.
    """
    stopping = stopping or Stopping()
    for listener in listeners:
        _check(listener)
    async with contextlib.AsyncExitStack() as open_doors:
        doors = [await open_doors.enter_async_context(_open(each, log)) for each in listeners]
        reload = _Reload([door.certificate for door in doors if door.certificate], log)
        with _signals(stopping, reload, log), _uncaught(log):
            watching = [
                asyncio.ensure_future(keep_fresh(each, log, look_seconds))
                for each in reload.certificates
            ]
            try:
                on_ready(doors[0].listener.base_url(doors[0].port))
                await stopping.drain.wait()
            finally:
                for task in watching:
                    task.cancel()
                for door in doors:
                    door.close()
                on_drain()
                await _finish([door.reception for door in doors], stopping, drain_seconds, log)


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


def _listen(listener: Listener) -> socket.socket:
    """A socket that listens; without SO_REUSEPORT, so that a second server is refused."""
    address = _address(listener)
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, listener.port))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        raise ListenError(
            f"{listener.bind} port {listener.port} cannot be listened on: {error.strerror}."
        ) from None
    opened.setblocking(False)
    return opened


def _files_allowed() -> int:
    """How many files this process may open, after asking for all it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


@contextlib.asynccontextmanager
async def _open(listener: Listener, log: FilteringBoundLogger) -> AsyncIterator[_Door]:
    certificate = _certificate(listener)
    opened = _listen(listener)
    reception = Reception(
        listener.app,
        Patience(
            connections=min(listener.connections, _files_allowed() - _OTHER_FILES),
            head_seconds=listener.header_seconds,
        ),
    )

    loop = reception.loop
    try:
        if certificate is None:
            server = await loop.create_server(
                lambda: Connection(reception), sock=opened, backlog=_BACKLOG
            )
            close: Callable[[], Any] = server.close
        else:
            accepting = loop.create_task(accept_all(opened, reception, certificate, log))
            # Whoever comes now must be refused by the kernel, not wait for an answer.
            accepting.add_done_callback(lambda _task: opened.close())
            close = accepting.cancel
        port: int = opened.getsockname()[1]
        log.info("listening", port=port, scheme=listener.scheme)
        try:
            yield _Door(listener, reception, close, port, certificate)
        finally:
            close()
    finally:
        reception.close()
        opened.close()


def _certificate(listener: Listener) -> Certificate | None:
    if listener.tls_cert is None or listener.tls_key is None:
        return None
    try:
        return Certificate(listener.tls_cert, listener.tls_key)
    except CertificateError as error:
        raise ListenError(f"The certificate or its key cannot be used: {error}.") from None


async def _finish(
    receptions: Sequence[Reception],
    stopping: Stopping,
    drain_seconds: float,
    log: FilteringBoundLogger,
) -> None:
    hurry: asyncio.Future[Any] = asyncio.ensure_future(stopping.hurry.wait())
    ended: asyncio.Future[Any] = asyncio.gather(*(each.drain() for each in receptions))
    try:
        await asyncio.wait(
            [hurry, ended], timeout=drain_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not ended.done():
            log.warning("stopped with requests in hand", seconds=drain_seconds)
    finally:
        hurry.cancel()
        ended.cancel()


class _Reload:
    """What SIGHUP does: take new certificates, once at a time however often it is asked."""

    def __init__(self, certificates: Sequence[Certificate], log: FilteringBoundLogger) -> None:
        self.certificates = certificates
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Reload, unless that is being done."""
        self._log.info("asked to reload", count=len(self.certificates))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._take_certificates())

    async def _take_certificates(self) -> None:
        for certificate in self.certificates:
            await certificate.refresh(self._log, asked=True)


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
def _signals(stopping: Stopping, reload: _Reload, log: FilteringBoundLogger) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        log.info("asked to stop", signal=number.name)
        stopping.ask()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, asked, number)
    loop.add_signal_handler(signal.SIGHUP, reload.ask)
    try:
        yield
    finally:
        for number in (*numbers, signal.SIGHUP):
            loop.remove_signal_handler(number)
