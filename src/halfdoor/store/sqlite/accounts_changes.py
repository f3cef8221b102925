"""Writes one change of an account, on the writer's connection."""

import sqlite3
from typing import Final

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.records import AccountRecord
from halfdoor.store.accounts_changes import Prepared
from halfdoor.store.sqlite.statements import statements

_SQL: Final = statements("accounts")


def write_change(con: sqlite3.Connection, change: Prepared) -> AccountRecord:
    """Run the statements; `ConflictError` if the account moved on, and nothing is written."""
    name, values = change.first
    if con.execute(_SQL[name], values).rowcount != 1:
        raise ConflictError("the account moved on")
    for name, values in change.rest:
        con.execute(_SQL[name], values)
    return change.account
