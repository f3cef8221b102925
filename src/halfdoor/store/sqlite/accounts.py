"""Accounts and people in SQLite: `AccountStore` of the accounts room."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.person_facts import laid_over
from halfdoor.accounts.records import (
    AccountRecord,
    Block,
    Connection,
    DeviceRecord,
    FormerKey,
    LoginRecord,
    LoginToken,
    PendingRecord,
    PersonRecord,
    SessionRecord,
    SlotRecord,
    StartOverRecord,
    TokenRecord,
)
from halfdoor.accounts.store import AccountState, Change, Seen
from halfdoor.ids import bucket
from halfdoor.store.accounts_changes import prepare
from halfdoor.store.accounts_rows import AccountRows, ProfileRow, place
from halfdoor.store.sqlite.accounts_changes import write_change
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.erasures import check_not_erased, erased
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

R = TypeVar("R", bound=msgspec.Struct)

_SQL: Final = statements("accounts")
_SWEEP: Final = statements("accounts_maintenance")


@final
class SqliteAccounts:
    """Keeps accounts, sessions, people, connections and blocks on the people's side."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._rows = AccountRows(keys)

    # --- accounts -------------------------------------------------------------------------------

    async def state(self, user: str) -> AccountState | None:
        """Return all rows of an account, or None if there is no such account."""
        return await self._database.read(lambda con: self._state(con, user))

    async def find_token(self, ub: int, lookup: bytes) -> tuple[str, AccountState] | None:
        """Return the user whom a token belongs to, with all rows; *ub* is the token's bucket."""

        def read(con: sqlite3.Connection) -> tuple[str, AccountState] | None:
            row = con.execute(_SQL["owner"], (ub, lookup)).fetchone()
            state = self._state(con, row[0]) if row is not None else None
            return (row[0], state) if state is not None else None

        return await self._database.read(read)

    async def commit(self, change: Change) -> AccountRecord:
        """Apply *change* in one transaction; `ConflictError` if the account moved on."""
        prepared = prepare(self._rows, change)

        def write(con: sqlite3.Connection) -> AccountRecord:
            if change.expects is None:
                check_not_erased(con, self._keys, change.account.user)
            return write_change(con, prepared)

        return await self._database.write(write)

    async def seen(self, user: str, seen: Seen) -> None:
        """Note that a session was used; nothing if it is gone."""

        def write(con: sqlite3.Connection) -> None:
            at = place(user)
            row = con.execute(_SQL["one_session"], (*at, seen.session)).fetchone()
            if row is None:
                return
            session = self._rows.open("session", user, (user, seen.session), row, SessionRecord)
            session = replace(session, last_used=max(session.last_used, seen.now))
            self._put(con, "session", user, session.id, session)
            row = con.execute(_SQL["one_device"], (*at, seen.device)).fetchone()
            if row is None:
                return
            device = self._rows.open("device", user, (user, seen.device), row, DeviceRecord)
            device = replace(device, last_seen=seen.now, last_ip=seen.ip)
            self._put(con, "device", user, device.id, device)

        await self._database.write(write)

    async def lapsed(self, now: int, limit: int) -> list[str]:
        """Return users with an expired slot or a former key whose reading time is over."""

        def read(con: sqlite3.Connection) -> list[str]:
            found = [row[0] for row in con.execute(_SWEEP["expired"], (now, limit))]
            found += [row[0] for row in con.execute(_SWEEP["closed"], (now, limit))]
            return sorted(set(found))[:limit]

        return await self._database.read(read)

    async def user_ids(self, after: str, limit: int) -> list[str]:
        """Return at most *limit* ids after *after*: of accounts, and of the platform's people."""

        def read(con: sqlite3.Connection) -> list[str]:
            return [row[0] for row in con.execute(_SWEEP["everyone"], (after, after, limit))]

        return await self._database.read(read)

    async def put_login_token(self, token: LoginToken) -> None:
        """Keep a login token; those of the same bucket that expired go."""
        user = token.user
        row = self._rows.seal("login_token", "", (token.lookup,), token)

        def write(con: sqlite3.Connection) -> None:
            ub = bucket(user)
            con.execute(_SQL["old_login_tokens"], (ub, token.expires - 86_400_000))
            values = (ub, token.lookup, token.expires, row.sealed, row.mac)
            con.execute(_SQL["put_login_token"], values)

        await self._database.write(write)

    async def take_login_token(self, ub: int, lookup: bytes) -> LoginToken | None:
        """Return a login token and delete it, in one transaction: it can be taken once."""

        def write(con: sqlite3.Connection) -> tuple[bytes, bytes] | None:
            found: tuple[bytes, bytes] | None = con.execute(
                _SQL["login_token"], (ub, lookup)
            ).fetchone()
            con.execute(_SQL["drop_login_token"], (ub, lookup))
            return found

        row = await self._database.write(write)
        if row is None:
            return None
        return self._rows.open("login_token", "", (lookup,), row, LoginToken)

    # --- people ---------------------------------------------------------------------------------

    async def public_keys(self, users: Sequence[str]) -> dict[str, bytes | None]:
        """Return the public key of each user; None for a person without one."""

        def read(con: sqlite3.Connection) -> dict[str, bytes | None]:
            found: dict[str, bytes | None] = {}
            for user in users:
                account = self._one(con, "account", user, AccountRecord)
                found[user] = account.public if account is not None else None
            return found

        return await self._database.read(read)

    async def exists(self, user: str) -> bool:
        """Tell whether there is an account or a person of this name."""
        return await self._database.read(
            lambda con: _exists(con, user) and erased(con, self._keys, user) is None
        )

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of a person of this name was asked for."""
        return await self._database.read(lambda con: erased(con, self._keys, user) is not None)

    async def persons(self, users: Sequence[str]) -> dict[str, PersonRecord]:
        """Return what is known of these people; those nobody ever named are left out."""

        def read(con: sqlite3.Connection) -> dict[str, PersonRecord]:
            found = {user: self._one(con, "person", user, PersonRecord) for user in users}
            return {user: one for user, one in found.items() if one is not None}

        return await self._database.read(read)

    async def put_persons(self, persons: Sequence[PersonRecord]) -> None:
        """Write people."""
        rows = [
            (*place(one.user), *_both(self._rows.seal("person", one.user, (one.user,), one)))
            for one in persons
        ]

        def write(con: sqlite3.Connection) -> None:
            for one in persons:
                check_not_erased(con, self._keys, one.user)
            con.executemany(_SQL["put_person"], rows)

        await self._database.write(write)

    async def change_persons(self, facts: Mapping[str, Mapping[str, object]]) -> None:
        """Change the named facts of each person and no others, in one transaction."""

        def write(con: sqlite3.Connection) -> None:
            for user, changed in facts.items():
                check_not_erased(con, self._keys, user)
                before = self._one(con, "person", user, PersonRecord) or PersonRecord(user=user)
                after = laid_over(before, changed)
                row = self._rows.seal("person", user, (user,), after)
                con.execute(_SQL["put_person"], (*place(user), *_both(row)))

        await self._database.write(write)

    async def connections(self, user: str) -> dict[str, Connection]:
        """Return the connections of *user* by peer."""
        return await self._database.read(
            lambda con: self._many(con, "connection", user, Connection)
        )

    async def put_connections(self, connections: Sequence[Connection]) -> None:
        """Connect people, on both sides; who was erased is connected with nobody."""
        rows = [
            (*place(me), peer, *_both(self._rows.seal("connection", me, (me, peer), one)))
            for one in connections
            for me, peer in ((one.a, one.b), (one.b, one.a))
        ]

        def write(con: sqlite3.Connection) -> None:
            gone = {one for row in rows for one in row[1:3] if erased(con, self._keys, one)}
            kept = [row for row in rows if not gone & {row[1], row[2]}]
            con.executemany(_SQL["put_connection"], kept)

        await self._database.write(write)

    async def drop_connection(self, a: str, b: str) -> None:
        """Disconnect two people, on both sides."""
        keys = [(*place(a), b), (*place(b), a)]
        await self._database.write(lambda con: con.executemany(_SQL["drop_connection"], keys))

    async def blocks(self, user: str) -> dict[str, Block]:
        """Return whom *user* blocks, by peer."""
        return await self._database.read(lambda con: self._many(con, "block", user, Block))

    async def put_block(self, block: Block) -> None:
        """Keep a block."""
        await self._database.write(
            lambda con: self._put(con, "block", block.user, block.peer, block)
        )

    async def drop_block(self, user: str, peer: str) -> None:
        """Lift a block."""
        key = (*place(user), peer)
        await self._database.write(lambda con: con.execute(_SQL["drop_block"], key))

    async def profile(self, user: str) -> dict[str, object] | None:
        """Return the profile fields of *user*; None where there is no account or person."""

        def read(con: sqlite3.Connection) -> ProfileRow | None:
            found = self._one(con, "profile", user, ProfileRow)
            return found or (ProfileRow("{}") if _exists(con, user) else None)

        found = await self._database.read(read)
        return msgspec.json.decode(found.fields, type=dict[str, Any]) if found else None

    async def set_profile(self, user: str, fields: Mapping[str, object]) -> None:
        """Replace the profile fields of *user*."""
        text = msgspec.json.encode(dict(fields)).decode()
        row = self._rows.seal("profile", user, (user,), ProfileRow(text))
        values = (*place(user), row.sealed, row.mac)
        await self._database.write(lambda con: con.execute(_SQL["put_profile"], values))

    # --- inside ---------------------------------------------------------------------------------

    def _state(self, con: sqlite3.Connection, user: str) -> AccountState | None:
        account = self._one(con, "account", user, AccountRecord)
        if account is None:
            return None
        tokens = [
            self._rows.open("token", user, (user, lookup), (sealed, mac), TokenRecord)
            for lookup, sealed, mac in con.execute(_SQL["token"], place(user))
        ]
        return AccountState(
            account=account,
            login=self._one(con, "login", user, LoginRecord),
            slots=tuple(self._many(con, "slot", user, SlotRecord).values()),
            sessions=tuple(self._many(con, "session", user, SessionRecord).values()),
            devices=tuple(self._many(con, "device", user, DeviceRecord).values()),
            tokens=tuple(tokens),
            pending=tuple(self._many(con, "pending", user, PendingRecord).values()),
            former=tuple(self._many(con, "former_key", user, FormerKey).values()),
            start_over=self._one(con, "start_over", user, StartOverRecord),
        )

    def _one(self, con: sqlite3.Connection, table: str, user: str, kind: type[R]) -> R | None:
        row = con.execute(_SQL[table], place(user)).fetchone()
        return self._rows.open(table, user, (user,), row, kind) if row is not None else None

    def _many(self, con: sqlite3.Connection, table: str, user: str, kind: type[R]) -> dict[str, R]:
        return {
            name: self._rows.open(table, user, (user, name), (sealed, mac), kind)
            for name, sealed, mac in con.execute(_SQL[table], place(user))
        }

    def _put(
        self, con: sqlite3.Connection, table: str, user: str, name: str, record: msgspec.Struct
    ) -> None:
        row = self._rows.seal(table, user, (user, name), record)
        con.execute(_SQL[f"put_{table}"], (*place(user), name, row.sealed, row.mac))


def _both(row: Any) -> tuple[bytes, bytes]:
    return row.sealed, row.mac


def _exists(con: sqlite3.Connection, user: str) -> bool:
    return any(con.execute(_SQL[table], place(user)).fetchone() for table in ("account", "person"))
