"""An account store in memory that keeps the promises of `AccountStore`, for tests."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.person_facts import laid_over
from halfdoor.accounts.records import (
    AccountRecord,
    Block,
    Connection,
    LoginToken,
    PersonRecord,
)
from halfdoor.accounts.store import AccountState, Change, Seen
from halfdoor.ids import bucket


class FakeAccountStore:
    """Dictionaries; a commit is one assignment, so it happens whole or not at all."""

    def __init__(self) -> None:
        self.states: dict[str, AccountState] = {}
        self.people: dict[str, PersonRecord] = {}
        self.ties: dict[str, dict[str, Connection]] = {}
        self.walls: dict[str, dict[str, Block]] = {}
        self.profiles: dict[str, dict[str, object]] = {}
        self.login_tokens: dict[bytes, LoginToken] = {}

    async def state(self, user: str) -> AccountState | None:
        return self.states.get(user)

    async def find_token(self, ub: int, lookup: bytes) -> tuple[str, AccountState] | None:
        for user, state in self.states.items():
            if bucket(user) == ub and any(one.lookup == lookup for one in state.tokens):
                return user, state
        return None

    async def commit(self, change: Change) -> AccountRecord:
        user = change.account.user
        before = self.states.get(user)
        if (before.account.revision if before is not None else None) != change.expects:
            raise ConflictError("the account moved on")
        old = before or AccountState(account=change.account)
        gone = set(change.drop_sessions)
        slots = {(one.name, one.kid): one for one in old.slots}
        sessions = {one.id: one for one in old.sessions if one.id not in gone}
        devices = {one.id: one for one in old.devices if one.id not in change.drop_devices}
        tokens = {
            one.lookup: one
            for one in old.tokens
            if one.session not in gone and one.lookup not in change.drop_tokens
        }
        pending = {
            one.session: one
            for one in old.pending
            if one.session not in gone and one.session not in change.drop_pending
        }
        former = {one.kid: one for one in old.former if one.kid not in change.drop_former}
        for name in change.drop_slots:
            slots.pop(name, None)
        wish = old.start_over
        if change.drop_start_over or (wish is not None and wish.session in gone):
            wish = None
        slots |= {(one.name, one.kid): one for one in change.put_slots}
        sessions |= {one.id: one for one in change.put_sessions}
        devices |= {one.id: one for one in change.put_devices}
        tokens |= {one.lookup: one for one in change.put_tokens}
        pending |= {one.session: one for one in change.put_pending}
        former |= {one.kid: one for one in change.put_former}
        account = replace(
            change.account, revision=0 if change.expects is None else change.expects + 1
        )
        self.states[user] = AccountState(
            account=account,
            login=None if change.drop_login else change.login or old.login,
            slots=tuple(slots.values()),
            sessions=tuple(sessions.values()),
            devices=tuple(devices.values()),
            tokens=tuple(tokens.values()),
            pending=tuple(pending.values()),
            former=tuple(former.values()),
            start_over=change.start_over or wish,
        )
        if change.person is not None:
            self.people[user] = change.person
        return account

    async def seen(self, user: str, seen: Seen) -> None:
        state = self.states[user]
        self.states[user] = replace(
            state,
            sessions=tuple(
                replace(one, last_used=max(one.last_used, seen.now))
                if one.id == seen.session
                else one
                for one in state.sessions
            ),
            devices=tuple(
                replace(one, last_seen=seen.now, last_ip=seen.ip) if one.id == seen.device else one
                for one in state.devices
            ),
        )

    async def lapsed(self, now: int, limit: int) -> list[str]:
        return [
            user
            for user, state in self.states.items()
            if any(
                one.blob and one.expires is not None and one.expires <= now for one in state.tokens
            )
            or any(0 < one.readable_until <= now for one in state.former)
        ][:limit]

    async def put_login_token(self, token: LoginToken) -> None:
        self.login_tokens[token.lookup] = token

    async def take_login_token(self, ub: int, lookup: bytes) -> LoginToken | None:
        return self.login_tokens.pop(lookup, None)

    async def public_keys(self, users: Sequence[str]) -> dict[str, bytes | None]:
        return {
            user: self.states[user].account.public if user in self.states else None
            for user in users
        }

    async def exists(self, user: str) -> bool:
        return user in self.states or user in self.people

    async def erased(self, user: str) -> bool:
        return False

    async def persons(self, users: Sequence[str]) -> dict[str, PersonRecord]:
        return {user: self.people[user] for user in users if user in self.people}

    async def put_persons(self, persons: Sequence[PersonRecord]) -> None:
        self.people |= {one.user: one for one in persons}

    async def change_persons(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        for user, changed in facts.items():
            before = self.people.get(user) or PersonRecord(user=user)
            self.people[user] = laid_over(before, changed)

    async def connections(self, user: str) -> dict[str, Connection]:
        return dict(self.ties.get(user, {}))

    async def put_connections(self, connections: Sequence[Connection]) -> None:
        for one in connections:
            self.ties.setdefault(one.a, {})[one.b] = one
            self.ties.setdefault(one.b, {})[one.a] = one

    async def drop_connection(self, a: str, b: str) -> None:
        self.ties.get(a, {}).pop(b, None)
        self.ties.get(b, {}).pop(a, None)

    async def blocks(self, user: str) -> dict[str, Block]:
        return dict(self.walls.get(user, {}))

    async def put_block(self, block: Block) -> None:
        self.walls.setdefault(block.user, {})[block.peer] = block

    async def drop_block(self, user: str, peer: str) -> None:
        self.walls.get(user, {}).pop(peer, None)

    async def profile(self, user: str) -> dict[str, object] | None:
        if user in self.profiles:
            return copy.deepcopy(self.profiles[user])
        return {} if await self.exists(user) else None

    async def set_profile(self, user: str, fields: Mapping[str, object]) -> None:
        self.profiles[user] = copy.deepcopy(dict(fields))
