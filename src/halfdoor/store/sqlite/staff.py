"""Accounts of staff in SQLite, as `accounts.staff_store` promises them."""

import sqlite3
from typing import Final, final

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.staff_errors import SpentError
from halfdoor.accounts.staff_records import PasskeyRecord, StaffRecord, StaffToken, TokenKind
from halfdoor.accounts.staff_store import StaffChange
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements
from halfdoor.store.staff_rows import STAFF_BUCKET, Prepared, StaffRows

_SQL: Final = statements("staff")


@final
class SqliteStaff:
    """A `StaffStore` on the people's side."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._rows = StaffRows(keys)

    async def commit(self, change: StaffChange) -> StaffRecord:
        """Write *change* whole; `SpentError`, `ConflictError`."""
        prepared = self._rows.prepare(change)
        await self._database.write(lambda con: self._write(con, prepared))
        return prepared.staff

    async def member(self, id: str) -> StaffRecord | None:
        """Return an account, None where there is none."""
        return await self._database.read(lambda con: self._member(con, id))

    async def members(self) -> list[StaffRecord]:
        """Return all accounts in order of their ids."""

        def read(con: sqlite3.Connection) -> list[StaffRecord]:
            rows = con.execute(_SQL["members"], (STAFF_BUCKET,))
            return [self._rows.member(name, (sealed, mac)) for name, sealed, mac in rows]

        return await self._database.read(read)

    async def passkey(self, lookup: bytes) -> PasskeyRecord | None:
        """Return a passkey, None where there is none."""

        def read(con: sqlite3.Connection) -> PasskeyRecord | None:
            row = con.execute(_SQL["passkey"], (STAFF_BUCKET, lookup)).fetchone()
            return None if row is None else self._rows.passkey(lookup, row)

        return await self._database.read(read)

    async def passkeys(self, staff: str) -> list[PasskeyRecord]:
        """Return the passkeys of a person."""

        def read(con: sqlite3.Connection) -> list[PasskeyRecord]:
            rows = con.execute(_SQL["passkeys"], (STAFF_BUCKET, staff))
            return [self._rows.passkey(lookup, (sealed, mac)) for lookup, sealed, mac in rows]

        return await self._database.read(read)

    async def token(self, kind: TokenKind, lookup: bytes) -> StaffToken | None:
        """Return a token, None where there is none."""
        return await self._database.read(lambda con: self._token(con, kind, lookup))

    async def tokens(self, kind: TokenKind) -> list[StaffToken]:
        """Return all tokens of a kind."""

        def read(con: sqlite3.Connection) -> list[StaffToken]:
            rows = con.execute(_SQL["tokens"], (STAFF_BUCKET, kind))
            return [self._rows.token(kind, lookup, (sealed, mac)) for lookup, sealed, mac in rows]

        return await self._database.read(read)

    async def touch(self, lookup: bytes, now: int) -> None:
        """Note that a session was used; nothing if it is gone."""

        def write(con: sqlite3.Connection) -> None:
            found = self._token(con, "session", lookup)
            if found is not None:
                con.execute(_SQL["touch_token"], self._rows.touched(found, now))

        await self._database.write(write)

    async def drop(self, kind: TokenKind, lookup: bytes) -> None:
        """Remove a token; nothing if it is gone."""
        key = (STAFF_BUCKET, kind, lookup)
        await self._database.write(lambda con: con.execute(_SQL["drop_token"], key))

    async def sweep(self, now: int) -> int:
        """Remove the tokens that expired before *now*; return how many there were."""
        return await self._database.write(
            lambda con: con.execute(_SQL["sweep_tokens"], (STAFF_BUCKET, now)).rowcount
        )

    def _write(self, con: sqlite3.Connection, prepared: Prepared) -> None:
        for key in prepared.takes:
            _check_was(con.execute(_SQL["drop_token"], key).rowcount)
        before = self._member(con, prepared.staff.id)
        if (0 if before is None else before.revision) != prepared.before:
            raise ConflictError("this account of staff moved on")
        for key in prepared.ends:
            con.execute(_SQL["end_tokens"], key)
        for row in prepared.adds:
            _check_was(con.execute(_SQL["add_token"], row).rowcount)
        con.execute(_SQL["put_member"], prepared.member)
        con.executemany(_SQL["drop_passkey"], prepared.removes)
        for row in prepared.passkeys:
            _check_was(con.execute(_SQL["put_passkey"], row).rowcount)

    def _member(self, con: sqlite3.Connection, id: str) -> StaffRecord | None:
        row = con.execute(_SQL["member"], (STAFF_BUCKET, id)).fetchone()
        return None if row is None else self._rows.member(id, row)

    def _token(self, con: sqlite3.Connection, kind: TokenKind, lookup: bytes) -> StaffToken | None:
        row = con.execute(_SQL["token"], (STAFF_BUCKET, kind, lookup)).fetchone()
        return None if row is None else self._rows.token(kind, lookup, row)


def _check_was(touched: int) -> None:
    if touched != 1:
        raise SpentError("somebody was first")
