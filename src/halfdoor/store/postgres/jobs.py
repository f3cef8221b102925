"""Jobs in PostgreSQL, as `store.jobs` promises them; several servers take them."""

from typing import Any, Final, final

from msgspec.structs import replace

from halfdoor.store.errors import LostLeaseError
from halfdoor.store.jobs import Job
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("jobs_maintenance")
TABLE: Final = "job"


@final
class PostgresJobs:
    """A `JobStore` on the people's side."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def add(self, job: Job) -> None:
        """Keep *job*; one of the same id that is there already stays as it is."""
        await self._database.write(lambda con: add_job(con, self._keys, job))

    async def find(self, ub: int, id: str) -> Job | None:
        """Return a job, None where there is none or it has ended."""

        async def read(con: Connection) -> Any:
            return await con.fetchrow(_SQL["find"], ub, id)

        async def ask() -> Job | None:
            row = await self._database.read(read)
            return None if row is None else self._job(row)

        return await self._keys.with_newest(self._database, ask)

    async def claim(self, now: int, lease_ms: int, queue: str | None = None) -> Job | None:
        """Take the job, of *queue* or of any, that is due longest; None where none is due."""
        due = (_SQL["due"], now) if queue is None else (_SQL["due_of"], now, queue)

        async def take(con: Connection) -> Job | None:
            row = await con.fetchrow(*due)
            if row is None:
                return None
            job = self._job(row)
            await con.execute(_SQL["claim"], now + lease_ms, job.ub, job.id, job.lease_until)
            return replace(job, lease_until=now + lease_ms, attempts=job.attempts + 1)

        return await self._keys.with_newest(self._database, lambda: self._database.write(take))

    async def save(self, job: Job, payload: bytes, run_at: int) -> Job:
        """Keep how far *job* has come; `LostLeaseError` if another worker has it by now."""
        return await self._database.write(
            lambda con: save_job(con, self._keys, job, payload, run_at)
        )

    async def release(self, job: Job, run_at: int) -> None:
        """Let go of *job* until *run_at*; nothing if another worker has it by now."""

        async def write(con: Connection) -> None:
            await con.execute(_SQL["release"], run_at, job.ub, job.id, job.lease_until)

        await self._database.write(write)

    async def end(self, job: Job) -> None:
        """Remove *job*, which is done; `LostLeaseError` if another worker has it by now."""
        await self._database.write(lambda con: end_job(con, job))

    def _job(self, row: Any) -> Job:
        ub, name, queue, run_at, attempts, lease_until, sealed = row
        return Job(
            ub=ub,
            id=name,
            queue=queue,
            run_at=run_at,
            attempts=attempts,
            lease_until=lease_until,
            payload=self._keys.outer.open(TABLE, name, (name,), sealed),
        )


async def add_job(con: Connection, keys: Keys, job: Job) -> None:
    """Keep *job* in a transaction of its caller's."""
    sealed = _seal(keys, job.id, job.payload)
    await con.execute(_SQL["add"], job.ub, job.id, job.queue, job.run_at, sealed)


async def save_job(con: Connection, keys: Keys, job: Job, payload: bytes, run_at: int) -> Job:
    """Keep how far *job* has come, in the transaction that brought it there."""
    sealed = _seal(keys, job.id, payload)
    _check_held(await con.execute(_SQL["save"], sealed, run_at, job.ub, job.id, job.lease_until))
    return replace(job, payload=payload, run_at=run_at, attempts=0)


async def end_job(con: Connection, job: Job) -> None:
    """Remove *job* in the transaction that ended it."""
    _check_held(await con.execute(_SQL["end"], job.ub, job.id, job.lease_until))


def _seal(keys: Keys, id: str, payload: bytes) -> bytes:
    return keys.outer.seal(keys.account, TABLE, id, (id,), payload)


def _check_held(done: str) -> None:
    if not done.endswith(" 1"):
        raise LostLeaseError("another worker has this job by now")
