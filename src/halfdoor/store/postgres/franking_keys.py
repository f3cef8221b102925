"""The keys of franking marks in PostgreSQL, as `e2ee.franking_marks` promises them."""

import secrets
from typing import Final, final

from halfdoor.store.entity_secrets import ENTITY, FRANKING
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database, Side
from halfdoor.store.postgres.keys import DATA_KEY_BYTES, Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("keys")


@final
class PostgresFrankingKeys:
    """A `FrankingKeyStore` among the secrets of the entity."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys

    async def franking_key(self, month: str) -> bytes | None:
        """Return the key of *month*, None where there is none."""

        async def ask() -> bytes | None:
            return await self._database.read(
                lambda con: self._found(con, month), Side.CONVERSATIONS
            )

        return await self._keys.with_newest(self._database, ask)

    async def make_franking_key(self, month: str) -> bytes:
        """Return the key of *month*, made if it is not there; of two servers one wins."""
        known = await self.franking_key(month)
        if known is not None:
            return known
        name, fresh = FRANKING + month, secrets.token_bytes(DATA_KEY_BYTES)

        async def write(con: Connection) -> None:
            sealed = self._keys.outer.seal(self._keys.account, "secret", ENTITY, [name], fresh)
            await con.execute(_SQL["insert_secret"], name, sealed)

        await self._database.write(write, Side.CONVERSATIONS)
        kept = await self.franking_key(month)
        # Between the two another server could only have destroyed it: then this one is lost too.
        return fresh if kept is None else kept

    async def destroy_franking_keys(self, before: str) -> int:
        """Destroy the keys of all months before that one; return how many there were."""

        async def write(con: Connection) -> int:
            done: str = await con.execute(_SQL["drop_secrets"], FRANKING, FRANKING + before)
            return int(done.rpartition(" ")[2])

        return await self._database.write(write, Side.CONVERSATIONS)

    async def _found(self, con: Connection, month: str) -> bytes | None:
        name = FRANKING + month
        sealed = await con.fetchval(_SQL["secret"], name)
        return None if sealed is None else self._keys.outer.open("secret", ENTITY, [name], sealed)

    def __repr__(self) -> str:
        return "PostgresFrankingKeys(…)"
