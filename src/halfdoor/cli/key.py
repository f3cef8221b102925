"""`halfdoor key`: the outer key and the account key, on a running server or a stopped one."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from halfdoor.cli.speech import USAGE, say, say_json, stop, table, tell
from halfdoor.cli.user import ConfigFile, DataFolder, reached

if TYPE_CHECKING:
    from halfdoor.apps.verbs import Renewal

_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]

_COPY = (
    "Copy the new key to where you keep copies of it, apart from every backup. Backups made before"
    " now still need the old one."
)
_NODES = (
    "On every other server of this database, lay the new key beside theirs as outer.key.new, and"
    " run the same command there: it finds the data done and puts the file in place."
)


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Replace the keys under which everything is stored. No key is ever shown.",
        epilog="Example: halfdoor key rotate",
        no_args_is_help=True,
    )
    noun.command("show", epilog="Example: halfdoor key show")(show)
    noun.command("rotate", epilog="Example: halfdoor key rotate")(rotate)
    noun.command("renew-account", epilog="Example: halfdoor key renew-account")(renew_account)
    noun.command("remove-old", epilog="Example: halfdoor key remove-old --yes")(remove_old)
    app.add_typer(noun, name="key")


def show(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """Show where the outer key lies, and which former ones are still kept."""
    from halfdoor.apps.verbs import KeyShown, ShowKey  # noqa: PLC0415  (keeps `--help` quick)

    with reached(config, data) as house:
        found = house.ask(ShowKey(), KeyShown)
    if json:
        say_json(found)
        return
    rows = [("in force", found.key)]
    if found.unfinished:
        rows.append(("to come", "halfdoor key rotate puts it in force, or finishes that"))
    table(("key", "where"), rows + [("former", one) for one in found.former])


def rotate(
    *,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare", help="Only make the new key, to be copied to other servers first."
        ),
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Make a new outer key and put everything under it. Run it again if it was interrupted."""
    from halfdoor.apps.verbs import (  # noqa: PLC0415
        KeyPrepared,
        KeyRotated,
        PrepareKey,
        RotateKey,
    )

    with reached(config, data) as house:
        if prepare:
            made = house.ask(PrepareKey(), KeyPrepared)
            if json:
                say_json(made)
            else:
                say(made.key)
                tell("Nothing lies under it yet: halfdoor key rotate puts it in force.")
            return
        done = house.ask(RotateKey(), KeyRotated)
    if json:
        say_json(done)
        return
    say(f"{done.key} is a new key; {done.data_keys} data keys lie under it.")
    tell(f"The old one is kept as {done.former}: halfdoor key remove-old destroys it.")
    tell(_COPY)
    if done.nodes:
        tell(_NODES)


def renew_account(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """Seal accounts and people under a new account key. A running server goes on by itself."""
    from halfdoor.apps.verbs import ContinueRenewal, RenewAccountKey, Renewal  # noqa: PLC0415

    with reached(config, data) as house:
        at = house.ask(RenewAccountKey(), Renewal)
        rows = at.renewed
        while not at.done and not at.waits_until:
            _show(at)
            rows = at.renewed
            at = house.ask(ContinueRenewal(), Renewal)
    if json:
        say_json(at)
    elif at.done:
        say(f"Generation {at.generation} of the account key; the one before is destroyed.")
    else:
        until = f"{datetime.fromtimestamp(at.waits_until / 1000, UTC):%H:%M} UTC"
        say(f"Generation {at.generation} of the account key: {rows} rows lie under it.")
        tell(f"Other servers may write under the one before until {until}; then it is destroyed.")
    if at.refused:
        tell(f"{at.refused} rows bear no valid mac: they stay refused. The log names them.")


def _show(at: "Renewal") -> None:
    tell(f"{at.table or 'beginning'}: {at.rows} rows looked at, {at.renewed} sealed anew")


def remove_old(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, destroy them.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Destroy the outer keys that were replaced. Backups made before that open no more."""
    from halfdoor.apps.verbs import FormerKeysRemoved, RemoveFormerKeys  # noqa: PLC0415

    if not yes:
        stop(
            "backups made under an old key will not open without it; if you mean it: --yes.", USAGE
        )
    with reached(config, data) as house:
        gone = house.ask(RemoveFormerKeys(), FormerKeysRemoved).files
    if json:
        say_json({"removed": gone})
    else:
        say("\n".join(gone) if gone else "There is none.")
