"""`halfdoor version`."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from halfdoor.cli.speech import say, say_json


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("version", epilog="Example: halfdoor version --json")(version)


def version(
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Say which Halfdoor this is."""
    found = {
        "halfdoor": _own_version(),
        "python": platform.python_version(),
        "cryptography": version_of("cryptography"),
    }
    if json:
        say_json(found)
    else:
        say(f"halfdoor {found['halfdoor']}")


def _own_version() -> str:
    try:
        return version_of("halfdoor")
    except PackageNotFoundError:
        return "(run from its source, not installed)"
