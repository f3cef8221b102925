"""Starts a receiver (`receiving.py`) and reads what came to it."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass
class Received:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Where it listens, and what came."""

    folder: Path
    url: str

    def answers(self, **how: Any) -> None:
        """Say how the next requests are answered."""
        (self.folder / "answer.json").write_text(json.dumps(how))

    def received(self) -> list[Received]:
        """Return what came, in its order."""
        written = self.folder / "received.jsonl"
        lines = written.read_text().splitlines() if written.exists() else []
        return [
            Received(one["path"], one["headers"], base64.b64decode(one["body"]))
            for one in map(json.loads, lines)
        ]

    def verbs(self) -> list[str]:
        """Return the last part of each path that was asked."""
        return [one.path.rpartition("/")[2] for one in self.received()]


@contextmanager
def receiver(
    kind: str, folder: Path, *, tls: tuple[Path, Path] | None = None
) -> Iterator[Receiver]:
    """Run a receiver of *kind* (tipline or hooks) for as long as it is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.json").write_text("{}")
    more = [str(one) for one in tls or ()]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/web/receiving.py"), kind, str(folder), *more],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        scheme = "https" if tls else "http"
        yield Receiver(folder, f"{scheme}://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
