"""How the command line speaks: results to stdout, progress to stderr, and what its codes mean."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final, NoReturn

import msgspec
import typer

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3


def say(text: str) -> None:
    """A result, to stdout."""
    sys.stdout.write(f"{text}\n")


def tell(text: str) -> None:
    """Progress and advice, to stderr, where it disturbs no pipe."""
    sys.stderr.write(f"{text}\n")


def warn_of_development() -> None:
    """Say loudly what the development switch opens."""
    tell(
        "WARNING: --development. Anyone on this machine may register, rates and password "
        "rules are off, tokens may stand in addresses. Never use it with people's messages."
    )


def say_json(content: Any) -> None:
    """A result as one line of JSON, to stdout."""
    say(msgspec.json.encode(content, enc_hook=str).decode())


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows for people, to stdout; colour only on a terminal and never with `NO_COLOR`."""
    from rich.console import Console  # noqa: PLC0415  (only commands that print tables pay for it)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # In a pipe a table is as wide as it needs to be: the width of a terminal means nothing there.
    width = None if sys.stdout.isatty() else 200
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    Console(file=sys.stdout, width=width, highlight=False).print(shown)


def stop(text: str, code: int) -> NoReturn:
    """End with *code* after saying why on stderr."""
    tell(f"halfdoor: {text}")
    raise typer.Exit(code)


def server_module(name: str) -> ModuleType:
    """Import `halfdoor.<name>`, which needs the server's packages; says so when they are absent."""
    try:
        return import_module(f"halfdoor.{name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "halfdoor":
            raise
        stop(
            f"this needs the server's packages (no {missing} here): pip install 'halfdoor[server]'",
            USAGE,
        )


def environment() -> Mapping[str, str]:
    """The process's environment, where `HALFDOOR_*` settings may stand."""
    return os.environ
