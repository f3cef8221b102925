"""The connections of a process to its databases: reads, moments, transactions."""

import contextlib
import enum
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

import asyncpg

from halfdoor.store.errors import StoreClosedError, StoreUnavailableError
from halfdoor.store.postgres.connect import (
    CONNECT_SECONDS,
    Connection,
    Pool,
    is_conflict,
    is_unavailable,
    named,
)
from halfdoor.store.postgres.errors import UnknownOutcomeError

T = TypeVar("T")
Function = Callable[[Connection], Awaitable[T]]

_ATTEMPTS: Final = 8
# A server that answers takes a millisecond to undo; one that does not is left alone.
_UNDO_SECONDS: Final = 1.0
_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Side(enum.Enum):
    """The two sides of the store; rows of one never meet rows of the other in a statement."""

    CONVERSATIONS = "conversations"
    PEOPLE = "people"


class Database:
    """One PostgreSQL database for conversations and people, or one for each of the two sides.

    Errors: `StoreUnavailableError`, `UnknownOutcomeError`, `DamagedStoreError`,
    `StoreClosedError`, and whatever a function given to it raises.
    """

    def __init__(self, conversations: Pool, people: Pool, writing: Pool) -> None:
        """Take connections for each side, and *writing*: those of the writers of conversations."""
        self._pools = {Side.CONVERSATIONS: conversations, Side.PEOPLE: people}
        self._writing = writing
        self.shared = conversations is people
        self._closed = False
        # Why nothing may be read or written for now: another process has the database.
        self.refusal: str | None = None
        # How often the people's side went on from an older copy; every new connection looks.
        self.restores = 0

    async def read(self, function: Function[T], side: Side = Side.PEOPLE) -> T:
        """Run *function*, which asks one statement; a connection that was lost is tried anew."""
        try:
            async with self._connection(self._pools[side]) as con:
                return await function(con)
        except Exception as error:
            if self._closed or isinstance(error, TimeoutError) or not is_unavailable(error):
                raise named(error) from error
        # Connections that a restarted server left behind are met one by one; a fresh one tells.
        try:
            async with self._connection(self._pools[side]) as con:
                return await function(con)
        except Exception as error:
            raise named(error) from error

    async def moment(self, function: Function[T], side: Side = Side.PEOPLE) -> T:
        """Run *function*, all of whose statements see the same moment."""

        async def run(con: Connection) -> T:
            await con.execute(_MOMENT)
            result = await function(con)
            await con.execute("COMMIT")
            return result

        return await self.read(run, side)

    async def write(self, function: Function[T], side: Side = Side.PEOPLE) -> T:
        """Run *function* in a transaction and return after it is durable.

        It may be run again after a neighbour was in the way, so it must have no effect but on the
        connection. What it raises undoes all of it.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._transaction(self._pools[side]) as con:
                    result = await function(con)
            except Exception as error:
                if attempt == _ATTEMPTS or not is_conflict(error):
                    raise named(error) from error
            else:
                return result
        raise AssertionError("the last attempt returns or raises")

    def transaction(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """Begin a transaction of a writer of conversations; leaving it commits, an error undoes.

        Writers have connections of their own, so that no crowd of readers stands before them.
        `UnknownOutcomeError` if the connection ended while the commit was under way.
        """
        return self._transaction(self._writing)

    @contextlib.asynccontextmanager
    async def snapshot(self, side: Side) -> AsyncIterator[Connection]:
        """Yield a connection that sees one moment for as long as it is held, and cannot write."""
        try:
            async with (
                self._connection(self._pools[side]) as con,
                con.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield con
        except Exception as error:
            raise named(error) from error

    async def close(self) -> None:
        """Close all connections; a second time it does nothing."""
        self._closed = True
        for pool in {*self._pools.values(), self._writing}:
            await pool.close()

    @contextlib.asynccontextmanager
    async def _transaction(self, pool: Pool) -> AsyncIterator[Connection]:
        async with self._connection(pool) as con:
            await con.execute("BEGIN")
            yield con
            await _commit(con)

    @contextlib.asynccontextmanager
    async def _connection(self, pool: Pool) -> AsyncIterator[Connection]:
        """Lend a connection that goes back without an open transaction."""
        if self._closed:
            raise StoreClosedError("the store is closing")
        if self.refusal is not None:
            raise StoreUnavailableError(self.refusal)
        con = await pool.acquire(timeout=CONNECT_SECONDS)
        try:
            yield con
        except BaseException:
            await _undo(con)
            raise
        finally:
            await pool.release(con)


async def _commit(con: Connection) -> None:
    """Commit; only the server's own refusal is a refusal."""
    try:
        await con.execute("COMMIT")
    except Exception as error:
        if is_unavailable(error):
            raise UnknownOutcomeError(
                "the connection ended while a commit was under way: send the request again, its"
                " transaction id tells what became of it"
            ) from error
        raise


async def _undo(con: Connection) -> None:
    """End a transaction that may be open; a connection that cannot is closed."""
    try:
        if con.is_closed() or not con.is_in_transaction():
            return
        await con.execute("ROLLBACK", timeout=_UNDO_SECONDS)
    except asyncpg.InterfaceError:
        # The pool took it back when it was lost.
        return
    except Exception:  # noqa: BLE001 - whatever it is, this connection is of no more use
        con.terminate()
