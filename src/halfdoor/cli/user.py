"""`halfdoor user`: accounts and people, for whoever runs the server. Nothing here opens a word."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from halfdoor.cli.speech import (
    FAILED,
    REFUSED,
    USAGE,
    environment,
    say,
    say_json,
    server_module,
    stop,
    table,
    tell,
)
from halfdoor.config.load import find_file, load
from halfdoor.config.model import Config

if TYPE_CHECKING:
    from halfdoor.apps.reach import Reached
    from halfdoor.apps.verbs import UserFacts, Verb

T = TypeVar("T")

_Name = Annotated[str, typer.Argument(help="Who: ada, or @ada:example.org.")]
ConfigFile = Annotated[Path | None, typer.Option(help="Configuration file; else ./halfdoor.toml.")]
DataFolder = Annotated[Path | None, typer.Option(help="Folder of the database.")]
_PasswordFile = Annotated[
    Path | None,
    typer.Option(
        help="File whose first line is the password, - for standard input; else you are asked."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]

_HISTORY_CLOSED = (
    "History stays closed: the next password login waits for approval by one of the person's"
    " devices or their recovery key."
)
_NO_HISTORY = "They never signed in, so there is no history that could be closed."


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Make and manage accounts, on a running server or a stopped one.",
        epilog="Example: halfdoor user create ada --age-band adult",
        no_args_is_help=True,
    )
    noun.command("create", epilog="Example: halfdoor user create ada --age-band adult")(create)
    noun.command("list", epilog="Example: halfdoor user list --json")(list_all)
    noun.command("show", epilog="Example: halfdoor user show ada")(show)
    noun.command("reset-password", epilog="Example: halfdoor user reset-password ada")(reset)
    noun.command("suspend", epilog="Example: halfdoor user suspend ada")(suspend)
    noun.command("unsuspend", epilog="Example: halfdoor user unsuspend ada")(unsuspend)
    noun.command("connect", epilog="Example: halfdoor user connect ada ben")(connect)
    noun.command("deactivate", epilog="Example: halfdoor user deactivate ada --yes")(deactivate)
    app.add_typer(noun, name="user")


def create(
    name: Annotated[str, typer.Argument(help="The part of the id before the colon, as in ada.")],
    age_band: Annotated[
        str | None, typer.Option(help="under13, 13-15, 16-17 or adult; unknown if not given.")
    ] = None,
    password_file: _PasswordFile = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Make an account with a password. Its keys are made when its owner first signs in."""
    from halfdoor.apps.verbs import Changed, CreateUser  # noqa: PLC0415  (keeps `--help` quick)
    from halfdoor.safety.ages import AgeBand  # noqa: PLC0415

    bands = [band.value for band in AgeBand if band is not AgeBand.UNKNOWN]
    if age_band not in (None, *bands):
        stop(f"there is no such age band; they are: {', '.join(bands)}.", USAGE)
    verb = CreateUser(
        localpart=name,
        password=_password(password_file),
        age_band=age_band,  # type: ignore[arg-type]  # one of the bands, as was checked above
    )
    user = _ask(config, data, verb, Changed).users[0]
    if json:
        say_json({"user": user})
    else:
        say(user)
        if age_band is None:
            tell("Age unknown: they count as a minor when receiving, and as an adult when sending.")


def list_all(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """List everybody, with what is known of them."""
    from halfdoor.apps.verbs import ListUsers, UserPage  # noqa: PLC0415

    users: list[UserFacts] = []
    with reached(config, data) as house:
        page = house.ask(ListUsers(), UserPage)
        users += page.users
        while page.more:
            page = house.ask(ListUsers(after=users[-1].user), UserPage)
            users += page.users
    if json:
        say_json({"users": users})
    else:
        table(
            ("user", "age band", "devices", "way back", "state"),
            [
                (
                    one.user,
                    one.age_band or "unknown",
                    str(one.devices),
                    _yes(one.way_back),
                    _state(one),
                )
                for one in users
            ],
        )


def show(
    name: _Name, config: ConfigFile = None, data: DataFolder = None, json: _Json = False
) -> None:
    """Show what is known of one person: facts and numbers, nothing that they wrote."""
    from halfdoor.apps.verbs import ShowUser, UserFacts  # noqa: PLC0415

    found = _ask(config, data, ShowUser(user=name), UserFacts)
    if json:
        say_json(found)
    else:
        table(("fact", "value"), _rows(found))


def reset(
    name: _Name,
    password_file: _PasswordFile = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Give an account another password. It opens no history, neither for you nor for anyone."""
    from halfdoor.apps.verbs import PasswordReset, ResetPassword  # noqa: PLC0415

    verb = ResetPassword(user=name, password=_password(password_file))
    done = _ask(config, data, verb, PasswordReset)
    meaning = _HISTORY_CLOSED if done.history_closed else _NO_HISTORY
    if json:
        say_json({"user": done.user, "history_closed": done.history_closed, "meaning": meaning})
    else:
        say(f"{done.user} has another password.\n{meaning}")


def suspend(
    name: _Name, config: ConfigFile = None, data: DataFolder = None, json: _Json = False
) -> None:
    """Let somebody read and leave, and nothing else, until that is lifted."""
    from halfdoor.apps.verbs import Suspend  # noqa: PLC0415

    _change(config, data, Suspend(user=name), "is suspended", json=json)


def unsuspend(
    name: _Name, config: ConfigFile = None, data: DataFolder = None, json: _Json = False
) -> None:
    """Lift a suspension."""
    from halfdoor.apps.verbs import Unsuspend  # noqa: PLC0415

    _change(config, data, Unsuspend(user=name), "is not suspended", json=json)


def connect(
    first: _Name,
    second: Annotated[str, typer.Argument(help="The other one.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Also where they may be an adult and a minor.")
    ] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Connect two people as the platform would. Exit 3 for an adult and a minor without --yes."""
    from halfdoor.apps.verbs import Connect  # noqa: PLC0415

    verb = Connect(a=first, b=second, sure=yes)
    _change(config, data, verb, "are connected", json=json)


def deactivate(
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, close it for good.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Close an account for good: all its keys and devices go. The name stays taken."""
    from halfdoor.apps.verbs import Deactivate  # noqa: PLC0415

    if not yes:
        stop("this cannot be undone: their keys are destroyed. If you mean it, add --yes.", USAGE)
    _change(config, data, Deactivate(user=name), "is closed for good", json=json)


@contextlib.contextmanager
def reached(config: Path | None, data: Path | None) -> Iterator["Reached"]:
    """Give the house of this configuration or folder; ends the command where that fails."""
    from halfdoor.policy.errors import PolicyError  # noqa: PLC0415

    apps, store = server_module("apps.reach"), server_module("store.errors")
    try:
        with apps.reach(data, lambda: _load(config, data)) as house:
            yield house
    except apps.RefusedError as refused:
        stop(str(refused), {"usage": USAGE, "failed": FAILED, "refused": REFUSED}[refused.kind])
    except (apps.UnreachableError, store.StoreError, PolicyError) as error:
        stop(str(error), FAILED)


def _load(config: Path | None, data: Path | None) -> Config:
    file = find_file(config, environment())
    if file is None:
        stop(
            "there is no halfdoor.toml here. Name it with --config, or the folder of a server that"
            " runs with --data.",
            USAGE,
        )
    return load(file, environ=environment(), flags={"data_dir": data})


def _ask(config: Path | None, data: Path | None, verb: "Verb", kind: type[T]) -> T:
    with reached(config, data) as house:
        return house.ask(verb, kind)


def _change(config: Path | None, data: Path | None, verb: "Verb", done: str, *, json: bool) -> None:
    from halfdoor.apps.verbs import Changed  # noqa: PLC0415

    users = _ask(config, data, verb, Changed).users
    if json:
        say_json({"users": users})
    else:
        say(f"{' and '.join(users)} {done}.")


def _password(file: Path | None) -> str:
    """Return a password that stood on no command line, where every process could read it."""
    if file is None and sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    try:
        raw = sys.stdin.buffer.readline() if file in (None, Path("-")) else _first_line(file)
        password = raw.decode().rstrip("\r\n")
    except OSError as error:
        stop(f"{file} cannot be read: {error.strerror}.", USAGE)
    except UnicodeDecodeError:
        stop("the password is not text in UTF-8.", USAGE)
    if not password:
        stop("there is no password in the first line.", USAGE)
    return password


def _first_line(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.readline()


def _rows(found: "UserFacts") -> list[tuple[str, str]]:
    return [
        ("user", found.user),
        ("state", _state(found)),
        ("age band", found.age_band or "unknown"),
        ("vouched for by", found.age_source or "nobody"),
        ("region", found.region or "not said"),
        ("guardian", found.guardian or "none"),
        ("guardian's list", str(found.guardian_allows)),
        ("direct messages", {None: "as the rule says", True: "on", False: "off"}[found.dm_choice]),
        ("checks on the device", _yes(found.device_checks)),
        ("account made", _day(found.created)),
        ("password", _yes(found.password)),
        ("devices", str(found.devices)),
        ("waiting for approval", str(found.waiting)),
        ("way back without a device", _yes(found.way_back)),
    ]


def _state(found: "UserFacts") -> str:
    if found.deactivated:
        return "closed"
    if found.suspended:
        return "suspended"
    return "active" if found.signed_in_once else "never signed in"


def _day(ms: int | None) -> str:
    return "not yet" if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"
