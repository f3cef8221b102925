"""What a renewal of the account key needs of PostgreSQL (store/renewal.py)."""

from collections.abc import Sequence
from typing import Any, Final, final

from halfdoor.store.jobs import Job
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.jobs import PostgresJobs, save_job
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.statements import statements
from halfdoor.store.renewable import Row, Table, Values

_SQL: Final = statements("renewal_maintenance")


@final
class PostgresRenewals:
    """Reads rows, and writes them in short transactions."""

    # Every server looks for new keys far more often than that (`Keys.tend`).
    settles_ms: Final = 600_000

    def __init__(self, database: Database, keys: Keys, jobs: PostgresJobs) -> None:
        self._database = database
        self.keys = keys
        self.jobs = jobs

    async def renew_account(self) -> int:
        """Make the next generation, which seals from now on; return its number."""
        return await self.keys.renew_account(self._database)

    async def destroy(self, generation: int) -> None:
        """Destroy a generation of the account key, also in the table's file."""
        await self.keys.destroy(self._database, generation)
        await self.keys.rewrite(self._database)

    async def secrets_sealed(self) -> Sequence[Row]:
        """Return name and sealed row of the secrets of the whole entity."""

        async def read(con: Connection) -> Any:
            return await con.fetch(_SQL["secrets"])

        found: Sequence[Row] = await self._database.read(read, Side.CONVERSATIONS)
        return found

    async def read(self, table: Table, after: Values, limit: int) -> Sequence[Row]:
        """Return the next *limit* rows of *table* after a key."""

        async def read(con: Connection) -> Any:
            return await con.fetch(_SQL[f"next_{table.name}"], *after, limit)

        side = Side.CONVERSATIONS if table.conversations else Side.PEOPLE
        found: Sequence[Row] = await self._database.read(read, side)
        return found

    async def write(self, table: str, rows: Sequence[Values]) -> None:
        """Write rows of the conversations' side where they are still what was read."""

        async def write(con: Connection) -> None:
            await con.executemany(_SQL[f"renew_{table}"], rows)

        if rows:
            await self._database.write(write, Side.CONVERSATIONS)

    async def write_saving(
        self, table: str, rows: Sequence[Values], job: Job, payload: bytes
    ) -> Job:
        """Write rows on the people's side and save how far *job* has come, in one transaction."""

        async def write(con: Connection) -> Job:
            if rows:
                await con.executemany(_SQL[f"renew_{table}"], rows)
            return await save_job(con, self.keys, job, payload, job.run_at)

        return await self._database.write(write)
