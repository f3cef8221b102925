"""The keys of franking marks in SQLite, as `e2ee.franking_marks` promises them."""

import secrets
import sqlite3
from typing import Final, final

from halfdoor.store.entity_secrets import ENTITY, FRANKING
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import DATA_KEY_BYTES, Keys
from halfdoor.store.sqlite.lanes import Side
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("keys")


@final
class SqliteFrankingKeys:
    """A `FrankingKeyStore` among the secrets of the entity."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def franking_key(self, month: str) -> bytes | None:
        """Return the key of *month*, None where there is none."""
        return await self._database.read(lambda con: self._found(con, month), Side.CONVERSATIONS)

    async def make_franking_key(self, month: str) -> bytes:
        """Return the key of *month*, made if it is not there."""
        known = await self.franking_key(month)
        if known is not None:
            return known
        fresh = secrets.token_bytes(DATA_KEY_BYTES)

        def write(con: sqlite3.Connection) -> bytes:
            found = self._found(con, month)
            if found is not None:
                return found
            name = FRANKING + month
            sealed = self._keys.outer.seal(self._keys.account, "secret", ENTITY, [name], fresh)
            con.execute(_SQL["insert_secret"], (name, sealed))
            return fresh

        return await self._database.write(write, Side.CONVERSATIONS)

    async def destroy_franking_keys(self, before: str) -> int:
        """Destroy the keys of all months before that one; return how many there were."""
        ends = (FRANKING, FRANKING + before)
        old = await self._database.read(
            lambda con: con.execute(_SQL["old_secrets"], ends).fetchone(), Side.CONVERSATIONS
        )
        if old[0] == 0:
            return 0
        gone = await self._database.write(
            lambda con: con.execute(_SQL["drop_secrets"], ends).rowcount, Side.CONVERSATIONS
        )
        # Also from the log of the file, as far as no reader stands in the way.
        await self._database.checkpoint()
        return gone

    def _found(self, con: sqlite3.Connection, month: str) -> bytes | None:
        name = FRANKING + month
        row = con.execute(_SQL["secret"], (name,)).fetchone()
        return None if row is None else self._keys.outer.open("secret", ENTITY, [name], row[0])

    def __repr__(self) -> str:
        return "SqliteFrankingKeys(…)"
