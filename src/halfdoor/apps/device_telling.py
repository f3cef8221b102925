"""Sees to it that everybody hears of changed keys and devices: queue "device_list".

A job is durable before the write it tells of, and ends when all were told. Whoever dies in between
leaves it to the next; to be told twice costs a client a question, never to be told all its trust.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, final

import msgspec

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.store import AccountStore, Change
from halfdoor.clock import Clock
from halfdoor.e2ee.announcer import Changing
from halfdoor.e2ee.key_counts import KeyCounts
from halfdoor.e2ee.key_store import KeyConflictError, KeyStore, SignedOutError
from halfdoor.ids import bucket
from halfdoor.messaging.device_lists import DeviceLists
from halfdoor.store.errors import LostLeaseError
from halfdoor.store.jobs import Job, JobStore

QUEUE: Final = "device_list"
# A write that takes longer than this is told of before it is there as well as after.
_PATIENCE_MS: Final = 30_000


class _Telling(msgspec.Struct, frozen=True):
    """Whose keys changed, and who alone is to hear of it."""

    user: str
    only: str | None = None


@final
class DeviceTelling:
    """Tells of changed keys (`e2ee.announcer.Announcer`), and does the jobs that were left over."""

    def __init__(
        self,
        *,
        lists: DeviceLists,
        keys: KeyStore,
        counts: KeyCounts,
        accounts: AccountStore,
        jobs: JobStore,
        clock: Clock,
    ) -> None:
        self._lists = lists
        self._keys = keys
        self._counts = counts
        self._accounts = accounts
        self._jobs = jobs
        self._clock = clock

    @asynccontextmanager
    async def changing(self, user: str, only: str | None = None) -> AsyncIterator[Changing]:
        """Surround a write of the keys of *user* (`Announcer.changing`)."""
        told = _Telling(user, only)
        job = Job(
            ub=bucket(user),
            id=f"{QUEUE}:{secrets.token_hex(16)}",
            queue=QUEUE,
            run_at=self._clock.now_ms() + _PATIENCE_MS,
            payload=msgspec.json.encode(told),
        )
        await self._jobs.add(job)
        changing = Changing()
        try:
            yield changing
        except (KeyConflictError, SignedOutError, ConflictError):
            # Refused: nothing was written. After any other error that is not known.
            await self._end(job)
            raise
        if changing.happened:
            await self._tell(told)
        await self._end(job)

    @asynccontextmanager
    async def around(self, change: Change) -> AsyncIterator[None]:
        """Surround a *change* of an account: devices that go take their keys along (`store`).

        Only people who have keys are told of; a sign-in brings no keys yet.
        """
        user = change.account.user
        renamed = change.put_devices and not change.put_sessions
        if not (change.drop_devices or renamed) or not await self._keys.keys_of([user]):
            yield
        else:
            async with self.changing(user) as changing:
                yield
                changing.happened = True
        for device in change.drop_devices:
            self._counts.forget(user, device)

    async def step(self, job: Job, now: int) -> Job | None:
        """Tell what a process that died may not have told."""
        await self._tell(msgspec.json.decode(job.payload, type=_Telling))
        await self._jobs.end(job)
        return None

    async def _end(self, job: Job) -> None:
        # After a long wait a worker may have told of it as well.
        with suppress(LostLeaseError):
            await self._jobs.end(job)

    async def _tell(self, told: _Telling) -> None:
        if await self._accounts.state(told.user) is None:
            # Erased meanwhile, with all their keys: nothing is written for them any more.
            return
        await self._lists.tell(told.user, told.only)
