"""A server process: started, timed until it answers, stopped whatever happens."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 60.0


class StartError(Exception):
    """A server did not start; the message holds the end of what it said."""


@dataclass(frozen=True)
class Running:
    """A server that answers; *start_seconds* from its process's start to its first answer."""

    pid: int
    port: int
    start_seconds: float


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(
    command: Sequence[str],
    port: int,
    log: Path,
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    ask: bytes = b"GET /_matrix/client/versions HTTP/1.1\r\nHost: localhost\r\n\r\n",
) -> Iterator[Running]:
    """Run *command* until the block ends; it is ready once it says anything good to *ask*."""
    # Whoever ends this tool, even by SIGKILL, ends the server.
    setpriv = shutil.which("setpriv")
    prefix = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
    started = time.perf_counter()
    with log.open("ab") as said:
        process = subprocess.Popen(
            [*prefix, *command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        _wait(process, port, log, ask)
        yield Running(process.pid, port, time.perf_counter() - started)
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask it to end, and end it and all it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path, ask: bytes) -> None:
    give_up = time.perf_counter() + _PATIENCE
    while time.perf_counter() < give_up:
        if process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                line.sendall(ask)
                answer = line.recv(64)
        except OSError:
            answer = b""
        if answer.startswith((b"HTTP/1.1 200", b"<?xml", b"INFO")):
            return
        time.sleep(0.005)
    raise StartError(f"the server did not start:\n{log.read_text(errors='replace')[-3000:]}")
