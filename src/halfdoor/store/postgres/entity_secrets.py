"""The secrets of the whole entity in PostgreSQL."""

import secrets
from typing import Final

from halfdoor.store.entity_secrets import ENTITY, Secrets
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.keys import DATA_KEY_BYTES, Keys
from halfdoor.store.postgres.statements import statements

_SQL: Final = statements("keys")


async def load_secrets(con: Connection, keys: Keys) -> Secrets:
    """Return the secrets kept under the account key; a new database gets fresh ones."""
    found = Secrets(*[await _secret(con, keys, name) for name in Secrets._fields])
    keys.take_names(found.k_lookup)
    return found


async def _secret(con: Connection, keys: Keys, name: str) -> bytes:
    """Return one secret, made if it is missing; of two processes that make it one wins."""
    sealed = await con.fetchval(_SQL["secret"], name)
    if sealed is None:
        fresh = secrets.token_bytes(DATA_KEY_BYTES)
        sealed = keys.outer.seal(keys.account, "secret", ENTITY, [name], fresh)
        await con.execute(_SQL["insert_secret"], name, sealed)
        sealed = await con.fetchval(_SQL["secret"], name)
    return keys.outer.open("secret", ENTITY, [name], sealed)
