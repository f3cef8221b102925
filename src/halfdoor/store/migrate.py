"""Brings the embedded database's schema up to date before it is opened (decision 0006)."""

import sqlite3
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from halfdoor.store.errors import NewerSchemaError
from halfdoor.store.sqlite.connect import named, open_writer

_FOLDERS: Final = files("halfdoor.store.migrations") / "sqlite"
_BOTH: Final = ("conversations", "people")


def migrate(conv_path: Path, user_path: Path | None = None, *, upto: int | None = None) -> None:
    """Bring the schema of one file for both sides, or of one file for each, up to date.

    *upto* is the newest migration to apply, where that is not the newest there is. Each file
    changes in one transaction or not at all. `NewerSchemaError` where a newer version of the
    program wrote it; `StoreUnavailableError` where it cannot be written.
    """
    if user_path is None or user_path == conv_path:
        _migrate_file(conv_path, _BOTH, upto)
        return
    _migrate_file(conv_path, ("conversations",), upto)
    _migrate_file(user_path, ("people",), upto)


def migration_files(sides: tuple[str, ...] = _BOTH) -> list[Traversable]:
    """Return the migrations of *sides* in the order of their numbers, `NNNN_name.sql`."""
    found = [item for side in sides for item in (_FOLDERS / side).iterdir()]
    return sorted((item for item in found if item.name.endswith(".sql")), key=lambda f: f.name)


def migration_number(name: str) -> int:
    """Return the number of the migration in the file *name*, which may lack its ending."""
    return int(name.partition("_")[0])


def _migrate_file(path: Path, sides: tuple[str, ...], upto: int | None) -> None:
    """Bring one file up to date; at most start-ups that means to read one number from it."""
    numbers = [migration_number(file.name) for file in migration_files(sides)]
    newest = max((n for n in numbers if upto is None or n <= upto), default=0)
    con = open_writer(path)
    try:
        (version,) = con.execute("PRAGMA user_version").fetchone()
        if version > newest:
            raise NewerSchemaError(
                f"{path} was written by a newer Halfdoor (schema {version}, this one knows"
                f" {newest}): start that version, or restore a backup from before the upgrade"
            )
        if version < newest:
            _apply(con, sides, newest)
    except sqlite3.Error as error:
        raise named(error) from error
    finally:
        con.close()


def _apply(con: sqlite3.Connection, sides: tuple[str, ...], newest: int) -> None:
    """Apply what is missing and set the version, all in one transaction."""
    # Loading the tool takes longer than a whole start, so it is loaded only where it has work.
    import yoyo  # noqa: PLC0415

    from halfdoor.store.yoyo_backend import OneTransaction  # noqa: PLC0415

    with as_file(_FOLDERS) as folders, OneTransaction(con) as tool:
        migrations = yoyo.read_migrations(*(str(folders / side) for side in sides))
        tool.create_lock_table()
        wanted = migrations.filter(lambda one: migration_number(one.id) <= newest)
        todo = tool.to_apply(wanted)
        with tool.transaction():
            tool.apply_migrations(todo)
            con.execute(f"PRAGMA user_version = {newest}")
