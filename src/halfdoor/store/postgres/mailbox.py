"""Each person's stream in PostgreSQL, as `messaging.mailbox` promises it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, final

from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import AccountData, Contact, Place, Quota, Standing
from halfdoor.messaging.retention_store import Pruned
from halfdoor.store.postgres import account_data, contacts, reading
from halfdoor.store.postgres.connect import Connection
from halfdoor.store.postgres.database import Database
from halfdoor.store.postgres.keys import Keys
from halfdoor.store.postgres.pruning import prune_inboxes
from halfdoor.store.postgres.reading import Stream
from halfdoor.store.postgres.streams import read_person, read_standings

T = TypeVar("T")


@final
class PostgresMailbox:
    """A `MailboxStore`. Errors are those of `Database`, and `RowMacError` for a changed place.

    Every write locks its person's stream first, whichever process it comes from.
    """

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        # Whoever opens the house may set another.
        self.quota = Quota()

    async def position(self, user: str) -> int:
        """Return the newest position of *user* (0 where nothing was ever written)."""
        person = await self._database.read(lambda con: read_person(con, user))
        return 0 if person is None else person.pos

    async def standings(self, users: Sequence[str]) -> dict[str, Standing]:
        """Return where the streams of *users* stand; those never begun are left out."""
        return await self._database.read(lambda con: read_standings(con, users))

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
        return await self._open(lambda con: reading.read_places(con, self._keys, user))

    async def place(self, user: str, conv: str) -> Place | None:
        """Return one conversation of the room list, also a forgotten one."""
        return await self._open(lambda con: reading.read_place(con, self._keys, user, conv))

    async def forget(self, user: str, conv: str) -> None:
        """Take a left conversation out of the room list."""
        await self._write(user, lambda stream: reading.forget_place(stream, conv))

    async def set_read(self, user: str, conv: str, seq: int) -> Told:
        """Mark as read up to *seq*, recount what is unread, and write an inbox row of kind ROOM."""
        return await self._write(user, lambda stream: reading.set_read(stream, conv, seq))

    async def account_data(self, user: str, *, after: int = 0) -> list[AccountData]:
        """Return account data written after position *after* (all of it with 0)."""
        return await self._open(
            lambda con: account_data.read_account_data(con, self._keys, user, after)
        )

    async def one_account_data(self, user: str, room: str, type: str) -> AccountData | None:
        """Return one piece of account data."""
        return await self._open(
            lambda con: account_data.read_one(con, self._keys, user, room, type)
        )

    async def set_account_data(self, user: str, data: AccountData) -> Told:
        """Write one piece (its `pos` is given by the store) and an inbox row of kind ACCOUNT."""
        return await self._write(
            user,
            lambda stream: account_data.write_account_data(stream, data, self.quota.account_data),
        )

    async def tell(self, user: str, kind: int, subject: str) -> Told:
        """Write one inbox row about *subject* (a conversation or user id)."""
        _, told = await self._write(user, lambda stream: reading.write_row(stream, kind, subject))
        return told

    async def set_filter(self, user: str, body: bytes) -> str:
        """Keep a sync filter and return its id; the same filter gets the same id."""
        return await self._write(
            user, lambda stream: account_data.write_filter(stream, body, self.quota.filters)
        )

    async def filter(self, user: str, filter_id: str) -> bytes | None:
        """Return a kept filter."""
        return await self._database.read(lambda con: account_data.read_filter(con, user, filter_id))

    async def reserve_contact(
        self, sender: str, recipient: str, event_id: str, *, limit: int
    ) -> bool:
        """Count *event_id* against the first-contact limit of the pair; False if it is used up."""
        return await self._write(
            sender, lambda stream: contacts.reserve(stream, recipient, event_id, limit)
        )

    async def contact(self, sender: str, recipient: str) -> Contact:
        """Return how far first contact between the pair has come."""
        return await self._database.moment(
            lambda con: contacts.read_contact(con, sender, recipient)
        )

    async def close_contact(self, sender: str, recipient: str, until: int) -> None:
        """Close the pair for new requests until *until* (ms)."""
        await self._write(sender, lambda stream: contacts.close(stream, recipient, until))

    async def _write(self, user: str, function: Callable[[Stream], Awaitable[T]]) -> T:
        async def write(con: Connection) -> T:
            return await function(Stream(con, self._keys, self._database.restores, user))

        return await self._keys.with_newest(self._database, lambda: self._database.write(write))

    async def _open(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        """Read rows that lie under the account key, which another process may have renewed."""
        return await self._keys.with_newest(self._database, lambda: self._database.read(function))
