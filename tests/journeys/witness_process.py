"""`halfdoor witness` as its operator starts it: a key, a folder, a process."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

HALFDOOR = str(Path(sys.executable).with_name("halfdoor"))
_PATIENCE_SECONDS = 60.0


class WitnessProcess:
    """A witness of the logs *vkeys*. It keeps its port from its first start on."""

    def __init__(self, folder: Path, name: str, vkeys: list[str]) -> None:
        self.key, self.data = folder / f"{name}.key", folder / name
        self.logs, self.log = folder / f"{name}.logs", folder / f"{name}.log"
        self.logs.write_text("# logs\n" + "".join(f"{vkey}\n" for vkey in vkeys))
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.vkey = command("witness", "init", f"w.example/{name}", *self._place())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *program: str) -> None:
        """Start it, or another *program* that takes the same words."""
        with self.log.open("ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                [
                    *(program or (HALFDOOR,)),
                    *("witness", "serve", *self._place()),
                    *("--logs", str(self.logs), "--port", str(self.port)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.port = self._listens(before)

    def wait(self) -> int:
        """Wait until it ended by itself, and return how."""
        assert self.process is not None
        code = self.process.wait(_PATIENCE_SECONDS)
        self.process = None
        return code

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(_PATIENCE_SECONDS)
            self.process = None

    def _listens(self, before: int) -> int:
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            for line in self.log.read_bytes()[before:].splitlines(keepends=True):
                if b'"listening"' in line and line.endswith(b"\n"):
                    told: dict[str, Any] = msgspec.json.decode(line)
                    return int(told["port"])
            if self.process is None or self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def _place(self) -> tuple[str, ...]:
        return ("--key", str(self.key), "--data", str(self.data))


def command(*words: str) -> str:
    """What `halfdoor` says to stdout; it has to end well."""
    run = subprocess.run([HALFDOOR, *words], check=True, capture_output=True, text=True)
    return run.stdout.strip()
