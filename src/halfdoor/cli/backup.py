"""`halfdoor backup`, `restore` and `migrate`: a house is copied, put back, or moved."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from halfdoor.cli.progress import shown_progress
from halfdoor.cli.speech import FAILED, USAGE, environment, say, say_json, server_module, stop, tell
from halfdoor.config.load import find_file, load

if TYPE_CHECKING:
    from halfdoor.config.model import Config

_Folder = Annotated[Path, typer.Argument(help="Folder of the backup.")]
_ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Configuration file; else ./halfdoor.toml.")
]
_DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the embedded database.")
]
_OuterKey = Annotated[Path | None, typer.Option("--outer-key", help="File of the outer key.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
_Number = Annotated[
    int | None, typer.Option("--number", min=1, help="Which backup of the folder; else the newest.")
]
_KEY_TOO: Final = (
    "The outer key is not in it: keep a copy of that elsewhere, for without it nothing here opens."
)


def add_to(app: typer.Typer) -> None:
    """Put the commands into *app*."""
    app.command("backup", epilog="Example: halfdoor backup /mnt/backups/halfdoor --keep 7")(backup)
    app.command("restore", epilog="Example: halfdoor restore /mnt/backups/halfdoor --data data")(
        restore
    )
    app.command("migrate", epilog="Example: halfdoor migrate sqlite postgres")(migrate)


def backup(
    directory: _Folder,
    *,
    keep: Annotated[
        int, typer.Option(min=1, help="How many backups the folder keeps; older ones go.")
    ] = 7,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make none; read one that is there, part by part.")
    ] = False,
    number: _Number = None,
    config: _ConfigFile = None,
    data: _DataFolder = None,
    outer_key: _OuterKey = None,
    json: _Json = False,
) -> None:
    """Make a sealed copy of the house while its server runs, and verify all of it.

    What is in the folder already is not written again. Run it again if it was interrupted.
    """
    if number is not None and not verify:
        stop("--number goes with --verify.", USAGE)
    module = server_module("apps.backup")
    settings = _settings(config, data, outer_key)
    with _refusals(), shown_progress() as progress:
        if verify:
            found = asyncio.run(module.verify_backup(settings, directory, number, progress))
        else:
            found = asyncio.run(module.back_up(settings, directory, keep, progress))
    if json:
        say_json(found)
    elif verify:
        say(f"Backup {found.number} of {_day(found.made)} is whole: {_amount(found)}.")
    else:
        say(
            f"Backup {found.number} is made and verified: {_amount(found)},"
            f" {found.written} of them new ({_size(found.bytes_written)})."
        )
        _tell_missing(found)
        tell(_KEY_TOO)


def restore(
    directory: _Folder,
    *,
    number: _Number = None,
    config: _ConfigFile = None,
    data: _DataFolder = None,
    outer_key: _OuterKey = None,
    json: _Json = False,
) -> None:
    """Put a backup into a data folder, or a PostgreSQL, that holds nothing yet.

    All of it is verified first, and the copy is checked before it gets its place.
    """
    module = server_module("apps.backup")
    settings = _settings(config, data, outer_key)
    with _refusals(), shown_progress() as progress:
        done = asyncio.run(module.restore_backup(settings, directory, number, progress))
    if json:
        say_json(done)
        return
    say(
        f"Backup {done.number} of {_day(done.made)} is restored: {done.rows} rows,"
        f" {done.conversations} conversations, {done.files} files, every chain holds."
    )
    _tell_missing(done)
    tell("What was written after that moment is not there. Clients notice, and sync anew.")


def migrate(
    source: Annotated[str, typer.Argument(help="Where the house is: sqlite.", metavar="FROM")],
    target: Annotated[str, typer.Argument(help="Where it is to be: postgres.", metavar="TO")],
    *,
    url: Annotated[
        str | None, typer.Option(help="Address of an empty database; else database.url.")
    ] = None,
    people_url: Annotated[
        str | None, typer.Option(help="Another for accounts and inboxes, where there are two.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the database's password.")
    ] = None,
    config: _ConfigFile = None,
    data: _DataFolder = None,
    outer_key: _OuterKey = None,
    json: _Json = False,
) -> None:
    """Move a stopped house from the embedded database to PostgreSQL; the old one stays as it is."""
    if (source, target) != ("sqlite", "postgres"):
        stop(
            "only `migrate sqlite postgres` is known. Another way goes by `halfdoor backup` and"
            " `halfdoor restore`: a backup of either store restores into either.",
            USAGE,
        )
    module = server_module("apps.backup")
    flags = {
        "database.url": url,
        "database.people_url": people_url,
        "database.password_file": password_file,
    }
    settings = _settings(config, data, outer_key, **flags)
    with _refusals(), shown_progress() as progress:
        done = asyncio.run(module.move_to_postgres(settings, progress))
    if json:
        say_json(done)
        return
    say(
        f"Moved: {done.rows} rows, {done.conversations} conversations, {done.files} files, every"
        " chain holds, and what PostgreSQL has is what was read."
    )
    _tell_missing(done)
    tell(
        f"Name the database in [database] url before the next start. {settings.data_dir} is as it"
        " was: never start a server on it again, and remove it once a backup of the new one is"
        " made, but for a folder of files in it that is still the one in use ([media])."
    )


def _settings(
    config: Path | None, data: Path | None, outer_key: Path | None, **more: object
) -> "Config":
    flags = {"data_dir": data, "outer_key_file": outer_key, **more}
    return load(find_file(config, environment()), environ=environment(), flags=flags)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    from halfdoor.store.errors import StoreError  # noqa: PLC0415  (keeps `--help` quick)

    try:
        yield
    except StoreError as error:
        # These texts are written for whoever runs the server and hold no secret.
        stop(f"{error}.", FAILED)


def _amount(found: Any) -> str:
    return f"{found.rows} rows in {found.parts} parts, {found.files} files"


def _tell_missing(found: Any) -> None:
    if found.files_missing:
        tell(
            f"{found.files_missing} files were not there, or not as they were written:"
            " `halfdoor doctor` names what is missing."
        )


def _day(made: int) -> str:
    return f"{datetime.fromtimestamp(made / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"
