"""Accounts and people in PostgreSQL: `AccountStore` of the accounts room."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar, final

import msgspec
from msgspec.structs import replace

from halfdoor.accounts.person_facts import laid_over
from halfdoor.accounts.records import (
    AccountRecord,
    Block,
    Connection,
    DeviceRecord,
    LoginToken,
    PersonRecord,
    SessionRecord,
)
from halfdoor.accounts.store import AccountState, Change, Seen
from halfdoor.ids import bucket
from halfdoor.store.accounts_changes import prepare
from halfdoor.store.accounts_rows import KINDS, AccountRows, ProfileRow, by_bucket, place
from halfdoor.store.postgres.accounts_changes import write_change
from halfdoor.store.postgres.connect import Connection as Con
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.erasures import check_not_erased, erased_among
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import change_people

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")

_SQL: Final = statements("accounts")
_SWEEP: Final = statements("accounts_maintenance")
# Kinds of which an account has one row at most, whose key is the user alone.
_SINGLE: Final = {"account", "login", "start_over"}
_DAY_MS: Final = 86_400_000


@final
class PostgresAccounts:
    """Keeps accounts, sessions, people, connections and blocks on the people's side.

    Errors beyond its interface's are those of `Database`.
    """

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        self._rows = AccountRows(keys)

    # --- accounts -------------------------------------------------------------------------------

    async def state(self, user: str) -> AccountState | None:
        """Return all rows of an account, or None if there is no such account."""

        async def ask() -> AccountState | None:
            found = self._state(await self._fetch("state", *place(user)))
            return None if found is None else found[1]

        return await self._newest(ask)

    async def find_token(self, ub: int, lookup: bytes) -> tuple[str, AccountState] | None:
        """Return the user whom a token belongs to, with all rows; *ub* is the token's bucket."""

        async def ask() -> tuple[str, AccountState] | None:
            return self._state(await self._fetch("state_of_token", ub, lookup))

        return await self._newest(ask)

    async def commit(self, change: Change) -> AccountRecord:
        """Apply *change* in one transaction; `ConflictError` if the account moved on."""
        prepared = prepare(self._rows, change)

        async def write(con: Con) -> AccountRecord:
            if change.expects is None:
                await check_not_erased(con, self._keys, [change.account.user])
            return await write_change(con, prepared)

        return await self._database.write(write)

    async def seen(self, user: str, seen: Seen) -> None:
        """Note that a session was used; nothing if it is gone."""

        async def write(con: Con) -> None:
            at = place(user)
            row = await con.fetchrow(_SQL["one_session"], *at, seen.session)
            if row is None:
                return
            session = self._rows.open("session", user, (user, seen.session), row, SessionRecord)
            session = replace(session, last_used=max(session.last_used, seen.now))
            await self._put(con, "session", user, session.id, session)
            row = await con.fetchrow(_SQL["one_device"], *at, seen.device)
            if row is None:
                return
            device = self._rows.open("device", user, (user, seen.device), row, DeviceRecord)
            device = replace(device, last_seen=seen.now, last_ip=seen.ip)
            await self._put(con, "device", user, device.id, device)

        await self._newest(lambda: self._database.write(write))

    async def lapsed(self, now: int, limit: int) -> list[str]:
        """Return users with an expired slot or a former key whose reading time is over."""

        async def read(con: Con) -> list[str]:
            expired = await con.fetch(_SWEEP["expired"], now, limit)
            closed = await con.fetch(_SWEEP["closed"], now, limit)
            return sorted({row[0] for row in (*expired, *closed)})[:limit]

        return await self._database.read(read)

    async def user_ids(self, after: str, limit: int) -> list[str]:
        """Return at most *limit* ids after *after*: of accounts, and of the platform's people."""

        async def read(con: Con) -> list[str]:
            return [row[0] for row in await con.fetch(_SWEEP["everyone"], after, limit)]

        return await self._database.read(read)

    async def put_login_token(self, token: LoginToken) -> None:
        """Keep a login token; those of the same bucket that expired go."""
        ub = bucket(token.user)
        row = self._rows.seal("login_token", "", (token.lookup,), token)

        async def write(con: Con) -> None:
            await con.execute(_SQL["old_login_tokens"], ub, token.expires - _DAY_MS)
            values = (ub, token.lookup, token.expires, row.sealed, row.mac)
            await con.execute(_SQL["put_login_token"], *values)

        await self._database.write(write)

    async def take_login_token(self, ub: int, lookup: bytes) -> LoginToken | None:
        """Return a login token and delete it, in one statement: it can be taken once."""

        async def write(con: Con) -> Any:
            return await con.fetchrow(_SQL["take_login_token"], ub, lookup)

        row = await self._database.write(write)
        if row is None:
            return None

        async def ask() -> LoginToken:
            return self._rows.open("login_token", "", (lookup,), tuple(row), LoginToken)

        return await self._newest(ask)

    # --- people ---------------------------------------------------------------------------------

    async def public_keys(self, users: Sequence[str]) -> dict[str, bytes | None]:
        """Return the public key of each user; None for a person without one."""
        accounts = await self._each("account", users, AccountRecord)
        return {user: accounts[user].public if user in accounts else None for user in users}

    async def exists(self, user: str) -> bool:
        """Tell whether there is an account or a person of this name."""
        (row,) = await self._fetch("known", *place(user))
        return bool(row[0]) and not await self.erased(user)

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of a person of this name was asked for."""
        return bool(await self._database.read(lambda con: erased_among(con, self._keys, [user])))

    async def persons(self, users: Sequence[str]) -> dict[str, PersonRecord]:
        """Return what is known of these people; those nobody ever named are left out."""
        return await self._each("person", users, PersonRecord)

    async def put_persons(self, persons: Sequence[PersonRecord]) -> None:
        """Write people, one transaction for each bucket."""
        rows = [
            (*place(one.user), *_both(self._rows.seal("person", one.user, (one.user,), one)))
            for one in persons
        ]
        for part in by_bucket(rows).values():
            people = {row[1] for row in part}
            await self._execute("put_person", part, people, refused=people)

    async def change_persons(self, facts: Mapping[str, Mapping[str, object]]) -> None:
        """Change the named facts of each person and no others, one transaction for each bucket."""
        for part in by_bucket(place(user) for user in facts).values():
            users = [user for _, user in part]

            async def write(con: Con, users: list[str] = users) -> None:
                await check_not_erased(con, self._keys, users)
                for user in users:
                    await self._change_person(con, user, facts[user])
                await change_people(con, users)

            await self._newest(partial(self._database.write, write))

    async def connections(self, user: str) -> dict[str, Connection]:
        """Return the connections of *user* by peer."""
        return await self._many("connection", user, Connection)

    async def put_connections(self, connections: Sequence[Connection]) -> None:
        """Connect people, on both sides, in one transaction; who was erased, with nobody."""
        rows = [
            (*place(me), peer, *_both(self._rows.seal("connection", me, (me, peer), one)))
            for one in connections
            for me, peer in ((one.a, one.b), (one.b, one.a))
        ]
        gone: set[str] = await self._database.read(
            lambda con: erased_among(con, self._keys, {row[1] for row in rows})
        )
        kept = [row for row in rows if not gone & {row[1], row[2]}]
        await self._execute("put_connection", kept, {row[1] for row in kept})

    async def drop_connection(self, a: str, b: str) -> None:
        """Disconnect two people, on both sides, in one transaction."""
        await self._execute("drop_connection", [(*place(a), b), (*place(b), a)], {a, b})

    async def blocks(self, user: str) -> dict[str, Block]:
        """Return whom *user* blocks, by peer."""
        return await self._many("block", user, Block)

    async def put_block(self, block: Block) -> None:
        """Keep a block."""
        row = self._rows.seal("block", block.user, (block.user, block.peer), block)
        rows = [(*place(block.user), block.peer, *_both(row))]
        await self._execute("put_block", rows, {block.user})

    async def drop_block(self, user: str, peer: str) -> None:
        """Lift a block."""
        await self._execute("drop_block", [(*place(user), peer)], {user})

    async def profile(self, user: str) -> dict[str, object] | None:
        """Return the profile fields of *user*; None where there is no account or person."""
        found = (await self._each("profile", [user], ProfileRow)).get(user)
        if found is None:
            return {} if await self.exists(user) else None
        return msgspec.json.decode(found.fields, type=dict[str, Any])

    async def set_profile(self, user: str, fields: Mapping[str, object]) -> None:
        """Replace the profile fields of *user*."""
        text = msgspec.json.encode(dict(fields)).decode()
        row = self._rows.seal("profile", user, (user,), ProfileRow(text))
        await self._execute("put_profile", [(*place(user), *_both(row))])

    # --- inside ---------------------------------------------------------------------------------

    def _state(self, rows: Iterable[Any]) -> tuple[str, AccountState] | None:
        """Return the account of *rows*, each of which says of what kind it is."""
        found: dict[str, list[Any]] = defaultdict(list)
        user = ""
        for kind, user, name, lookup, sealed, mac in rows:
            key: tuple[str | bytes, ...] = (user,)
            if kind not in _SINGLE:
                key = (user, name if lookup is None else lookup)
            row = self._rows.open(kind, user, key, (sealed, mac), KINDS[kind])
            found[kind].append((key[-1], row))
        if "account" not in found:
            return None

        def one(kind: str) -> Any:
            return found[kind][0][1] if found[kind] else None

        def many(kind: str) -> tuple[Any, ...]:
            return tuple(row for _, row in sorted(found[kind], key=lambda pair: pair[0]))

        return user, AccountState(
            account=one("account"),
            login=one("login"),
            slots=many("slot"),
            sessions=many("session"),
            devices=many("device"),
            tokens=many("token"),
            pending=many("pending"),
            former=many("former_key"),
            start_over=one("start_over"),
        )

    async def _change_person(self, con: Con, user: str, changed: Mapping[str, object]) -> None:
        """Change facts of one person under the lock of their row, which is there by then."""
        at = place(user)
        fresh = PersonRecord(user=user)
        begun = self._rows.seal("person", user, (user,), fresh)
        await con.execute(_SQL["begin_person"], *at, begun.sealed, begun.mac)
        row = await con.fetchrow(_SQL["lock_person"], *at)
        before = self._rows.open("person", user, (user,), tuple(row), PersonRecord)
        after = self._rows.seal("person", user, (user,), laid_over(before, changed))
        await con.execute(_SQL["put_person"], *at, after.sealed, after.mac)

    async def _fetch(self, name: str, *values: Any) -> list[Any]:
        async def read(con: Con) -> list[Any]:
            rows: list[Any] = await con.fetch(_SQL[name], *values)
            return rows

        return await self._database.read(read)

    async def _each(self, table: str, users: Sequence[str], kind: type[R]) -> dict[str, R]:
        """Return the one row of each of *users*, where there is one."""

        async def read(con: Con) -> list[Any]:
            rows: list[Any] = await con.fetchmany(_SQL[table], [place(user) for user in users])
            return rows

        async def ask() -> dict[str, R]:
            return {
                user: self._rows.open(table, user, (user,), (sealed, mac), kind)
                for user, sealed, mac in (await self._database.read(read) if users else [])
            }

        return await self._newest(ask)

    async def _many(self, table: str, user: str, kind: type[R]) -> dict[str, R]:
        async def ask() -> dict[str, R]:
            return {
                name: self._rows.open(table, user, (user, name), (sealed, mac), kind)
                for name, sealed, mac in await self._fetch(table, *place(user))
            }

        return await self._newest(ask)

    async def _newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; another process may have renewed the account key meanwhile."""
        return await self._keys.with_newest(self._database, ask)

    async def _execute(
        self,
        name: str,
        rows: Sequence[tuple[Any, ...]],
        changed: Iterable[str] = (),
        refused: Iterable[str] = (),
    ) -> None:
        """Run one statement for each of *rows* in one transaction, in the order of their keys.

        Other processes are to hear that something about *changed* is another now. `ErasedError` if
        one of *refused* was erased.
        """

        async def write(con: Con) -> None:
            await check_not_erased(con, self._keys, refused)
            await con.executemany(_SQL[name], sorted(rows, key=lambda row: row[:3]))
            await change_people(con, changed)

        if rows:
            await self._database.write(write)

    async def _put(
        self, con: Con, table: str, user: str, name: str, record: msgspec.Struct
    ) -> None:
        row = self._rows.seal(table, user, (user, name), record)
        await con.execute(_SQL[f"put_{table}"], *place(user), name, row.sealed, row.mac)


def _both(row: Any) -> tuple[bytes, bytes]:
    return row.sealed, row.mac
