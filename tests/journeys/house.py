"""The whole server as a real process, with TLS, on a data directory that outlives it."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from tests.journeys.certificates import Certificates, make_certificates
from tests.journeys.raw_client import RawClient

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LOG_TAIL_LINES = 40


class HouseError(AssertionError):
    """The server did not start, stop or live as it must."""


@dataclass(frozen=True)
class HouseOptions:
    """How one house is started; `port` 0 lets the server choose."""

    data: Path
    port: int
    certificates: Certificates
    access_token_seconds: int | None = None
    jwks: Path | None = None


def server_command(options: HouseOptions) -> list[str]:
    """The one place that knows how the server is started."""
    command = [
        str(Path(sys.executable).with_name("halfdoor")),
        "demo",
        "--development",
        "--json",
        "--log-level",
        "debug",
        "--data",
        str(options.data),
        "--port",
        str(options.port),
        "--tls-cert",
        str(options.certificates.chain),
        "--tls-key",
        str(options.certificates.private_key),
    ]
    if options.access_token_seconds is not None:
        command += ["--access-token-seconds", str(options.access_token_seconds)]
    if options.jwks is not None:
        command += ["--jwks", str(options.jwks)]
    return command


def server_environment(home: Path) -> dict[str, str]:
    """The caller's environment without Halfdoor's own variables; *home* takes the outer key."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HALFDOOR_")}
    return {**kept, "HOME": str(home), "XDG_DATA_HOME": str(home / "share")}


def chains_command(data: Path) -> list[str]:
    """The one place that knows how chains are recomputed from the files of a stopped server."""
    halfdoor = str(Path(sys.executable).with_name("halfdoor"))
    return [halfdoor, "doctor", "--chains", "--json", "--data", str(data)]


class House:
    """A server process that may be killed and started again on the same data and port.

    *directory* holds `data/` (the server's), `home/` (where it puts what must lie outside
    `--data`), certificates and logs.
    """

    def __init__(
        self,
        directory: Path,
        *,
        access_token_seconds: int | None = None,
        jwks: Path | None = None,
    ) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.home = directory / "home"
        self.stdout_file = directory / "stdout.log"
        self.stderr_file = directory / "stderr.log"
        self._certificates = make_certificates(directory / "tls")
        self._access_token_seconds = access_token_seconds
        self._jwks = jwks
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.announcement: dict[str, Any] = {}
        self.home.mkdir(parents=True)

    @property
    def base_url(self) -> str:
        """Address with scheme and port; the same after every restart."""
        return str(self.announcement["base_url"])

    @property
    def ca_file(self) -> Path:
        """Certificate authority that clients of this house must trust."""
        return self._certificates.authority

    def tls_context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this house and nothing else."""
        return self._certificates.client_context()

    def client(self) -> RawClient:
        """A client without an SDK, not signed in."""
        return RawClient.open(self.base_url, self.tls_context(), self.explain)

    def start(self) -> None:
        """Start the server and wait until `/health` answers 200."""
        if self._process is not None:
            raise HouseError("this house is already running")
        options = HouseOptions(
            data=self.data,
            port=self._port,
            certificates=self._certificates,
            access_token_seconds=self._access_token_seconds,
            jwks=self._jwks,
        )
        already_said = self.stdout_file.stat().st_size if self.stdout_file.exists() else 0
        with self.stdout_file.open("ab") as stdout, self.stderr_file.open("ab") as stderr:
            # Its own session: SIGKILL must reach its workers too, and no terminal's ^C may.
            self._process = subprocess.Popen(
                server_command(options),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
                env=server_environment(self.home),
            )
        give_up = time.monotonic() + _START_SECONDS
        try:
            self._wait_for_announcement(already_said, give_up)
            self._wait_for_health(give_up)
        except HouseError:
            if self._process.poll() is None:
                self._signal_all(signal.SIGKILL)
            self._reap(_STOP_SECONDS)
            raise
        self._port = httpx.URL(self.base_url).port or 443

    def kill(self) -> None:
        """SIGKILL to the server and all its workers: no farewell of any kind."""
        self._signal_all(signal.SIGKILL)
        self._reap(_STOP_SECONDS)

    def stop(self) -> None:
        """SIGTERM; the server must drain and exit with 0, leaving no worker behind."""
        process = self._running()
        group = process.pid
        process.terminate()
        try:
            code = self._reap(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            message = f"the server did not end within {_STOP_SECONDS:.0f} s of SIGTERM"
            raise HouseError(f"{message}\n{self.explain()}") from None
        if code != 0:
            raise HouseError(f"the server ended with {code} after SIGTERM\n{self.explain()}")
        if _group_lives(group):
            os.killpg(group, signal.SIGKILL)
            raise HouseError(f"the server left processes behind\n{self.explain()}")

    def restart_after_kill(self) -> None:
        """Kill and start again: the same data, the same port."""
        self.kill()
        self.start()

    def recompute_chains(self) -> str:
        """Recompute every conversation's chain from the files of the stopped server.

        Return what the doctor found; `HouseError` where a chain does not hold.
        """
        if self._process is not None:
            raise HouseError("stop the server before its files are read")
        told = subprocess.run(
            chains_command(self.data),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=server_environment(self.home),
        )
        said = f"the doctor ended with {told.returncode}:\n{told.stdout}{told.stderr}"
        if told.returncode not in (0, 1):
            raise HouseError(said)
        [check] = [one for one in json.loads(told.stdout)["checks"] if one["name"] == "chains"]
        if told.returncode != 0 or check["result"] != "ok":
            raise HouseError(said)
        return str(check["found"])

    def explain(self) -> str:
        """The last lines that the server wrote, for the message of a failed check."""
        parts = []
        for file in (self.stdout_file, self.stderr_file):
            lines = file.read_text(errors="replace").splitlines() if file.exists() else []
            parts.append(f"--- end of {file.name} ---")
            parts += lines[-_LOG_TAIL_LINES:]
        return "\n".join(parts)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        if kind is None:
            self.stop()
        else:
            self.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise HouseError("this house is not running")
        return self._process

    def _signal_all(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._running().pid, number)
        except ProcessLookupError:
            raise HouseError(f"the server had already died\n{self.explain()}") from None

    def _reap(self, seconds: float) -> int:
        code = self._running().wait(timeout=seconds)
        self._process = None
        return code

    def _check_alive(self) -> None:
        code = self._running().poll()
        if code is not None:
            raise HouseError(f"the server ended at once with {code}\n{self.explain()}")

    def _wait_for_announcement(self, offset: int, give_up: float) -> None:
        while time.monotonic() < give_up:
            self._check_alive()
            with self.stdout_file.open("rb") as stdout:
                stdout.seek(offset)
                lines = stdout.read().splitlines(keepends=True)
            for line in lines:
                if b'"base_url"' in line and line.endswith(b"\n"):
                    self.announcement = json.loads(line)
                    return
            time.sleep(0.05)
        raise HouseError(f"no line with base_url within {_START_SECONDS} s\n{self.explain()}")

    def _wait_for_health(self, give_up: float) -> None:
        with httpx.Client(verify=self.tls_context(), timeout=5) as client:
            while time.monotonic() < give_up:
                self._check_alive()
                try:
                    if client.get(f"{self.base_url}/health").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise HouseError(f"/health did not answer 200\n{self.explain()}")


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
