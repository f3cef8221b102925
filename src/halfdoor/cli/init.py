"""`halfdoor init`: the configuration file with every setting explained."""

from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import USAGE, say, stop, tell
from halfdoor.config.check import check_config
from halfdoor.config.document import toml
from halfdoor.config.model import Config


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("init", epilog="Example: halfdoor init --server-name example.org")(init)


def init(
    server_name: Annotated[
        str,
        typer.Option(
            help="The part of ids after the colon. It can never be changed after the first start."
        ),
    ],
    file: Annotated[Path, typer.Option("--file", help="Where to write.")] = Path("halfdoor.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write halfdoor.toml, with every setting explained and its default beside it."""
    check_config(Config(server_name=server_name))
    if file.exists() and not force:
        stop(f"{file} is there already; --force replaces it.", USAGE)
    chosen = {"server_name": server_name, "data_dir": "data", "outer_key_file": "outer.key"}
    try:
        file.write_text(toml(chosen), encoding="utf-8")
    except OSError as error:
        stop(f"{file} cannot be written: {error.strerror}.", USAGE)
    say(str(file))
    tell(f"Read it through, then: halfdoor doctor --config {file}")
