"""What the accounts room needs of a store. Everything is durable before it returns.

Every method touches the rows of one user (one bucket) in one transaction. Rows that decide who may
read or act are checked by their mac as they are read: `sealing.outer.RowMacError` says that one was
changed by somebody without the outer key, and refuses whatever was asked.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

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


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of one account, read together."""

    account: AccountRecord
    login: LoginRecord | None = None
    slots: tuple[SlotRecord, ...] = ()
    sessions: tuple[SessionRecord, ...] = ()
    devices: tuple[DeviceRecord, ...] = ()
    tokens: tuple[TokenRecord, ...] = ()
    pending: tuple[PendingRecord, ...] = ()
    former: tuple[FormerKey, ...] = ()
    start_over: StartOverRecord | None = None

    def session(self, id: str) -> SessionRecord | None:
        """Return the session *id*."""
        return next((one for one in self.sessions if one.id == id), None)

    def slot(self, name: str, kid: bytes | None) -> SlotRecord | None:
        """Return the slot *name* of the user key *kid*."""
        return next((one for one in self.slots if one.name == name and one.kid == kid), None)

    def waiting(self, session: str) -> PendingRecord | None:
        """Return the pending row of *session*."""
        return next((one for one in self.pending if one.session == session), None)

    def device(self, id: str) -> DeviceRecord | None:
        """Return the device *id*."""
        return next((one for one in self.devices if one.id == id), None)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one request changes about one account: all of it, or nothing.

    `expects` is the account's revision as the request saw it; None makes the account. `put_` rows
    take the place of rows with the same key (slots: name and kid; tokens: lookup; former keys:
    kid; others: id or session). Dropping a session drops its tokens and its pending row, and a wish
    to start over that it made; dropping a device drops its session.
    """

    account: AccountRecord
    expects: int | None
    login: LoginRecord | None = None
    drop_login: bool = False
    put_slots: tuple[SlotRecord, ...] = ()
    drop_slots: tuple[tuple[str, bytes], ...] = ()
    put_sessions: tuple[SessionRecord, ...] = ()
    drop_sessions: tuple[str, ...] = ()
    put_devices: tuple[DeviceRecord, ...] = ()
    drop_devices: tuple[str, ...] = ()
    put_tokens: tuple[TokenRecord, ...] = ()
    drop_tokens: tuple[bytes, ...] = ()
    put_pending: tuple[PendingRecord, ...] = ()
    drop_pending: tuple[str, ...] = ()
    put_former: tuple[FormerKey, ...] = ()
    drop_former: tuple[bytes, ...] = ()
    start_over: StartOverRecord | None = None
    drop_start_over: bool = False
    # Only with an account that is made here.
    person: PersonRecord | None = None


class Seen(msgspec.Struct, frozen=True):
    """That a session was used: when, on which device, from where."""

    session: str
    device: str
    now: int
    ip: str | None


class AccountStore(Protocol):
    """Where accounts and people live."""

    async def state(self, user: str) -> AccountState | None:
        """Return all rows of an account, or None if there is no such account."""
        ...

    async def find_token(self, ub: int, lookup: bytes) -> tuple[str, AccountState] | None:
        """Return the user whom a token belongs to, with all rows, or None; *ub* is the bucket."""
        ...

    async def commit(self, change: Change) -> AccountRecord:
        """Apply *change* in one transaction and return the account with its new revision.

        `ConflictError` if the account is at another revision than it expects (or exists already
        where it expects none), `ErasedError` if it is made in the name of somebody erased.
        """
        ...

    async def seen(self, user: str, seen: Seen) -> None:
        """Note that a session was used; no new revision, nothing if the session is gone."""
        ...

    async def lapsed(self, now: int, limit: int) -> list[str]:
        """Return users with an expired access token or a former key whose reading time is over.

        The one read without a bucket: the hourly sweep calls it, no request does.
        """
        ...

    async def put_login_token(self, token: LoginToken) -> None:
        """Keep a login token."""
        ...

    async def take_login_token(self, ub: int, lookup: bytes) -> LoginToken | None:
        """Return a login token and delete it: it can be taken once."""
        ...

    async def public_keys(self, users: Sequence[str]) -> dict[str, bytes | None]:
        """Return the public key of each user; None for a person without one."""
        ...

    async def exists(self, user: str) -> bool:
        """Tell whether there is an account or a person of this name, who is not being erased."""
        ...

    async def erased(self, user: str) -> bool:
        """Tell whether the erasure of a person of this name was asked for: nobody takes it."""
        ...

    async def persons(self, users: Sequence[str]) -> dict[str, PersonRecord]:
        """Return what is known of these people; those nobody ever named are left out."""
        ...

    async def put_persons(self, persons: Sequence[PersonRecord]) -> None:
        """Write people, one transaction for each bucket."""
        ...

    async def change_persons(self, facts: Mapping[str, Mapping[str, object]]) -> None:
        """Change the named facts of each person and no others, in one transaction for each bucket.

        A person nobody named before is made. No other write comes between reading and writing, and
        measures join those that are there (`person_facts.laid_over`).
        """
        ...

    async def connections(self, user: str) -> dict[str, Connection]:
        """Return the connections of *user* by peer."""
        ...

    async def put_connections(self, connections: Sequence[Connection]) -> None:
        """Connect people, on both sides."""
        ...

    async def drop_connection(self, a: str, b: str) -> None:
        """Disconnect two people, on both sides."""
        ...

    async def blocks(self, user: str) -> dict[str, Block]:
        """Return whom *user* blocks, by peer."""
        ...

    async def put_block(self, block: Block) -> None:
        """Keep a block."""
        ...

    async def drop_block(self, user: str, peer: str) -> None:
        """Lift a block."""
        ...

    async def profile(self, user: str) -> dict[str, object] | None:
        """Return the profile fields of *user*; None where there is no account or person."""
        ...

    async def set_profile(self, user: str, fields: Mapping[str, object]) -> None:
        """Replace the profile fields of *user*."""
        ...
