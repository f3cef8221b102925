"""Names of requests that were already done, kept where every process sees them (0013)."""

from typing import Final, final

from halfdoor.ids import bucket
from halfdoor.sealing.labels import enc, mac
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("accounts")


@final
class UsedNames:
    """Each name is good for one request, at whichever process; kept as a keyed hash."""

    def __init__(self, database: Database, k_lookup: bytes) -> None:
        self._database = database
        self._k_lookup = k_lookup

    async def take(self, name: str, until: int, now: int) -> bool:
        """Use *name* up until *until* (ms); False where that happened before."""
        ub = bucket(name)
        lookup = mac(self._k_lookup, enc("platform/jti", name))

        async def write(con: Connection) -> bool:
            await con.execute(_SQL["old_names"], ub, now)
            done: str = await con.execute(_SQL["take_name"], ub, lookup, until)
            return done.endswith(" 1")

        return await self._database.write(write)

    def __repr__(self) -> str:
        return "UsedNames(…)"
