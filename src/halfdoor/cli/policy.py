"""`halfdoor policy`: what the entity's policy says, whether it holds, and what follows from it."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halfdoor.cli.speech import FAILED, OK, REFUSED, USAGE, say, say_json, stop, table
from halfdoor.cli.user import ConfigFile, DataFolder, reached

if TYPE_CHECKING:
    from halfdoor.policy.model import Policy
    from halfdoor.safety.ages import AgeBand

_File = Annotated[
    Path | None, typer.Argument(help="Policy file (TOML); without it Halfdoor's default.")
]
_Option = Annotated[
    Path | None, typer.Option("--file", help="Policy file (TOML); without it Halfdoor's default.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Show, check and explain a policy.",
        epilog="Example: halfdoor policy lint policy.toml",
        no_args_is_help=True,
    )
    noun.command("show", epilog="Example: halfdoor policy show policy.toml")(show)
    noun.command("lint", epilog="Example: halfdoor policy lint policy.toml")(lint)
    noun.command("explain", epilog="Example: halfdoor policy explain alice bob")(explain)
    app.add_typer(noun, name="policy")


def show(file: _File = None, json: _Json = False) -> None:
    """Print every row of a policy with its value and what it means."""
    from halfdoor.policy.explain import rows  # noqa: PLC0415  (keeps `--help` quick)

    policy = _load(file)
    if json:
        say_json({row.key: row.value for row in rows(policy)})
    else:
        table(
            ("row", "value", "meaning"), [(one.key, one.value, one.meaning) for one in rows(policy)]
        )


def lint(
    file: Annotated[Path, typer.Argument(help="Policy file (TOML).")], json: _Json = False
) -> None:
    """Check a policy file: known keys, allowed values, nothing looser than may be."""
    policy = _load(file)
    digest = policy.digest.hex()
    if json:
        say_json({"file": str(file), "ok": True, "sha256": digest})
    else:
        say(f"{file}: ok, hash {digest}")


def explain(
    first: Annotated[str, typer.Argument(help="Who writes: ada, @ada:example.org, or a band.")],
    second: Annotated[str, typer.Argument(help="Who would receive, named in the same way.")],
    *,
    bands: Annotated[
        bool,
        typer.Option("--bands", help="FIRST and SECOND are age bands: adult, 16-17, 13-15 …"),
    ] = False,
    connected: Annotated[
        bool, typer.Option("--connected", help="With bands: they are connected on the platform.")
    ] = False,
    accepted: Annotated[
        bool, typer.Option("--accepted", help="With bands: one accepted the other's request.")
    ] = False,
    device_checks: Annotated[
        bool,
        typer.Option("--device-checks", help="With bands: their apps look for harm on the device."),
    ] = False,
    file: _Option = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Say who of two people may write to whom, and which row decides. Exit 3 if FIRST may not.

    Two names ask the server (or, where none runs, its data) what holds between these two people.
    Two age bands ask the policy alone, without any server; so does --bands.
    """
    if bands or (_is_band(first) and _is_band(second)):
        between = (connected, accepted, device_checks)
        allowed, said = _explain_bands(first, second, between, file)
    elif connected or accepted or device_checks or file is not None:
        stop(
            "--connected, --accepted, --device-checks and --file go with age bands: people have"
            " their own.",
            USAGE,
        )
    else:
        from halfdoor.apps.verbs import ExplainContact, Explained  # noqa: PLC0415

        with reached(config, data) as house:
            found = house.ask(ExplainContact(a=first, b=second), Explained)
        allowed, said = found.allowed, list(found.sentences)
    if json:
        say_json({"allowed": allowed, "sentences": said})
    else:
        for sentence in said:
            say(sentence)
    raise typer.Exit(OK if allowed else REFUSED)


def _explain_bands(
    first: str, second: str, between: tuple[bool, bool, bool], file: Path | None
) -> tuple[bool, list[str]]:
    """Return whether somebody of the *first* band may write to one of the *second*, and why.

    *between* says whether they are connected, have accepted, and have checks on their devices.
    """
    from halfdoor.safety.contact import ContactRefused, may_start  # noqa: PLC0415
    from halfdoor.safety.explain import explain as sentences  # noqa: PLC0415
    from halfdoor.safety.people import Person, Relation  # noqa: PLC0415

    policy = _load(file)
    connected, accepted, checks = between
    alice = Person(user_id="first", band=_band(first), device_checks=checks)
    bob = Person(user_id="second", band=_band(second), device_checks=checks)
    relation = Relation(connected=connected, accepted=accepted)
    now_ms = int(time.time() * 1000)
    said = sentences(policy, alice, bob, relation, now_ms)
    try:
        may_start(policy, alice, bob, relation, now_ms)
    except ContactRefused:
        return False, said
    return True, said


def _is_band(text: str) -> bool:
    from halfdoor.safety.ages import AgeBand  # noqa: PLC0415

    return text in list(AgeBand)


def _band(text: str) -> "AgeBand":
    from halfdoor.safety.ages import AgeBand  # noqa: PLC0415

    try:
        return AgeBand(text)
    except ValueError:
        stop(f"there is no such age band; they are: {', '.join(AgeBand)}.", USAGE)


def _load(file: Path | None) -> "Policy":
    from halfdoor.policy.errors import PolicyError  # noqa: PLC0415
    from halfdoor.policy.load import load  # noqa: PLC0415

    try:
        return load(file)
    except PolicyError as error:
        stop(str(error), FAILED)
