"""`halfdoor log`: the public log of a house, its key, its beginning, and how it is."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from halfdoor.cli.speech import (
    FAILED,
    USAGE,
    environment,
    say,
    say_json,
    server_module,
    stop,
    table,
    tell,
)
from halfdoor.cli.user import ConfigFile, DataFolder, reached
from halfdoor.config.load import find_file, load

if TYPE_CHECKING:
    from halfdoor.apps.log import Standing

_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Begin and look after the public log of this server.",
        epilog="Example: halfdoor log init",
        no_args_is_help=True,
    )
    noun.command("key", epilog="Example: halfdoor log key")(key)
    noun.command("init", epilog="Example: halfdoor log init")(init)
    noun.command("status", epilog="Example: halfdoor log status")(status)
    app.add_typer(noun, name="log")


def key(config: ConfigFile = None, json: _Json = False) -> None:
    """Print the log's public key, which its witnesses need; make the key if there is none yet."""
    module, errors = server_module("apps.house_log"), server_module("store.errors")
    settings = load(find_file(config, environment()), environ=environment())
    try:
        public = module.log_key(settings.log, settings.data_dir, make=True).public
    except (module.LogError, errors.StoreError) as error:
        stop(f"{error}.", USAGE)
    tell("Copy the key file to another place: with another key nobody follows this log.")
    if json:
        say_json({"origin": public.name, "vkey": str(public)})
    else:
        say(str(public))


def init(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """Begin the log, on a running server or a stopped one. It is begun once and for ever."""
    from halfdoor.apps.house_log import LogBegun  # noqa: PLC0415  (keeps `--help` quick)
    from halfdoor.apps.verbs import BeginLog  # noqa: PLC0415

    with reached(config, data) as house:
        begun = house.ask(BeginLog(), LogBegun)
    if json:
        say_json(begun)
        return
    say(f"{begun.origin} has begun, before {begun.witnesses} witnesses.")
    tell(f"Whoever checks it pins this key: {begun.vkey}")


def status(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """Show how the log is and what its witnesses say. Exit 1 where it does not go on."""
    from halfdoor.apps.house_log import LogStatus  # noqa: PLC0415
    from halfdoor.apps.verbs import ShowLog  # noqa: PLC0415

    with reached(config, data) as house:
        found = house.ask(ShowLog(), LogStatus)
    standing = found.standing
    if json:
        say_json(found)
    elif standing is None:
        say(f"{found.origin}: not begun. halfdoor log init begins it.")
    else:
        table(("log", found.origin), _rows(standing))
    if standing is None or standing.state == "stopped":
        raise typer.Exit(FAILED)


def _rows(standing: "Standing") -> list[tuple[str, str]]:
    at = standing.cosigned_at
    said = "never" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    rows = [
        ("state", standing.state),
        ("leaves", str(standing.size)),
        ("published", str(standing.published)),
        ("cosigned by a quorum", said),
    ]
    if standing.why:
        rows.append(("why", standing.why))
    return rows + [(f"witness {name}", why) for name, why in sorted(standing.troubles.items())]
