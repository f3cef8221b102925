"""Opening connections to PostgreSQL, and the names of what can fail on them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from halfdoor.store.errors import (
    DamagedStoreError,
    StoreClosedError,
    StoreError,
    StoreUnavailableError,
)
from halfdoor.store.postgres.address import Address
from halfdoor.store.postgres.errors import UnfitServerError
from halfdoor.store.postgres.statements import statements

Connection = Any  # asyncpg's own connection, or its pool's proxy: the same methods.
Pool = Any

_SQL: Final = statements("server_maintenance")
OLDEST_SERVER: Final = 15
CONNECT_SECONDS: Final = 3.0
# A statement of ours takes milliseconds; one that waits this long waits for a dead machine.
COMMAND_SECONDS: Final = 8.0
_SETTINGS: Final = {
    "application_name": "halfdoor",
    # Statements are short: compiling them takes longer than running them.
    "jit": "off",
    # A node that froze inside a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "10s",
}
_STATEMENTS: Final = 1024
_QUERIES: Final = 10_000_000

# SQLSTATE classes and codes that concern the whole database and not one write.
_UNAVAILABLE: Final = {
    "08": "the connection was lost",
    "25006": "only a standby answers: it cannot be written",
    "25P03": "the server ended a transaction that waited too long",
    "28": "the server refuses our name or password: check the database's address",
    "3D000": "there is no such database: create it, or check the database's address",
    "53": "the server has no room left: disk, memory or connections",
    "57": "the server is starting, stopping or restarting",
    "58": "the server's disk answered with an error",
}
_DAMAGED: Final = {"XX001", "XX002"}
_RETRY: Final = {"40001", "40P01"}


async def open_pool(
    address: Address,
    size: int,
    init: Callable[[Connection], Awaitable[None]] | None = None,
) -> Pool:
    """Return *size* connections, opened as they are needed; *init* sees each new one first."""

    async def prepare(con: Connection) -> None:
        await _check_server(con)
        if init is not None:
            await init(con)

    async def keep(_con: Connection) -> None:
        """Leave the session as it is: nothing of ours changes it."""

    try:
        return await asyncpg.create_pool(
            address.dsn,
            password=address.password,
            # With a floor the pool would keep asking a dead server on its own.
            min_size=0,
            max_size=size,
            max_queries=_QUERIES,
            max_inactive_connection_lifetime=300,
            init=prepare,
            reset=keep,
            ssl=address.ssl,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            statement_cache_size=_STATEMENTS,
            max_cached_statement_lifetime=0,
            target_session_attrs=SessionAttribute.read_write,
            server_settings=_SETTINGS,
        )
    except Exception as error:
        raise named(error) from error


async def open_one(address: Address) -> Connection:
    """Return a connection for work that is done once, such as a migration."""
    try:
        return await asyncpg.connect(
            address.dsn,
            password=address.password,
            ssl=address.ssl,
            timeout=CONNECT_SECONDS,
            target_session_attrs=SessionAttribute.read_write,
            server_settings={"application_name": "halfdoor"},
        )
    except Exception as error:
        raise named(error) from error


def named(error: BaseException) -> BaseException:
    """Return the error of ours that names what *error* means, or *error* itself."""
    code = getattr(error, "sqlstate", None)
    if isinstance(error, asyncpg.PostgresError) and isinstance(code, str):
        if code in _DAMAGED:
            return DamagedStoreError(
                "the server says that its files are damaged: stop, keep a copy, and restore the"
                " last good backup"
            )
        why = _UNAVAILABLE.get(code) or _UNAVAILABLE.get(code[:2])
        return StoreUnavailableError(f"PostgreSQL cannot be used: {why}") if why else error
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError):
        if "pool is clos" in str(error):
            return StoreClosedError("the store is closing")
        return StoreUnavailableError("PostgreSQL cannot be used: the connection was lost")
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return StoreUnavailableError(f"PostgreSQL cannot be used: {_UNAVAILABLE['25006']}")
    if isinstance(error, asyncio.TimeoutError | OSError | asyncpg.InternalClientError):
        said = type(error).__name__ if not str(error) else str(error)
        return StoreUnavailableError(f"PostgreSQL cannot be reached: {said}")
    return error


def is_unavailable(error: BaseException) -> bool:
    """Tell whether *error* concerns the whole database and not one write."""
    found = named(error)
    return isinstance(found, StoreError) and isinstance(
        found, StoreUnavailableError | DamagedStoreError | StoreClosedError
    )


def is_conflict(error: BaseException) -> bool:
    """Tell whether the server undid a transaction only because of a neighbour."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate in _RETRY


async def _check_server(con: Connection) -> None:
    """Refuse a server that would not keep what was acknowledged."""
    if con.get_server_version().major < OLDEST_SERVER:
        raise UnfitServerError("PostgreSQL 15 or newer is needed: upgrade the server")
    row = await con.fetchrow(_SQL["fitness"])
    if row["fsync"] == "off" or row["sync"] == "off":
        raise UnfitServerError(
            "the server acknowledges what is not on its disk: set fsync = on and"
            " synchronous_commit = on"
        )
    if row["encoding"] != "UTF8":
        raise UnfitServerError("the database must be made with ENCODING 'UTF8'")
