"""Writes one change of an account, in its transaction."""

from typing import Final

from halfdoor.accounts.errors import ConflictError
from halfdoor.accounts.records import AccountRecord
from halfdoor.store.accounts_changes import Prepared
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.statements import statements
from halfdoor.store.postgres.streams import change_people

_SQL: Final = statements("accounts")


async def write_change(con: Connection, change: Prepared) -> AccountRecord:
    """Run the statements; `ConflictError` if the account moved on, and nothing is written.

    The first statement holds the account's row, so that of two changes one waits and is refused.
    """
    name, values = change.first
    if not (await con.execute(_SQL[name], *values)).endswith(" 1"):
        raise ConflictError("the account moved on")
    for name, values in change.rest:
        await con.execute(_SQL[name], *values)
    await change_people(con, [change.account.user])
    return change.account
