"""Jobs in SQLite, as `store.jobs` promises them."""

import sqlite3
from typing import Any, Final, final

from msgspec.structs import replace

from halfdoor.store.errors import LostLeaseError
from halfdoor.store.jobs import Job
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("jobs_maintenance")
TABLE: Final = "job"


@final
class SqliteJobs:
    """A `JobStore` on the people's side."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def add(self, job: Job) -> None:
        """Keep *job*; one of the same id that is there already stays as it is."""
        await self._database.write(lambda con: add_job(con, self._keys, job))

    async def find(self, ub: int, id: str) -> Job | None:
        """Return a job, None where there is none or it has ended."""
        row = await self._database.read(lambda con: con.execute(_SQL["find"], (ub, id)).fetchone())
        return None if row is None else self._job(row)

    async def claim(self, now: int, lease_ms: int, queue: str | None = None) -> Job | None:
        """Take the job, of *queue* or of any, that is due longest; None where none is due."""

        def look(con: sqlite3.Connection) -> Any:
            if queue is None:
                return con.execute(_SQL["due"], (now, now)).fetchone()
            return con.execute(_SQL["due_of"], (queue, now, now)).fetchone()

        # Most of the time nothing is due, and then nothing is written.
        row = await self._database.read(look)
        if row is None:
            return None
        job = self._job(row)
        key = (now + lease_ms, job.ub, job.id, job.lease_until)
        taken = await self._database.write(lambda con: con.execute(_SQL["claim"], key).rowcount)
        if taken != 1:
            return None
        return replace(job, lease_until=now + lease_ms, attempts=job.attempts + 1)

    async def save(self, job: Job, payload: bytes, run_at: int) -> Job:
        """Keep how far *job* has come; `LostLeaseError` if another worker has it by now."""
        return await self._database.write(
            lambda con: save_job(con, self._keys, job, payload, run_at)
        )

    async def release(self, job: Job, run_at: int) -> None:
        """Let go of *job* until *run_at*; nothing if another worker has it by now."""
        key = (run_at, job.ub, job.id, job.lease_until)
        await self._database.write(lambda con: con.execute(_SQL["release"], key))

    async def end(self, job: Job) -> None:
        """Remove *job*, which is done; `LostLeaseError` if another worker has it by now."""
        await self._database.write(lambda con: end_job(con, job))

    def _job(self, row: tuple[Any, ...]) -> Job:
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


def add_job(con: sqlite3.Connection, keys: Keys, job: Job) -> None:
    """Keep *job* in a transaction of its caller's."""
    sealed = _seal(keys, job.id, job.payload)
    con.execute(_SQL["add"], (job.ub, job.id, job.queue, job.run_at, sealed))


def save_job(con: sqlite3.Connection, keys: Keys, job: Job, payload: bytes, run_at: int) -> Job:
    """Keep how far *job* has come, in the transaction that brought it there."""
    sealed = _seal(keys, job.id, payload)
    key = (sealed, run_at, job.ub, job.id, job.lease_until)
    _check_held(con.execute(_SQL["save"], key).rowcount)
    return replace(job, payload=payload, run_at=run_at, attempts=0)


def end_job(con: sqlite3.Connection, job: Job) -> None:
    """Remove *job* in the transaction that ended it."""
    _check_held(con.execute(_SQL["end"], (job.ub, job.id, job.lease_until)).rowcount)


def _seal(keys: Keys, id: str, payload: bytes) -> bytes:
    return keys.outer.seal(keys.account, TABLE, id, (id,), payload)


def _check_held(touched: int) -> None:
    if touched != 1:
        raise LostLeaseError("another worker has this job by now")
