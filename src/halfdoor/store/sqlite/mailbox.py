"""Each person's stream in SQLite, as `messaging.mailbox` promises it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, final

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import AccountData, Contact, Place, Quota
from halfdoor.messaging.retention_store import Pruned
from halfdoor.store.sqlite import account_data, contacts, reading
from halfdoor.store.sqlite.connect import is_unavailable
from halfdoor.store.sqlite.database import Database
from halfdoor.store.sqlite.keys import Keys
from halfdoor.store.sqlite.lanes import Outcome, Side
from halfdoor.store.sqlite.pruning import prune_inboxes
from halfdoor.store.sqlite.streams import Streams

T = TypeVar("T")
_Function = Callable[[sqlite3.Connection, Streams], T]


class StreamLane:
    """Runs functions that write to people's streams, each in a savepoint."""

    side: Final = Side.PEOPLE

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def run(self, con: sqlite3.Connection, items: Sequence[_Function[Any]]) -> list[Outcome]:
        """Call each function; what it raises is undone and becomes its outcome."""
        outcomes = [self._call(con, function) for function in items]
        self._streams.trim()
        return outcomes

    def follow(self, con: sqlite3.Connection, outcomes: list[Outcome]) -> list[Outcome]:
        """Nothing follows from a write to a stream."""
        return outcomes

    def forget(self) -> None:
        """Drop the positions remembered."""
        self._streams.forget()

    def _call(self, con: sqlite3.Connection, function: _Function[Any]) -> Outcome:
        con.execute("SAVEPOINT stream")
        try:
            result = function(con, self._streams)
        except Exception as error:
            if is_unavailable(error) or not con.in_transaction:
                raise
            con.execute("ROLLBACK TO stream")
            self._streams.forget()
            result = error
        con.execute("RELEASE stream")
        return result


@final
class SqliteMailbox:
    """A `MailboxStore`. Errors are those of `Database`, and `RowMacError` for a changed place."""

    def __init__(self, database: Database, keys: Keys, lane: StreamLane) -> None:
        self._database = database
        self._keys = keys
        self._lane = lane
        # Whoever opens the house may set another.
        self.quota = Quota()

    async def position(self, user: str) -> int:
        """Return the newest position of *user* (0 where nothing was ever written)."""
        return await self._database.read(lambda con: reading.read_position(con, user))

    async def inbox(self, user: str, *, after: int, limit: int) -> list[Told]:
        """Return inbox rows with pos > after, oldest first."""
        return await self._database.read(lambda con: reading.read_inbox(con, user, after, limit))

    async def horizon(self, user: str) -> int:
        """Return the position up to which rows may be gone because they are old."""
        return await self._database.read(lambda con: reading.read_horizon(con, user))

    async def prune(self, after: tuple[int, int], today: int, days: int) -> Pruned:
        """Drop some of what is older than *days* of the next people after the place *after*."""
        return await prune_inboxes(self._database, after, today, days)

    async def places(self, user: str) -> list[Place]:
        """Return every conversation in the room list of *user*, forgotten ones left out."""
        return await self._database.read(lambda con: reading.read_places(con, self._keys, user))

    async def place(self, user: str, conv: str) -> Place | None:
        """Return one conversation of the room list, also a forgotten one."""
        return await self._database.read(
            lambda con: reading.read_place(con, self._keys, user, conv)
        )

    async def forget(self, user: str, conv: str) -> None:
        """Take a left conversation out of the room list."""
        await self._write(lambda con, streams: reading.forget_place(con, streams, user, conv))

    async def set_read(self, user: str, conv: str, seq: int) -> Told:
        """Mark as read up to *seq*, recount what is unread, and write an inbox row of kind ROOM."""
        return await self._write(
            lambda con, streams: reading.set_read(con, streams, user, conv, seq)
        )

    async def account_data(self, user: str, *, after: int = 0) -> list[AccountData]:
        """Return account data written after position *after* (all of it with 0)."""
        return await self._database.read(
            lambda con: account_data.read_account_data(con, self._keys, user, after)
        )

    async def one_account_data(self, user: str, room: str, type: str) -> AccountData | None:
        """Return one piece of account data."""
        return await self._database.read(
            lambda con: account_data.read_one(con, self._keys, user, room, type)
        )

    async def set_account_data(self, user: str, data: AccountData) -> Told:
        """Write one piece (its `pos` is given by the store) and an inbox row of kind ACCOUNT."""
        return await self._write(
            lambda con, streams: account_data.write_account_data(
                con, streams, self._keys, user, data, self.quota.account_data
            )
        )

    async def tell(self, user: str, kind: int, subject: str) -> Told:
        """Write one inbox row about *subject* (a conversation or user id)."""
        return await self._write(
            lambda con, streams: reading.write_row(con, streams, user, kind, subject)
        )

    async def set_filter(self, user: str, body: bytes) -> str:
        """Keep a sync filter and return its id; the same filter gets the same id."""
        return await self._write(
            lambda con, streams: account_data.write_filter(
                con, streams, user, body, self.quota.filters
            )
        )

    async def filter(self, user: str, filter_id: str) -> bytes | None:
        """Return a kept filter."""
        return await self._database.read(lambda con: account_data.read_filter(con, user, filter_id))

    async def reserve_contact(
        self, sender: str, recipient: str, event_id: str, *, limit: int
    ) -> bool:
        """Count *event_id* against the first-contact limit of the pair; False if it is used up."""
        return await self._write(
            lambda con, streams: contacts.reserve(con, streams, sender, recipient, event_id, limit)
        )

    async def contact(self, sender: str, recipient: str) -> Contact:
        """Return how far first contact between the pair has come."""
        return await self._database.read(lambda con: contacts.read_contact(con, sender, recipient))

    async def close_contact(self, sender: str, recipient: str, until: int) -> None:
        """Close the pair for new requests until *until* (ms)."""
        await self._write(
            lambda con, streams: contacts.close(con, streams, sender, recipient, until)
        )

    async def _write(self, function: _Function[T]) -> T:
        result: T = await self._database.write_in(self._lane, function, brief=True)
        return result
