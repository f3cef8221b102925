"""Erases people in SQLite, as `store.erasing` promises it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, final

from halfdoor.accounts.errors import ErasedError
from halfdoor.accounts.records import LoginToken
from halfdoor.ids import bucket
from halfdoor.messaging.mailbox import DEVICE_LIST
from halfdoor.sealing.outer import RowMacError
from halfdoor.store.accounts_rows import AccountRows, place
from halfdoor.store.desk_erasing import Keeping, Left
from halfdoor.store.desk_rows import DeskRows
from halfdoor.store.erasing import AT_ONCE, OWN, STREAM, Erased, Room, Scan
from halfdoor.store.jobs import Job
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.desk_erasures import leave_desk
from halfdoor.store.sqlite.jobs import add_job
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Lane, Side
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.sqlite.streams import Streams

_SQL: Final = statements("erasures")
_SWEEP: Final = statements("erasures_maintenance")
_ATTEMPTS: Final = 20
_PAUSE_SECONDS: Final = 0.05


@final
class SqliteErasures:
    """An `ErasureStore`. *lane* is that of people's streams, which remembers their numbers."""

    def __init__(self, database: Database, keys: Keys, lane: Lane, desk: DeskRows) -> None:
        self._database = database
        self._desk = desk
        self._keys = keys
        self._lane = lane
        self._rows = AccountRows(keys)

    def name(self, user: str) -> str:
        """Return what stands for *user* where their id must not stand."""
        return self._keys.erased_name(user).hex()

    async def ask(self, user: str, job: Job) -> None:
        """Let nobody take the name of *user* from here on, and keep *job*, in one transaction."""
        ub, name = erased_key(self._keys, user)

        def write(con: sqlite3.Connection) -> None:
            con.execute(_SQL["ask"], (ub, name, job.run_at))
            add_job(con, self._keys, job)

        await self._database.write(write)

    async def state(self, user: str) -> Erased | None:
        """Return how far the erasure of *user* has come, None where nobody asked for it."""
        return await self._database.read(lambda con: erased(con, self._keys, user))

    async def rooms(self, user: str, after: int, limit: int) -> Sequence[Room]:
        """Return conversations of the room list with a number above *after*, forgotten ones too."""

        def read(con: sqlite3.Connection) -> list[Room]:
            number = _number(con, user)
            if number is None:
                return []
            rows = con.execute(_SQL["conversations"], (bucket(user), number, after, limit))
            return [Room(*row) for row in rows]

        return await self._database.read(read)

    async def peers(self, user: str, limit: int) -> Sequence[str]:
        """Return some of those *user* is connected with, whatever else their rows say."""

        def read(con: sqlite3.Connection) -> list[str]:
            return [peer for (peer,) in con.execute(_SQL["peers"], (*place(user), limit))]

        return await self._database.read(read)

    async def forget_in(self, user: str, conv: str) -> bool:
        """Delete wraps and receipts of *user* in *conv*; False, and nothing, if that is held."""
        cb = bucket(conv)

        def write(con: sqlite3.Connection) -> bool:
            row = con.execute(_SQL["conversation"], (cb, conv)).fetchone()
            if row is None:
                return True
            at = (cb, row[0])
            if con.execute(_SQL["held"], at).fetchone() is not None:
                return False
            member = con.execute(_SQL["member"], (*at, user)).fetchone()
            if member is not None:
                con.execute(_SQL["drop_wraps"], (*at, member[0]))
                con.execute(_SQL["drop_receipts"], (*at, member[0]))
            return True

        return await self._database.write(write, Side.CONVERSATIONS)

    async def unname_in(self, user: str, conv: str) -> None:
        """Take the name of *user* out of what the others in *conv* were told of device lists."""
        cb = bucket(conv)

        def read(con: sqlite3.Connection) -> list[str]:
            row = con.execute(_SQL["conversation"], (cb, conv)).fetchone()
            found = con.execute(_SQL["members"], (cb, row[0], user)) if row is not None else ()
            return [peer for (peer,) in found]

        def write(con: sqlite3.Connection) -> None:
            for peer in peers:
                number = _number(con, peer)
                if number is not None:
                    values = (peer, bucket(peer), number, DEVICE_LIST, user)
                    con.execute(_SQL["unname"], values)

        peers = await self._database.read(read, Side.CONVERSATIONS)
        await self._database.write(write)

    async def scan(self, scan: Scan, after: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Return the keys of the next rows of others."""
        statement = _SWEEP[f"next_{scan.table}"]
        return await self._database.read(
            lambda con: con.execute(statement, (*after, AT_ONCE)).fetchall()
        )

    async def drop_scanned(self, scan: Scan, keys: Sequence[tuple[Any, ...]]) -> None:
        """Delete these rows of others."""
        statement = _SWEEP[f"drop_{scan.table}"]
        await self._database.write(lambda con: con.executemany(statement, keys))

    async def drop_some(self, user: str) -> bool:
        """Delete some of the inbox of *user*; tell whether any is left."""

        def write(con: sqlite3.Connection) -> bool:
            number = _number(con, user)
            if number is None:
                return False
            at = (bucket(user), number)
            return con.execute(_SQL["drop_inbox"], (*at, *at, AT_ONCE)).rowcount == AT_ONCE

        return await self._database.write(write)

    async def drop_rest(self, user: str) -> bool:
        """Delete all other rows of *user*; False, and nothing, if they are in a conversation."""

        def write(con: sqlite3.Connection, streams: Streams) -> bool:
            number = _number(con, user)
            if number is not None:
                at = (bucket(user), number)
                if con.execute(_SQL["present"], at).fetchone() is not None:
                    return False
                # Also what came in meanwhile; it is little.
                con.execute(_SQL["drop_inbox"], (*at, *at, -1))
                for table in STREAM:
                    con.execute(_SQL[f"drop_{table}"], at)
                # A number that is remembered would be written to.
                streams.forget()
            for lookup, sealed, mac in con.execute(
                _SQL["login_tokens"], (bucket(user),)
            ).fetchall():
                if self._is_of(user, lookup, (sealed, mac)):
                    con.execute(_SQL["drop_login_token"], (bucket(user), lookup))
            for table in OWN:
                con.execute(_SQL[f"drop_{table}"], place(user))
            return True

        gone: bool = await self._database.write_in(self._lane, write)
        return gone

    def _is_of(self, user: str, lookup: bytes, row: tuple[bytes, bytes]) -> bool:
        """Tell whether a login token is that of *user*; one that was changed is nobody's."""
        try:
            token = self._rows.open("login_token", "", (lookup,), row, LoginToken)
        except RowMacError:
            return False
        return token.user == user

    async def leave_desk(self, user: str, keeping: Keeping) -> Left:
        """Forget some of what the review desk holds of *user*, and tell what it still does."""
        return await self._database.write(lambda con: leave_desk(con, self._desk, user, keeping))

    async def finish(self, user: str, now: int) -> None:
        """Note that the last row about *user* is gone, also from the logs of the files."""
        key = (now, *erased_key(self._keys, user))
        await self._database.write(lambda con: con.execute(_SQL["done"], key))
        for _ in range(_ATTEMPTS):
            if await self._database.checkpoint():
                break
            # A reader was in the way; reads are short.
            await asyncio.sleep(_PAUSE_SECONDS)


def erased_key(keys: Keys, user: str) -> tuple[int, bytes]:
    """Return the key of the row that stands for *user* once they are erased."""
    return bucket(user), keys.erased_name(user)


def erased(con: sqlite3.Connection, keys: Keys, user: str) -> Erased | None:
    """Return how far the erasure of *user* has come, None where nobody asked for it."""
    row = con.execute(_SQL["known"], erased_key(keys, user)).fetchone()
    return None if row is None else Erased(*row)


def check_not_erased(con: sqlite3.Connection, keys: Keys, user: str) -> None:
    """Refuse to write about somebody whose erasure was asked for (`ErasedError`)."""
    if erased(con, keys, user) is not None:
        raise ErasedError


def _number(con: sqlite3.Connection, user: str) -> int | None:
    row = con.execute(_SQL["number"], place(user)).fetchone()
    return None if row is None else row[0]
