"""A log that is read from a server: whatever the server does, the run ends and names the check."""

import socketserver
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from io import BufferedIOBase
from pathlib import Path

import pytest
from tests.transparency.log_fakes import ORIGIN, POLICY
from tests.transparency.log_in_folder import recent_log, shown_files
from tests.transparency.public_log import PublicLog, failed

from halfdoor.apps.mirroring import Mirror
from halfdoor.merkle.errors import RefusedError
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.source import CHECKPOINT, MOST_BYTES, REPORT, UnreachableError
from halfdoor.transparency.verifying import Verdict, Verifier
from halfdoor.web.outbound.addresses import AddressError, check_address
from halfdoor.web.outbound.log_source import HttpSource, log_client

Answer = Callable[[BufferedIOBase], None]
BUNDLE, TILE = "tile/entries/000.p/4", "tile/0/000.p/4"


class Server(socketserver.ThreadingTCPServer):
    """Serves a log's files over HTTP/1.1, except where it was told to answer otherwise."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.answers: dict[str, Answer] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/log/"


class Handler(socketserver.StreamRequestHandler):
    """One connection, for one request."""

    server: Server

    def handle(self) -> None:
        with suppress(OSError):
            path = self.rfile.readline().split()[1].decode().removeprefix("/log/")
            while self.rfile.readline() != b"\r\n":
                pass
            if path in self.server.answers:
                self.server.answers[path](self.wfile)
                return
            data = self.server.files.get(path)
            status = "404 No" if data is None else "200 OK"
            body = data or b""
            head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.wfile.write(head.encode() + body)


@asynccontextmanager
async def source_of(server: Server, seconds: float = 20.0) -> AsyncIterator[HttpSource]:
    async with log_client() as client:
        yield HttpSource(client, server.url, seconds=seconds)


@pytest.fixture
async def log() -> PublicLog:
    return await recent_log()


@pytest.fixture
async def server(log: PublicLog) -> AsyncIterator[Server]:
    with Server(await shown_files(log)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def verified(server: Server, log: PublicLog) -> Verdict:
    async with source_of(server) as source:
        now = log.clock.now // 1000
        return await Verifier(source, POLICY, Memory(origin=ORIGIN), now=now).run()


def answering(head: str, body: bytes = b"", times: int = 1) -> Answer:
    def answer(out: BufferedIOBase) -> None:
        out.write(f"HTTP/1.1 {head}\r\n\r\n".encode())
        out.writelines(body for _ in range(times))

    return answer


ENDLESS = answering("200 OK", bytes(65_536), times=2_000)
LYING = answering(f"200 OK\r\ncontent-length: {2**62}", bytes(65_536), times=2_000)


@pytest.mark.parametrize("endless", [ENDLESS, LYING], ids=["endless", "huge length"])
@pytest.mark.parametrize(
    ("path", "check"),
    [
        (CHECKPOINT, "file-size"),
        (BUNDLE, "file-size"),
        (TILE, "file-size"),
        (REPORT, "report-numbers"),
        ("document", "policy-document"),
        ("day", "day-checkpoint"),
    ],
)
async def test_a_file_without_an_end_is_a_failed_check(
    server: Server, log: PublicLog, path: str, check: str, endless: Answer
) -> None:
    places = {"document": next(iter(log.documents)), "day": f"checkpoint/{min(log.store.days)}"}
    server.answers[places.get(path, path)] = endless
    assert check in failed(await verified(server, log))


@pytest.mark.parametrize(
    "answer",
    [
        answering("302 Found\r\nlocation: http://127.0.0.1:1/"),
        answering("301 Moved\r\nlocation: https://example.org/log/checkpoint"),
        answering("500 Wrong"),
        answering("200 OK\r\ncontent-encoding: gzip", b"\x1f\x8b"),
        answering("200 OK\r\ncontent-length: 100", b"short"),
        answering("nonsense"),
        answering("200 OK\r\n" + "x: y\r\n" * 40_000 + "z: 1"),
    ],
    ids=["redirect", "redirect away", "500", "packed", "cut short", "no HTTP", "endless headers"],
)
async def test_an_answer_that_is_no_file_says_nothing_about_the_log(
    server: Server, log: PublicLog, answer: Answer
) -> None:
    server.answers[BUNDLE] = answer
    with pytest.raises(UnreachableError):
        await verified(server, log)


async def test_a_server_that_drips_is_given_up(server: Server) -> None:
    def drip(out: BufferedIOBase) -> None:
        out.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            out.write(b".")
            time.sleep(0.01)

    server.answers[TILE] = drip
    async with source_of(server, seconds=0.2) as source:
        with pytest.raises(UnreachableError, match="longer"):
            await source.get(TILE)


async def test_a_server_that_is_not_there_says_nothing() -> None:
    async with log_client() as client:
        with pytest.raises(UnreachableError):
            await HttpSource(client, "http://127.0.0.1:1").get(CHECKPOINT)


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x00" * 9, b"x\n" * 9, b"a\n4\n" + b"A" * 44])
async def test_a_checkpoint_that_is_none_is_a_failed_check(
    server: Server, log: PublicLog, data: bytes
) -> None:
    server.files[CHECKPOINT] = data
    assert not (await verified(server, log)).good


@pytest.mark.parametrize("path", [BUNDLE, TILE])
@pytest.mark.parametrize("cut", [0, 1, -1])
async def test_a_file_that_was_cut_is_a_failed_check(
    server: Server, log: PublicLog, path: str, cut: int
) -> None:
    server.files[path] = server.files[path][:cut]
    assert failed(await verified(server, log)) & {"bundle-length", "tile-length"}


async def test_what_is_too_large_is_never_mirrored(
    server: Server, log: PublicLog, tmp_path: Path
) -> None:
    server.answers[BUNDLE] = ENDLESS
    async with source_of(server) as source:
        with pytest.raises(RefusedError, match="file-size"):
            await Mirror(source, tmp_path / "copy", POLICY, lambda done, of: None).run()
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://log.example.org",
        "http://192.0.2.1/",
        "http://127.0.0.1.example.org",
        "ftp://127.0.0.1",
        "https://",
        "https://a:b@example.org",
        "https://example.org/?a=b",
        "https://example.org/#a",
        "https://example.org:99999",
        "https://[::1",
    ],
)
def test_an_address_that_others_could_read_along_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        check_address(url)


@pytest.mark.parametrize(
    "url", ["https://log.example.org/a", "http://127.0.0.1:8", "http://[::1]:8", "http://localhost"]
)
def test_https_and_this_machine_are_read_from(url: str) -> None:
    assert check_address(f"{url}/") == url


async def test_an_honest_server_passes(server: Server, log: PublicLog) -> None:
    verdict = await verified(server, log)
    assert verdict.findings == ()
    assert verdict.size == 4
    assert max(map(len, server.files.values())) < MOST_BYTES
