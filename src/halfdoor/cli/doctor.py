"""`halfdoor doctor`: is everything as it must be, and what to do where it is not."""

from pathlib import Path
from typing import Annotated

import typer

from halfdoor.cli.speech import FAILED, environment, say, say_json, server_module, table
from halfdoor.config.errors import ConfigError
from halfdoor.config.load import find_file, load


def add_to(app: typer.Typer) -> None:
    """Put the command into *app*."""
    app.command("doctor", epilog="Example: halfdoor doctor --config halfdoor.toml --chains")(doctor)


def doctor(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; else ./halfdoor.toml.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the database.")] = None,
    outer_key: Annotated[Path | None, typer.Option(help="File of the outer key.")] = None,
    chains: Annotated[
        bool,
        typer.Option("--chains", help="Recompute every conversation's chain (server stopped)."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Check a server and all it stands on. Also tries what must be refused. Exit 1 on a failure."""
    module, checks = server_module("apps.doctor"), server_module("apps.checks")
    try:
        settings = load(
            find_file(config, environment()),
            environ=environment(),
            flags={"data_dir": data, "outer_key_file": outer_key},
        )
    except ConfigError as error:
        found = [checks.Check("configuration", "failed", str(error), "halfdoor init writes one.")]
    else:
        found = [checks.Check("configuration", "ok", f"server name {settings.server_name}.")]
        found += module.examine(settings, chains=chains)
    failed = [check for check in found if check.result == "failed"]
    if json:
        say_json({"ok": not failed, "checks": found})
    else:
        table(
            ("check", "result", "found", "what to do"),
            [(check.name, check.result, check.found, check.todo) for check in found],
        )
        say("" if failed else "\nNothing is wrong.")
    raise typer.Exit(FAILED if failed else 0)
