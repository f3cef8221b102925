"""Whom a house knows: those who have an account, and those whom the platform named."""

from typing import Any, Final

from halfdoor.store.sqlite.database import Database

# Without a bucket, as a sweep: the administrator asks this, no request of a client does (SCALE §2).
_SQL: Final = """
SELECT user_id FROM account WHERE user_id > ?
UNION SELECT user_id FROM person WHERE user_id > ?
ORDER BY user_id LIMIT ?
"""


async def user_ids(database: Database, after: str, limit: int) -> list[str]:
    """Return at most *limit* user ids that come after *after*, in order."""

    def read(con: Any) -> list[str]:
        return [row[0] for row in con.execute(_SQL, (after, after, limit))]

    return await database.read(read)
