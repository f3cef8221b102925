"""Compares HTTP servers in front of the real house, by the server's processor time a message.

    python -m bench.http_servers [--rounds 12] [--messages 1000] [--pairs 50] [--tls] [SERVER …]

Servers: halfdoor (our own connection), granian-asgi, granian-rsgi, uvicorn; the last three must be
installed into the environment by hand. All run at once, each with a house of its own over SQLite;
short bursts go to one after the other, in turns, so that a busy machine is busy for all of them.
The processor time is that of the server process with all its threads, to the nanosecond
(/proc/PID/task/*/schedstat). Printed: medians, and the median of the ratios to the first.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import secrets
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import trustme
import uvloop
from bench.line import Line

from halfdoor.apps.demo_people import demo_escrow_set
from halfdoor.apps.doors import build_apps
from halfdoor.apps.hardening import harden
from halfdoor.apps.house import House
from halfdoor.apps.server import setting_of
from halfdoor.config.model import Config
from halfdoor.policy.load import load as load_policy
from halfdoor.web.app import App
from halfdoor.web.cors import headers_of
from halfdoor.web.logs import configure
from halfdoor.web.metrics import Metrics
from halfdoor.web.serve import Listener, Stopping, serve

_V3 = "/_matrix/client/v3"
_SERVERS = ("granian-asgi", "granian-rsgi", "uvicorn", "halfdoor")
_HIGH_WATER = 1 << 24


# -- the servers ---------------------------------------------------------------------------------


async def run_server(name: str, port: int, folder: Path, tls: tuple[Path, Path] | None) -> None:
    """Serve a house in *folder* until SIGTERM."""
    harden()
    config = Config(
        development=True,
        data_dir=folder / "data",
        outer_key_file=folder / "outer.key",
        escrow_set_file=folder / "escrow-set.json",
    )
    demo_escrow_set(folder / "escrow-set.json", load_policy(None).entity.name)
    log = configure("warning")
    house = await House.open(setting_of(config))
    [app] = build_apps(
        house,
        config,
        base_url=lambda: "http://localhost",
        draining=lambda: False,
        platform=None,
        metrics=Metrics(),
        metrics_token=None,
        log=log,
    )
    stopping = Stopping()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.ask)
    cert, key = tls or (None, None)
    if name == "halfdoor":
        listener = Listener(app=app, bind="127.0.0.1", port=port, tls_cert=cert, tls_key=key)
        await serve([listener], log=log, stopping=stopping, drain_seconds=1)
    elif name == "uvicorn":
        await _uvicorn(app, port, cert, key, stopping)
    else:
        await _granian(app, port, cert, key, stopping, rsgi=name == "granian-rsgi")
    await house.close()


async def _uvicorn(
    app: App, port: int, cert: Path | None, key: Path | None, stopping: Stopping
) -> None:
    import uvicorn  # noqa: PLC0415

    config = uvicorn.Config(
        app,
        port=port,
        http="httptools",
        loop="none",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    server = uvicorn.Server(config)
    task = asyncio.ensure_future(server._serve())  # noqa: SLF001 - the public one takes our signals
    await stopping.drain.wait()
    server.should_exit = True
    await task


async def _granian(
    app: App, port: int, cert: Path | None, key: Path | None, stopping: Stopping, *, rsgi: bool
) -> None:
    from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    server = Server(
        _rsgi(app) if rsgi else app,
        port=port,
        interface=Interfaces.RSGI if rsgi else Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        # It counts the time between two requests too, and the others have their turn.
        http1_settings=HTTP1Settings(header_read_timeout=600_000),
        log_enabled=False,
        ssl_cert=cert,
        ssl_key=key,
    )
    task = asyncio.ensure_future(server.serve())
    await stopping.drain.wait()
    server.stop()
    await task


def _rsgi(app: App) -> Callable[[Any, Any], Awaitable[None]]:
    """What an adapter to RSGI would cost. It cannot tell %2F from a slash."""
    usual: list[tuple[str, str]] = []

    async def answer(scope: Any, proto: Any) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": await proto(), "more_body": False}

        host, _, port = scope.client.rpartition(":")
        made = {
            "type": "http",
            "method": scope.method,
            "raw_path": scope.path.encode(),
            "query_string": scope.query_string.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in scope.headers.items()],
            "client": (host, int(port)),
        }
        response = await app.answer(made, receive)
        if response.headers or not usual:
            headers = [(k.decode(), v.decode()) for k, v in headers_of(response)]
            if not response.headers:
                usual.extend(headers)
        else:
            headers = usual
        proto.response_bytes(response.status, headers, response.body)

    return answer


# -- the load ------------------------------------------------------------------------------------


class _Line(Line):
    """A line that may speak TLS."""

    async def connect(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            host, port, limit=_HIGH_WATER, ssl=tls
        )
        self._head = f" HTTP/1.1\r\nHost: {host}:{port}\r\n".encode()


@dataclass
class _Pair:
    sender: _Line
    receiver: _Line
    room: str = ""
    since: str = ""
    sent: int = 0

    async def send(self) -> bytes:
        self.sent += 1
        path = f"{_V3}/rooms/{self.room}/send/m.room.message/m{self.sent}"
        body = {"msgtype": "m.text", "body": f"The quick brown fox jumps over {self.sent} dogs."}
        event: str = (await self.sender.json("PUT", path, body))["event_id"]
        return event.encode()

    async def deliver(self) -> None:
        event = await self.send()
        while True:
            path = f"{_V3}/sync?timeout=30000&since={self.since}"
            raw = await self.receiver.ask("GET", path)
            self.since = quote(json.loads(raw)["next_batch"])
            if event in raw:
                return


@dataclass
class _Candidate:
    name: str
    process: "subprocess.Popen[bytes]"
    port: int
    pairs: list[_Pair] = field(default_factory=list)
    found: dict[str, list[float]] = field(default_factory=dict)

    def cpu_ns(self) -> int:
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def memory(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    async def prepare(self, count: int, tls: ssl.SSLContext | None) -> None:
        await self._until_it_answers(tls)
        for number in range(count):
            lines = []
            for who in "sr":
                line = _Line("127.0.0.1", self.port)
                await line.connect("127.0.0.1", self.port, tls)
                body = {"username": f"{who}{number}", "password": "bench-otter-cedar-93"}
                body["auth"] = {"type": "m.login.dummy"}
                answer = await line.json("POST", f"{_V3}/register", body)
                line.token, line.user = answer["access_token"], answer["user_id"]
                lines.append(line)
            pair = _Pair(*lines)
            body = {"preset": "trusted_private_chat", "invite": [pair.receiver.user]}
            pair.room = quote(
                (await pair.sender.json("POST", f"{_V3}/createRoom", body))["room_id"]
            )
            await pair.receiver.json("POST", f"{_V3}/rooms/{pair.room}/join", {})
            self.pairs.append(pair)
        await self.catch_up()

    async def _until_it_answers(self, tls: ssl.SSLContext | None) -> None:
        for _ in range(600):
            with contextlib.suppress(OSError):
                line = _Line("127.0.0.1", self.port)
                await line.connect("127.0.0.1", self.port, tls)
                line.close()
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.name} does not answer")

    async def catch_up(self) -> None:
        for pair in self.pairs:
            answer = await pair.receiver.json("GET", f"{_V3}/sync?timeout=0")
            pair.since = quote(answer["next_batch"])

    async def burst(self, name: str, each: int, one: Callable[[_Pair], Awaitable[object]]) -> None:
        async def repeat(pair: _Pair) -> None:
            for _ in range(each):
                await one(pair)

        count = each * len(self.pairs)
        cpu, started = self.cpu_ns(), time.perf_counter()
        await asyncio.gather(*(repeat(pair) for pair in self.pairs))
        rate = count / (time.perf_counter() - started)
        self.found.setdefault(f"{name} us", []).append((self.cpu_ns() - cpu) / 1000 / count)
        self.found.setdefault(f"{name}/s", []).append(rate)


async def compare(
    candidates: list[_Candidate], options: argparse.Namespace, tls: ssl.SSLContext | None
) -> None:
    """Send the bursts and print what they cost."""
    for each in candidates:
        await each.prepare(options.pairs, tls)
    size = max(1, options.messages // options.pairs)
    for turn in range(options.rounds):
        order = candidates[:: -1 if turn % 2 else 1]
        for each in order:
            await each.burst("acknowledged", size, _Pair.send)
        for each in order:
            await each.catch_up()
            await each.burst("delivered", size, _Pair.deliver)
    first = candidates[0]
    for each in candidates:
        medians = {name: round(statistics.median(found)) for name, found in each.found.items()}
        ratios = {
            name: round(
                statistics.median(a / b for a, b in zip(found, first.found[name], strict=True)),
                3,
            )
            for name, found in each.found.items()
        }
        print(f"{each.name:13} {medians} {each.memory():.0f} MiB\n{'':13} {ratios}", flush=True)


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        name, port, folder, *files = sys.argv[2:]
        tls = (Path(files[0]), Path(files[1])) if files else None
        uvloop.run(run_server(name, int(port), Path(folder), tls))
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("servers", nargs="*", default=_SERVERS)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="halfdoor-servers-") as name:
        folder, files, context = Path(name), [], None
        if options.tls:
            authority = trustme.CA()
            leaf = authority.issue_cert("127.0.0.1")
            files = [str(folder / "chain.pem"), str(folder / "key.pem")]
            Path(files[0]).write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
            leaf.private_key_pem.write_to_path(files[1])
            context = ssl.create_default_context()
            authority.configure_trust(context)
        candidates = []
        try:
            for server in options.servers:
                (folder / server).mkdir()
                port = 20_000 + secrets.randbelow(9000)
                command = [sys.executable, "-m", "bench.http_servers", "serve", server, str(port)]
                process = subprocess.Popen([*command, str(folder / server), *files])
                candidates.append(_Candidate(server, process, port))
            uvloop.run(compare(candidates, options, context))
        finally:
            for each in candidates:
                each.process.terminate()
            for each in candidates:
                each.process.wait(30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
