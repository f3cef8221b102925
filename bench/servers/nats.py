"""A NATS server for nodes that share a database: quiet, as it runs for people."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.servers.process import free_port, running


@contextlib.contextmanager
def nats(folder: Path) -> Iterator[str]:
    """Run it until the block ends; its address is what one gets."""
    port = free_port()
    program = str(Path(sys.executable).with_name("nats-server"))
    command = [program, "-a", "127.0.0.1", "-p", str(port)]
    with running(command, port, folder / "nats.log", cwd=folder, ask=b""):
        yield f"nats://127.0.0.1:{port}"
