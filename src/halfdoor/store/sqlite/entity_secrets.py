"""The secrets of the whole entity in SQLite."""

import secrets
import sqlite3
from typing import Final

from halfdoor.store.entity_secrets import ENTITY, Secrets
from halfdoor.store.sqlite.keys import DATA_KEY_BYTES, Keys
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("keys")


def load_secrets(con: sqlite3.Connection, keys: Keys) -> Secrets:
    """Return the secrets kept under the account key; a new database gets fresh ones."""
    found = Secrets(*(_secret(con, keys, name) for name in Secrets._fields))
    keys.take_names(found.k_lookup)
    return found


def _secret(con: sqlite3.Connection, keys: Keys, name: str) -> bytes:
    """Return one secret, made if it is missing."""
    row = con.execute(_SQL["secret"], (name,)).fetchone()
    if row is not None:
        return keys.outer.open("secret", ENTITY, [name], row[0])
    secret = secrets.token_bytes(DATA_KEY_BYTES)
    con.execute(
        _SQL["insert_secret"],
        (name, keys.outer.seal(keys.account, "secret", ENTITY, [name], secret)),
    )
    return secret
