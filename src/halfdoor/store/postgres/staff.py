"""Accounts of staff in PostgreSQL, as `accounts.staff_store` promises them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, final

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.staff_errors import SpentError
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken, TokenKind
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements
from halfdoor.store.staff_rows import STAFF_BUCKET, Prepared, StaffRows

T = TypeVar("T")

_SQL: Final = statements("staff")


@final
class PostgresStaff:
    """A `StaffStore` on the people's side; its errors beyond those are those of `Database`."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._rows = StaffRows(keys)

    async def commit(self, change: StaffChange) -> StaffRecord:
        """Write *change* whole; `SpentError`, `ConflictError`."""

        async def ask() -> StaffRecord:
            prepared = self._rows.prepare(change)
            await self._database.write(lambda con: self._write(con, prepared))
            return prepared.staff

        return await self._newest(ask)

    async def member(self, id: str) -> StaffRecord | None:
        """Return an account, None where there is none."""

        async def ask() -> StaffRecord | None:
            rows = await self._fetch("member", STAFF_BUCKET, id)
            return self._rows.member(id, tuple(rows[0])) if rows else None

        return await self._newest(ask)

    async def members(self) -> list[StaffRecord]:
        """Return all accounts in order of their ids."""

        async def ask() -> list[StaffRecord]:
            rows = await self._fetch("members", STAFF_BUCKET)
            return [self._rows.member(name, (sealed, mac)) for name, sealed, mac in rows]

        return await self._newest(ask)

    async def passkey(self, lookup: bytes) -> PasskeyRecord | None:
        """Return a passkey, None where there is none."""

        async def ask() -> PasskeyRecord | None:
            rows = await self._fetch("passkey", STAFF_BUCKET, lookup)
            return self._rows.passkey(lookup, tuple(rows[0])) if rows else None

        return await self._newest(ask)

    async def passkeys(self, staff: str) -> list[PasskeyRecord]:
        """Return the passkeys of a person."""

        async def ask() -> list[PasskeyRecord]:
            rows = await self._fetch("passkeys", STAFF_BUCKET, staff)
            return [self._rows.passkey(lookup, (sealed, mac)) for lookup, sealed, mac in rows]

        return await self._newest(ask)

    async def token(self, kind: TokenKind, lookup: bytes) -> StaffToken | None:
        """Return a token, None where there is none."""

        async def ask() -> StaffToken | None:
            rows = await self._fetch("token", STAFF_BUCKET, kind, lookup)
            return self._rows.token(kind, lookup, tuple(rows[0])) if rows else None

        return await self._newest(ask)

    async def tokens(self, kind: TokenKind) -> list[StaffToken]:
        """Return all tokens of a kind."""

        async def ask() -> list[StaffToken]:
            rows = await self._fetch("tokens", STAFF_BUCKET, kind)
            return [self._rows.token(kind, lookup, (sealed, mac)) for lookup, sealed, mac in rows]

        return await self._newest(ask)

    async def touch(self, lookup: bytes, now: int) -> None:
        """Note that a session was used; nothing if it is gone."""

        async def write(con: Connection) -> None:
            row = await con.fetchrow(_SQL["locked_token"], STAFF_BUCKET, "session", lookup)
            if row is not None:
                found = self._rows.token("session", lookup, tuple(row))
                await con.execute(_SQL["touch_token"], *self._rows.touched(found, now))

        await self._newest(lambda: self._database.write(write))

    async def drop(self, kind: TokenKind, lookup: bytes) -> None:
        """Remove a token; nothing if it is gone."""

        async def write(con: Connection) -> None:
            await con.execute(_SQL["drop_token"], STAFF_BUCKET, kind, lookup)

        await self._database.write(write)

    async def sweep(self, now: int) -> int:
        """Remove the tokens that expired before *now*; return how many there were."""

        async def write(con: Connection) -> str:
            done: str = await con.execute(_SQL["sweep_tokens"], STAFF_BUCKET, now)
            return done

        return int((await self._database.write(write)).rpartition(" ")[2])

    async def _write(self, con: Connection, prepared: Prepared) -> None:
        for key in prepared.takes:
            _check_was(await con.execute(_SQL["drop_token"], *key))
        if prepared.before == 0:
            done = await con.execute(_SQL["begin_member"], *prepared.member)
            if not done.endswith(" 1"):
                raise ConflictError("this account of staff moved on")
        else:
            row = await con.fetchrow(_SQL["locked"], *prepared.member[:2])
            before = self._rows.member(prepared.staff.id, tuple(row)) if row is not None else None
            if before is None or before.revision != prepared.before:
                raise ConflictError("this account of staff moved on")
            await con.execute(_SQL["put_member"], *prepared.member)
        for key in prepared.ends:
            await con.execute(_SQL["end_tokens"], *key)
        for row in prepared.adds:
            _check_was(await con.execute(_SQL["add_token"], *row))
        for key in prepared.removes:
            await con.execute(_SQL["drop_passkey"], *key)
        for row in prepared.passkeys:
            _check_was(await con.execute(_SQL["put_passkey"], *row))

    async def _fetch(self, name: str, *values: Any) -> list[Any]:
        async def read(con: Connection) -> list[Any]:
            rows: list[Any] = await con.fetch(_SQL[name], *values)
            return rows

        return await self._database.read(read)

    async def _newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; another process may have renewed the account key meanwhile."""
        return await self._keys.with_newest(self._database, ask)


def _check_was(done: str) -> None:
    if not done.endswith(" 1"):
        raise SpentError("somebody was first")
