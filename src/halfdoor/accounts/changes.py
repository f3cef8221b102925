"""How an account is changed: read all of it, decide, commit; decide again if it moved on."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final, TypeVar, final
from weakref import WeakValueDictionary

from halfdoor.accounts.errors import ConflictError, NotFoundError
from halfdoor.accounts.records import AccountRecord
from halfdoor.accounts.store import AccountState, AccountStore, Change

T = TypeVar("T")

_TRIES: Final = 5

# Given the account as it stands: what to change (None: nothing) and what to answer.
Decide = Callable[[AccountState], tuple[Change | None, T]]


@final
class Changes:
    """Takes every change of an account through one door, and tells whoever remembers accounts."""

    def __init__(self, store: AccountStore) -> None:
        self._store = store
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._listeners: list[Callable[[Change], None]] = []
        self._around: Callable[[Change], AbstractAsyncContextManager[None]] = _nothing_around

    def listen(self, hear: Callable[[Change], None]) -> None:
        """Call *hear* with each change of an account, after it is durable."""
        self._listeners.append(hear)

    def surround(self, around: Callable[[Change], AbstractAsyncContextManager[None]]) -> None:
        """Enter *around* each change before it is written, and leave it once it is durable."""
        self._around = around

    async def make(self, user: str, decide: Decide[T]) -> T:
        """Change the account *user* as *decide* says; `NotFoundError` if there is none.

        *decide* may be asked more than once and must have no effect beyond its answer (keys it
        puts into the keyring are replaced by the next time it is asked). Raises what it raises,
        and `ConflictError` if the account kept moving.
        """
        return await self._make(user, decide, None)

    async def make_or_create(self, user: str, decide: Decide[T], now: int) -> T:
        """Do as `make`, but begin with an empty account where there is none."""
        empty = AccountState(account=AccountRecord(user=user, created=now, revision=-1))
        return await self._make(user, decide, empty)

    async def _make(self, user: str, decide: Decide[T], empty: AccountState | None) -> T:
        # One at a time for each account: most conflicts never happen. Other processes are kept
        # apart by the revision that the store compares.
        lock = self._turns.get(user)
        if lock is None:
            lock = self._turns[user] = asyncio.Lock()
        async with lock:
            for _ in range(_TRIES):
                state = await self._store.state(user) or empty
                if state is None:
                    raise NotFoundError("there is no such account")
                change, answer = decide(state)
                if change is None:
                    return answer
                try:
                    async with self._around(change):
                        await self._store.commit(change)
                except ConflictError:
                    continue
                for hear in self._listeners:
                    hear(change)
                return answer
        raise ConflictError("the account is changing too fast; try again")


def _nothing_around(_change: Change) -> AbstractAsyncContextManager[None]:
    return nullcontext()


def change_of(state: AccountState) -> Change:
    """Return a change of *state* that changes nothing yet, for `msgspec.structs.replace`."""
    account = state.account
    return Change(account=account, expects=account.revision if account.revision >= 0 else None)
