"""A PostgreSQL that can die as it does when its machine's memory runs out: by SIGKILL."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.store.postgres_server import PostgresServer, ServerError

_PROC = Path("/proc")
_PATIENCE_SECONDS = 240.0


class MortalPostgres(PostgresServer):
    """A child of the test itself, which collects it when it is dead: its id is free at once."""

    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, and wait until it has recovered and takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, str(self._bin / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
            )
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise ServerError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.01)
        return self

    def _is_ready(self) -> bool:
        """Tell what the postmaster wrote into the last line of its own file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return lines[0] == str(self._running.pid) and len(lines) > 7 and lines[7].strip() == "ready"

    def kill(self) -> None:
        """SIGKILL to the postmaster and each of its processes; none says farewell."""
        family = self._stopped_family()
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._running.wait(_PATIENCE_SECONDS)
        self._process = None
        # The others hold the shared memory until they are gone.
        _wait_gone(family)

    def kill_one_backend(self) -> None:
        """SIGKILL to one process that serves a client: the postmaster then restarts all."""
        backends = [
            process
            for process in _children(self._running.pid)
            # `postgres: NAME DATABASE HOST(PORT) STATE`
            if b"127.0.0.1(" in _command(process)
        ]
        os.kill(backends[len(backends) // 2], signal.SIGKILL)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes no step and closes no connection: a machine that nobody reaches."""
        family = self._stopped_family()
        try:
            yield
        finally:
            for process in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def end(self) -> None:
        """A fast shutdown, as an administrator's: what is kept stays."""
        self._running.send_signal(signal.SIGINT)
        self._running.wait(_PATIENCE_SECONDS)
        self._process = None

    def stop(self) -> None:
        """End the server, in whatever state it is, and remove its folder."""
        if self._process is not None:
            self.end()
        shutil.rmtree(self.folder)

    def _stopped_family(self) -> list[int]:
        """All its processes, each stopped; so none starts a further one."""
        postmaster = self._running.pid
        os.kill(postmaster, signal.SIGSTOP)
        family = [*_children(postmaster), postmaster]
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        return family

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerError("this PostgreSQL is not running")
        return self._process


def _children(parent: int) -> list[int]:
    found = []
    for stat in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name in parentheses may hold anything; the parent is the second field after it.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def _command(process: int) -> bytes:
    try:
        return (_PROC / str(process) / "cmdline").read_bytes()
    except OSError:
        return b""


def _wait_gone(family: list[int]) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while any(_lives(process) for process in family):
        if time.monotonic() > give_up:
            raise AssertionError(f"killed processes are still there: {family}")
        time.sleep(0.005)


def _lives(process: int) -> bool:
    try:
        return _PROC.joinpath(str(process), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
