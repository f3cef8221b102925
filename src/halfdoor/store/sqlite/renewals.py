"""What a renewal of the account key needs of SQLite (store/renewal.py)."""

import sqlite3
from collections.abc import Sequence
from typing import Final, final

from halfdoor.store.jobs import Job
from halfdoor.store.renewable import Row, Table, Values
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.jobs import SqliteJobs, save_job
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("renewal_maintenance")


@final
class SqliteRenewals:
    """Reads rows on a reader and writes them on the writer, which a batch holds for a moment."""

    # One process writes, and what it queued before is written before.
    settles_ms: Final = 0

    def __init__(self, database: Database, keys: Keys, jobs: SqliteJobs) -> None:
        self._database = database
        self.keys = keys
        self.jobs = jobs

    async def renew_account(self) -> int:
        """Make the next generation, which seals from now on; return its number."""
        return await self.keys.renew_account(self._database)

    async def destroy(self, generation: int) -> None:
        """Destroy a generation of the account key, also in the log."""
        await self.keys.destroy(self._database, generation)
        await self._database.checkpoint()

    async def secrets_sealed(self) -> Sequence[Row]:
        """Return name and sealed row of the secrets of the whole entity."""
        return await self._database.read(
            lambda con: con.execute(_SQL["secrets"]).fetchall(), Side.CONVERSATIONS
        )

    async def read(self, table: Table, after: Values, limit: int) -> Sequence[Row]:
        """Return the next *limit* rows of *table* after a key."""
        side = Side.CONVERSATIONS if table.conversations else Side.PEOPLE
        return await self._database.read(
            lambda con: con.execute(_SQL[f"next_{table.name}"], (*after, limit)).fetchall(), side
        )

    async def write(self, table: str, rows: Sequence[Values]) -> None:
        """Write rows of the conversations' side where they are still what was read."""
        if rows:
            await self._database.write(
                lambda con: con.executemany(_SQL[f"renew_{table}"], rows), Side.CONVERSATIONS
            )

    async def write_saving(
        self, table: str, rows: Sequence[Values], job: Job, payload: bytes
    ) -> Job:
        """Write rows on the people's side and save how far *job* has come, in one transaction."""

        def write(con: sqlite3.Connection) -> Job:
            con.executemany(_SQL[f"renew_{table}"], rows)
            return save_job(con, self.keys, job, payload, job.run_at)

        return await self._database.write(write)
