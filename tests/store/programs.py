"""Small programs that a test runs in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Return an environment in which our packages are found, installed or not."""
    return os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


def run_program(program: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    """Run *program* and return how it ended, with what it said."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=environment(),
    )
