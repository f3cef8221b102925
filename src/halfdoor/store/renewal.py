"""A new generation of the account key: every row under it is sealed anew, a few at a time.

1. A job says which generation it is to be; then the key is made. From here on rows are written
   under it, and the one before still opens.
2. Table by table, what lies under a former generation is put under the newest. How far that has
   come is saved with each batch, so that a crash costs nothing.
3. Rounds go on until one finds nothing left and no process can write under a former generation.
4. The former generation is destroyed.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol, final

import msgspec
from msgspec.structs import replace

from halfdoor.store.jobs import Job, JobStore
from halfdoor.store.renewable import (
    TABLES,
    RefusedRowError,
    RenewedKeys,
    Row,
    Table,
    Values,
    reseal,
)

QUEUE: Final = "renew the account key"
# It concerns no single person, so it stands in a bucket by agreement.
BUCKET: Final = 0
BATCH: Final = 64
_ENTITY: Final = "entity"


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far a renewal has come: the payload of its job.

    `generation` is the newest, made at `made` (ms; 0: not yet). `table` counts `TABLES`, `after`
    is the key of the last row done in it. `anew` counts what this round sealed.
    """

    generation: int
    made: int = 0
    table: int = 0
    after: tuple[Any, ...] = ()
    anew: int = 0
    rows: int = 0
    renewed: int = 0
    refused: int = 0
    # Until when others may write under a former generation, once that is all there is to wait for.
    waits_until: int = 0


class RenewalStore(Protocol):
    """What a renewal needs of a store."""

    @property
    def keys(self) -> RenewedKeys:
        """The data keys."""

    @property
    def jobs(self) -> JobStore:
        """Where the job stands."""

    @property
    def settles_ms(self) -> int:
        """How long another process may still write under a generation that was replaced."""

    async def renew_account(self) -> int:
        """Make the next generation, which seals from now on; return its number."""

    async def destroy(self, generation: int) -> None:
        """Destroy a generation of the account key."""

    async def secrets_sealed(self) -> Sequence[Row]:
        """Return name and sealed row of the secrets of the whole entity."""

    async def read(self, table: Table, after: Values, limit: int) -> Sequence[Row]:
        """Return the next *limit* rows of *table* after a key."""

    async def write(self, table: str, rows: Sequence[Values]) -> None:
        """Write rows of the conversations' side where they are still what was read."""

    async def write_saving(
        self, table: str, rows: Sequence[Values], job: Job, payload: bytes
    ) -> Job:
        """Write rows on the people's side and save how far *job* has come, in one transaction."""


@final
class AccountKeyRenewal:
    """Renews the account key of a store, one step at a time."""

    def __init__(self, store: RenewalStore) -> None:
        self._store = store

    async def begin(self, now: int) -> None:
        """Let a renewal begin, unless one is under way."""
        if await self.progress() is None:
            # One that was begun on a copy of this data and lost its job is finished, not doubled.
            former = self._store.keys.former_accounts
            generation = self._store.keys.account + (0 if former else 1)
            await self._store.jobs.add(
                Job(
                    ub=BUCKET,
                    id=QUEUE,
                    queue=QUEUE,
                    run_at=now,
                    payload=_encode(Progress(generation)),
                )
            )

    async def progress(self) -> Progress | None:
        """Return how far the renewal has come, None where none is under way."""
        job = await self._store.jobs.find(BUCKET, QUEUE)
        return None if job is None else _decode(job.payload)

    async def step(self, job: Job, now: int) -> Job | None:
        """Do one batch of *job* and return how it stands; None once all of it is done."""
        store, at = self._store, _decode(job.payload)
        # 1. The key, and the time from which on it was used.
        if not at.made:
            if store.keys.account < at.generation:
                await store.renew_account()
            at = replace(at, made=now, after=TABLES[0].before)
            return await store.jobs.save(job, _encode(at), now)
        if at.table < len(TABLES):
            return await self._batch(job, at, now)
        # 3. The secrets, which are few, end each round.
        anew = at.anew + await self._secrets()
        safe = at.made + store.settles_ms
        if anew or now < safe:
            # What others write meanwhile is found by one more round, begun when it is final.
            waits_until = 0 if anew else safe
            again = replace(at, table=0, after=TABLES[0].before, anew=0, waits_until=waits_until)
            return await store.jobs.save(job, _encode(again), now if anew else safe)
        # 4. Nothing lies under them any more.
        for generation in store.keys.former_accounts:
            await store.destroy(generation)
        await store.jobs.end(job)
        return None

    async def _batch(self, job: Job, at: Progress, now: int) -> Job:
        """2. Put the next rows of one table under the newest generation."""
        store, table = self._store, TABLES[at.table]
        rows = await store.read(table, at.after, BATCH)
        values: list[Values] = []
        refused = 0
        for row in rows:
            try:
                found = table.renew(store.keys, row)
            except RefusedRowError:
                refused += 1
                continue
            if found is not None:
                values.append(found)
        if len(rows) == BATCH:
            next_table, after = at.table, tuple(rows[-1][: len(table.before)])
        else:
            next_table = at.table + 1
            after = TABLES[next_table].before if next_table < len(TABLES) else ()
        # A row that bears no mac is met in every round, and counted in the first.
        first = at.renewed == at.anew
        done = _encode(
            replace(
                at,
                table=next_table,
                after=after,
                anew=at.anew + len(values),
                rows=at.rows + (len(rows) if first else 0),
                renewed=at.renewed + len(values),
                refused=at.refused + (refused if first else 0),
            )
        )
        if not table.conversations:
            return await store.write_saving(table.name, values, job, done)
        await store.write(table.name, values)
        return await store.jobs.save(job, done, now)

    async def _secrets(self) -> int:
        found = []
        for name, sealed in await self._store.secrets_sealed():
            again = reseal(self._store.keys, "secret", _ENTITY, (name,), sealed)
            if again is not None:
                found.append((again, name, sealed))
        await self._store.write("secret", found)
        return len(found)


def _encode(progress: Progress) -> bytes:
    return msgspec.msgpack.encode(progress)


def _decode(payload: bytes) -> Progress:
    return msgspec.msgpack.decode(payload, type=Progress)
