"""Brings the schema of a PostgreSQL database up to date before it is opened (decision 0012)."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from halfdoor.store.errors import NewerSchemaError, UnfinishedCopyError
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.connect import Connection, named, open_one
from halfdoor.store.postgres.statements import statements

_FOLDERS: Final = files("halfdoor.store.migrations") / "postgres"
_SQL: Final = statements("server_maintenance")
# Each side has a version of its own, wherever it lives.
SIDES: Final = ("conversations", "people")


async def migrate(
    address: Address,
    sides: tuple[str, ...] = SIDES,
    *,
    upto: int | None = None,
    unfinished: bool = False,
) -> None:
    """Bring *sides* in the database at *address* up to date, whole or not at all.

    *upto* is the newest migration to apply, where that is not the newest there is. Processes that
    start together take turns. `UnfinishedCopyError` where a restore or a move into the database was
    not completed, unless that is what *unfinished* is for. `NewerSchemaError` where a newer
    version of the program wrote it, and nothing is touched; `StoreUnavailableError` where it cannot
    be reached.
    """
    con = await open_one(address)
    try:
        if not unfinished and await con.fetchval(_SQL["has_unfinished_copy"]):
            raise UnfinishedCopyError(
                "a restore or a move into this database is not complete: run the same command"
                " again; it removes what is half done and begins anew. Or name another database"
            )
        if await _behind(con, sides):
            async with con.transaction():
                await con.execute(_SQL["lock_schema"])
                await _apply(con, sides, upto)
    except Exception as error:
        raise named(error) from error
    finally:
        await con.close()


async def is_behind(address: Address, sides: tuple[str, ...] = SIDES) -> bool:
    """Tell whether a migration of *sides* is missing; the errors of `migrate`."""
    con = await open_one(address)
    try:
        return await _behind(con, sides)
    except Exception as error:
        raise named(error) from error
    finally:
        await con.close()


def migration_files(side: str) -> list[Traversable]:
    """Return the migrations of *side* in the order of their numbers, `NNNN_name.sql`."""
    found = (item for item in (_FOLDERS / side).iterdir() if item.name.endswith(".sql"))
    return sorted(found, key=lambda file: file.name)


async def read_schema(con: Connection, sides: tuple[str, ...]) -> int:
    """Return the number of the newest migration that was applied to *sides*; `NewerSchemaError`."""
    await _behind(con, sides)
    return max([await con.fetchval(_SQL["version"], side) or 0 for side in sides])


def _number(file: Traversable) -> int:
    return int(file.name.split("_")[0])


async def _behind(con: Connection, sides: tuple[str, ...]) -> bool:
    """Tell whether a migration is missing; refuse what is ahead of us."""
    if not await con.fetchval(_SQL["has_versions"]):
        return True
    behind = False
    for side in sides:
        version = await con.fetchval(_SQL["version"], side) or 0
        newest = _number(migration_files(side)[-1])
        if version > newest:
            raise NewerSchemaError(
                f"the database was written by a newer Halfdoor ({side}: schema {version}, this"
                f" one knows {newest}): start that version, or restore a backup from before the"
                " upgrade"
            )
        behind = behind or version < newest
    return behind


async def _apply(con: Connection, sides: tuple[str, ...], upto: int | None) -> None:
    """Apply what is missing and note it, within the transaction that is open."""
    # Asked once more under the lock: whoever held it before may have done the work.
    if not await _behind(con, sides):
        return
    if not await con.fetchval(_SQL["has_versions"]):
        await con.execute(_SQL["make_versions"])
    for side in sides:
        version = await con.fetchval(_SQL["version"], side) or 0
        for file in migration_files(side):
            if _number(file) > version and (upto is None or _number(file) <= upto):
                await con.execute(file.read_text())
                await con.execute(_SQL["set_version"], side, _number(file))
