"""`halfdoor staff`: who works at the review desk. No password exists."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from halfdoor.cli.speech import USAGE, say, say_json, stop, table, tell
from halfdoor.cli.user import ConfigFile, DataFolder, reached

if TYPE_CHECKING:
    from halfdoor.apps.verbs import StaffFacts, StaffVerb

_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_Id = Annotated[str, typer.Argument(help="Who: the id that `halfdoor staff list` shows, stf_….")]
_Roles = Annotated[
    list[str] | None,
    typer.Option("--role", help="reviewer, child_safety, lead, auditor or admin; may be repeated."),
]


def add_to(app: typer.Typer) -> None:
    """Put the noun and its verbs into *app*."""
    noun = typer.Typer(
        help="Invite and manage staff of the review desk, on a running server or a stopped one.",
        epilog="Example: halfdoor staff invite Robin --role reviewer --place DE",
        no_args_is_help=True,
    )
    noun.command(
        "invite", epilog="Example: halfdoor staff invite Robin --role reviewer --place DE"
    )(invite)
    noun.command("list", epilog="Example: halfdoor staff list --json")(list_all)
    noun.command("roles", epilog="Example: halfdoor staff roles stf_… --role lead")(roles)
    noun.command("end", epilog="Example: halfdoor staff end stf_… --yes")(end)
    noun.command("passkeys", epilog="Example: halfdoor staff passkeys stf_…")(passkeys)
    app.add_typer(noun, name="staff")


def invite(
    name: Annotated[
        str | None, typer.Argument(help="A pseudonym, which people never see; not with --again.")
    ] = None,
    role: _Roles = None,
    place: Annotated[
        str | None, typer.Option(help="Where they work: ISO 3166-1, two letters, as in DE.")
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(
            help="Their own account as a user id, so that they judge nobody near; may be repeated."
        ),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option(help="A new link for this account (stf_…), in place of earlier ones."),
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Print a link, good once, with which somebody makes their passkey. No password exists."""
    from halfdoor.apps.verbs import (  # noqa: PLC0415  (keeps `--help` quick)
        InviteStaff,
        InviteStaffAgain,
        StaffInvited,
    )

    verb: InviteStaff | InviteStaffAgain
    if again is not None:
        if name or role or place or person:
            stop("--again stands alone: the account keeps its name, roles and place.", USAGE)
        verb = InviteStaffAgain(id=again)
    elif not name or not role or not place:
        stop("a new account needs a name, --role and --place.", USAGE)
    else:
        verb = InviteStaff(name=name, roles=tuple(role), place=place, people=tuple(person or ()))
    with reached(config, data) as house:
        made = house.ask(verb, StaffInvited)
    if json:
        say_json({"id": made.id, "address": made.address, "expires": made.expires})
    else:
        say(made.address)
        tell(f"Good once, until {_moment(made.expires)}, for {made.id}. Hand it over in private.")


def list_all(config: ConfigFile = None, data: DataFolder = None, json: _Json = False) -> None:
    """List the staff, with their roles and how many passkeys they have."""
    staff = _everybody(config, data)
    if json:
        say_json({"staff": staff})
    else:
        table(
            ("id", "name", "roles", "place", "passkeys", "state"),
            [
                (
                    one.id,
                    one.name,
                    " ".join(one.roles),
                    one.place,
                    str(len(one.passkeys)),
                    one.state,
                )
                for one in staff
            ],
        )


def roles(
    id: _Id,
    role: _Roles = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Give an account other roles in place of those it has, from its next click on."""
    from halfdoor.apps.verbs import ChangeStaffRoles  # noqa: PLC0415

    if not role:
        stop("name the roles it is to have: --role, as often as needed.", USAGE)
    verb = ChangeStaffRoles(id=id, roles=tuple(role))
    _change(config, data, verb, f"has the roles: {' '.join(sorted(role))}", json=json)


def end(
    id: _Id,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, end it for good.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """End an account for good: its sessions, links and passkeys are gone at once."""
    from halfdoor.apps.verbs import EndStaff  # noqa: PLC0415

    if not yes:
        stop("an account that was ended does not come back. If you mean it, add --yes.", USAGE)
    _change(config, data, EndStaff(id=id), "has ended", json=json)


def passkeys(
    id: _Id,
    remove: Annotated[
        str | None, typer.Option(help="Remove the passkey of this name, and end their sessions.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: _Json = False,
) -> None:
    """Show somebody's passkeys, or remove one that was lost."""
    from halfdoor.apps.verbs import RemoveStaffPasskey  # noqa: PLC0415

    if remove is not None:
        verb = RemoveStaffPasskey(id=id, passkey=remove)
        _change(config, data, verb, f"has no passkey {remove} any more", json=json)
        return
    found = [one for one in _everybody(config, data) if one.id == id]
    if not found:
        stop("there is no such account of staff.", USAGE)
    if json:
        say_json({"id": id, "passkeys": found[0].passkeys})
    else:
        table(
            ("passkey", "made", "last used"),
            [(one.name, _moment(one.created), _moment(one.last_used)) for one in found[0].passkeys],
        )


def _everybody(config: ConfigFile, data: DataFolder) -> Iterable["StaffFacts"]:
    from halfdoor.apps.verbs import ListStaff, StaffList  # noqa: PLC0415

    with reached(config, data) as house:
        return house.ask(ListStaff(), StaffList).staff


def _change(
    config: ConfigFile, data: DataFolder, verb: "StaffVerb", done: str, *, json: bool
) -> None:
    from halfdoor.apps.verbs import StaffChanged  # noqa: PLC0415

    with reached(config, data) as house:
        changed = house.ask(verb, StaffChanged)
    if json:
        say_json({"id": changed.id})
    else:
        say(f"{changed.id} {done}.")


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
