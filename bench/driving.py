"""Runs a load tool in a process of its own and collects what it prints."""

import subprocess
import sys
from typing import Protocol

import msgspec
from bench.load import Sent
from bench.phases import Found
from bench.servers.postgres import Postgres
from bench.servers.process import Running


class Say(Protocol):
    """Tells how far things are."""

    def __call__(self, text: str) -> None: ...


def drive(
    module: str,
    address: str,
    *arguments: str,
    server: Running,
    postgres: Postgres | None,
    canary: str,
    say: Say,
) -> tuple[list[Found], Sent]:
    """Return the phases that *module* found at *address*, and what it sent in all."""
    command = [sys.executable, "-m", module, address, *arguments, "--canary", canary]
    command += ["--server-pid", str(server.pid)]
    if postgres is not None:
        command += ["--database-pid", str(postgres.pid)]
    found: list[Found] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        try:
            for line in driver.stdout or ():
                if '"phase"' not in line:
                    return found, msgspec.json.decode(line, type=Sent)
                found.append(msgspec.json.decode(line, type=Found))
                say(f"{found[-1].phase}: {found[-1].rate:,.0f} /s")
        except KeyboardInterrupt:
            driver.terminate()
            raise
    raise RuntimeError(f"{module} failed")
