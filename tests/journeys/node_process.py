"""`halfdoor up` as an operator starts it: a configuration file, a process, and its last words."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.journeys.house import HouseError, server_environment
from tests.store.programs import ROOT

from halfdoor.apps.demo_people import demo_escrow_set

HALFDOOR = str(Path(sys.executable).with_name("halfdoor"))
_PATIENCE_SECONDS = 240.0
_TAIL_LINES = 40


class Reply(NamedTuple):
    """What was answered, and after how many seconds."""

    status: int
    body: Any
    retry_after: str | None
    seconds: float


class Node:
    """One server on plain HTTP at a loopback port of its own, with test suites' freedoms.

    *shared* holds what all nodes of a house share: the outer key and the escrow set. *more* are
    tables of the configuration, for example `{"database": {"url": …}}`, *settings* what stands
    above them in place of a node's own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        shared: Path | None = None,
        data: Path | None = None,
        more: Mapping[str, Mapping[str, str | int]] | None = None,
        settings: Mapping[str, str | int] | None = None,
    ) -> None:
        self.folder = folder
        self.data = data or folder / "data"
        self.shared = shared or folder / "shared"
        self.outer_key = self.shared / "outer.key"
        self.config = folder / "halfdoor.toml"
        self.log = folder / "log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.shared.mkdir(parents=True, exist_ok=True)
        demo_escrow_set(self.shared / "escrow-set.json", "default")
        self._write_config(more or {}, settings or {})

    def _write_config(
        self, more: Mapping[str, Mapping[str, str | int]], own: Mapping[str, str | int]
    ) -> None:
        settings: dict[str, str | int] = {
            "server_name": "localhost",
            "port": self.port,
            "data_dir": str(self.data),
            "outer_key_file": str(self.outer_key),
            "escrow_set_file": str(self.shared / "escrow-set.json"),
            "development": True,
            "log_level": "warning",
            **own,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        for table, values in more.items():
            lines.append(f"[{table}]")
            lines += [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the same after every restart."""
        return "127.0.0.1", self.port

    def start(
        self,
        *,
        program: Sequence[str] = (HALFDOOR,),
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> None:
        """Start and wait until `/health` answers 200; *before* runs in the child before it."""
        if self.process is not None:
            raise HouseError("this node is already running")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "up", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**server_environment(self.folder), **(environment or {})},
                preexec_fn=before,  # noqa: PLW1509 - this process has no threads that hold locks
            )
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while self.health() != 200:
            if self.process.poll() is not None:
                code, self.process = self.process.returncode, None
                raise HouseError(f"the node ended at once with {code}\n{self.last_words()}")
            if time.monotonic() > give_up:
                self.kill()
                raise HouseError(f"/health did not answer 200\n{self.last_words()}")
            time.sleep(0.02)

    def health(self) -> int:
        """What `/health` answers, 0 where nobody does."""
        try:
            return self.ask("GET", "/health").status
        except (OSError, http.client.HTTPException):
            return 0

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", seconds: float = 5.0
    ) -> Reply:
        """One request on a connection of its own; `TimeoutError` where nobody answers in time."""
        line = http.client.HTTPConnection(*self.address, timeout=seconds)
        begun = time.monotonic()
        try:
            line.request(
                method,
                path,
                None if body is None else json.dumps(body),
                {"Authorization": f"Bearer {token}"} if token else {},
            )
            answer = line.getresponse()
            said = answer.read()
        finally:
            line.close()
        found = json.loads(said) if said else None
        retry_after = answer.headers.get("retry-after")
        return Reply(answer.status, found, retry_after, time.monotonic() - begun)

    def kill(self) -> None:
        """SIGKILL to the process and all its own."""
        os.killpg(self.running.pid, signal.SIGKILL)
        self.running.wait(20)
        self.process = None

    def wait_dead(self, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until it has killed itself."""
        code = self.running.wait(seconds)
        self.process = None
        if code != -signal.SIGKILL:
            raise HouseError(f"the node ended with {code}\n{self.last_words()}")

    def stop(self) -> None:
        """SIGTERM; it must end with 0."""
        process = self.running
        process.terminate()
        try:
            code = process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise HouseError(f"the node did not end\n{self.last_words()}") from None
        self.process = None
        if code != 0:
            raise HouseError(f"the node ended with {code}\n{self.last_words()}")

    def end(self) -> None:
        """Whatever state it is in, it is no more."""
        if self.process is not None:
            self.kill()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        """The process."""
        if self.process is None:
            raise HouseError("this node is not running")
        return self.process

    def command(self, *words: str, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run another command of `halfdoor` on this node's configuration."""
        return subprocess.run(
            [HALFDOOR, *words, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=server_environment(self.folder),
        )

    def recomputed_chains(self) -> str:
        """What the doctor finds when it recomputes every chain; `HouseError` if one is broken."""
        told = self.command("doctor", "--chains", "--json")
        checks: list[dict[str, Any]] = []
        if told.stdout:
            checks = json.loads(told.stdout)["checks"]
        wrong = [one for one in checks if one["result"] == "failed"]
        [found] = [one["found"] for one in checks if one["name"] == "chains"] or [""]
        if told.returncode != 0 or wrong or not found:
            raise HouseError(f"the doctor ended with {told.returncode}: {wrong} {told.stderr}")
        return str(found)

    def last_words(self) -> str:
        """The end of its log, for the message of a failed check."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


def module_environment() -> dict[str, str]:
    """Where a process that is a module of these tests finds them, and the package."""
    before = os.environ.get("PYTHONPATH")
    places = [*([before] if before else []), str(ROOT / "src"), str(ROOT)]
    return {"PYTHONPATH": os.pathsep.join(places)}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
