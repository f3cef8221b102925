"""The environment of what only the benchmarks need: Synapse, its driver, and a profiler."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def cache_folder() -> Path:
    """Return where it lies unless somebody says otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "halfdoor-bench"


def programs(cache: Path) -> Path:
    """Return the folder of its programs; it is made on first use and whenever the pins change."""
    pins = _REQUIREMENTS.read_bytes()
    folder = cache / sha256(pins).hexdigest()[:12]
    stamp = folder / "installed"
    if not stamp.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--clear", "-p", sys.executable, folder], check=True)
        python = folder / "bin" / "python"
        subprocess.run(
            # As pip does, and as an organisation with an authority of its own needs.
            [uv, "pip", "install", "-q", "--system-certs", "-p", python, "-r", _REQUIREMENTS],
            check=True,
        )
        stamp.touch()
    return folder / "bin"


def pinned(name: str) -> str:
    """Return the version of *name* that is installed."""
    lines = _REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))
