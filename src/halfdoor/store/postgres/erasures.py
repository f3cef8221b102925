"""Erases people in PostgreSQL, as `store.erasing` promises it."""

from collections.abc import Iterable, Sequence
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
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.desk_erasures import leave_desk
from halfdoor.store.postgres.jobs import add_job
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("erasures")
_SWEEP: Final = statements("erasures_maintenance")
_ALL: Final = 2**31 - 1


@final
class PostgresErasures:
    """An `ErasureStore`. What is deleted leaves the server's files as it cleans them (vacuum)."""

    def __init__(self, database: Database, keys: Keys, desk: DeskRows) -> None:
        self._database = database
        self._desk = desk
        self._keys = keys
        self._rows = AccountRows(keys)

    def name(self, user: str) -> str:
        """Return what stands for *user* where their id must not stand."""
        return self._keys.erased_name(user).hex()

    async def ask(self, user: str, job: Job) -> None:
        """Let nobody take the name of *user* from here on, and keep *job*, in one transaction."""
        ub, name = erased_key(self._keys, user)

        async def write(con: Connection) -> None:
            await con.execute(_SQL["ask"], ub, name, job.run_at)
            await add_job(con, self._keys, job)

        await self._database.write(write)

    async def state(self, user: str) -> Erased | None:
        """Return how far the erasure of *user* has come, None where nobody asked for it."""

        async def read(con: Connection) -> Any:
            return await con.fetchrow(_SQL["known"], *erased_key(self._keys, user))

        row = await self._database.read(read)
        return None if row is None else Erased(*row)

    async def rooms(self, user: str, after: int, limit: int) -> Sequence[Room]:
        """Return conversations of the room list with a number above *after*, forgotten ones too."""

        async def read(con: Connection) -> list[Room]:
            number = await con.fetchval(_SQL["number"], *place(user))
            if number is None:
                return []
            rows = await con.fetch(_SQL["conversations"], bucket(user), number, after, limit)
            return [Room(*row) for row in rows]

        return await self._database.moment(read)

    async def peers(self, user: str, limit: int) -> Sequence[str]:
        """Return some of those *user* is connected with, whatever else their rows say."""

        async def read(con: Connection) -> list[str]:
            return [row[0] for row in await con.fetch(_SQL["peers"], *place(user), limit)]

        return await self._database.read(read)

    async def forget_in(self, user: str, conv: str) -> bool:
        """Delete wraps and receipts of *user* in *conv*; False, and nothing, if that is held."""
        cb = bucket(conv)

        async def write(con: Connection) -> bool:
            c = await con.fetchval(_SQL["conversation"], cb, conv)
            if c is None:
                return True
            if await con.fetchval(_SQL["held"], cb, c) is not None:
                return False
            m = await con.fetchval(_SQL["member"], cb, c, user)
            if m is not None:
                await con.execute(_SQL["drop_wraps"], cb, c, m)
                await con.execute(_SQL["drop_receipts"], cb, c, m)
            return True

        return await self._database.write(write, Side.CONVERSATIONS)

    async def unname_in(self, user: str, conv: str) -> None:
        """Take the name of *user* out of what the others in *conv* were told of device lists."""
        cb = bucket(conv)

        async def read(con: Connection) -> list[str]:
            c = await con.fetchval(_SQL["conversation"], cb, conv)
            rows = [] if c is None else await con.fetch(_SQL["members"], cb, c, user)
            return sorted(row[0] for row in rows)

        async def write(con: Connection) -> None:
            for peer in peers:
                number = await con.fetchval(_SQL["number"], *place(peer))
                if number is not None:
                    values = (peer, bucket(peer), number, DEVICE_LIST, user)
                    await con.execute(_SQL["unname"], *values)

        peers = await self._database.moment(read, Side.CONVERSATIONS)
        await self._database.write(write)

    async def scan(self, scan: Scan, after: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Return the keys of the next rows of others."""

        async def read(con: Connection) -> list[tuple[Any, ...]]:
            rows = await con.fetch(_SWEEP[f"next_{scan.table}"], *after, AT_ONCE)
            return [tuple(row) for row in rows]

        return await self._database.read(read)

    async def drop_scanned(self, scan: Scan, keys: Sequence[tuple[Any, ...]]) -> None:
        """Delete these rows of others."""

        async def write(con: Connection) -> None:
            await con.executemany(_SWEEP[f"drop_{scan.table}"], keys)

        await self._database.write(write)

    async def drop_some(self, user: str) -> bool:
        """Delete some of the inbox of *user*; tell whether any is left."""

        async def write(con: Connection) -> bool:
            number = await con.fetchval(_SQL["number"], *place(user))
            if number is None:
                return False
            done = await con.execute(_SQL["drop_inbox"], bucket(user), number, AT_ONCE)
            return str(done).endswith(f" {AT_ONCE}")

        return await self._database.write(write)

    async def drop_rest(self, user: str) -> bool:
        """Delete all other rows of *user*; False, and nothing, if they are in a conversation."""

        async def write(con: Connection) -> bool:
            number = await con.fetchval(_SQL["number"], *place(user))
            if number is not None:
                at = (bucket(user), number)
                if await con.fetchval(_SQL["present"], *at) is not None:
                    return False
                # Also what came in meanwhile; it is little.
                await con.execute(_SQL["drop_inbox"], *at, _ALL)
                for table in STREAM:
                    await con.execute(_SQL[f"drop_{table}"], *at)
            for lookup, sealed, mac in await con.fetch(_SQL["login_tokens"], bucket(user)):
                if self._is_of(user, lookup, (sealed, mac)):
                    await con.execute(_SQL["drop_login_token"], bucket(user), lookup)
            for table in OWN:
                await con.execute(_SQL[f"drop_{table}"], *place(user))
            return True

        return await self._keys.with_newest(self._database, lambda: self._database.write(write))

    def _is_of(self, user: str, lookup: bytes, row: tuple[bytes, bytes]) -> bool:
        """Tell whether a login token is that of *user*; one that was changed is nobody's."""
        try:
            token = self._rows.open("login_token", "", (lookup,), row, LoginToken)
        except RowMacError:
            return False
        return token.user == user

    async def leave_desk(self, user: str, keeping: Keeping) -> Left:
        """Forget some of what the review desk holds of *user*, and tell what it still does."""

        async def write(con: Connection) -> Left:
            return await leave_desk(con, self._desk, user, keeping)

        return await self._keys.with_newest(self._database, lambda: self._database.write(write))

    async def finish(self, user: str, now: int) -> None:
        """Note that the last row about *user* is gone."""
        key = erased_key(self._keys, user)

        async def write(con: Connection) -> None:
            await con.execute(_SQL["done"], now, *key)

        await self._database.write(write)


def erased_key(keys: Keys, user: str) -> tuple[int, bytes]:
    """Return the key of the row that stands for *user* once they are erased."""
    return bucket(user), keys.erased_name(user)


async def erased_among(con: Connection, keys: Keys, users: Iterable[str]) -> set[str]:
    """Return those of *users* whose erasure was asked for."""
    found = set()
    for user in users:
        if await con.fetchrow(_SQL["known"], *erased_key(keys, user)) is not None:
            found.add(user)
    return found


async def check_not_erased(con: Connection, keys: Keys, users: Iterable[str]) -> None:
    """Refuse to write about anybody whose erasure was asked for (`ErasedError`)."""
    if await erased_among(con, keys, users):
        raise ErasedError
