"""A person's side of the store: inbox, room list, account data, positions (SCALE §1–4)."""

from typing import Final, Protocol

import msgspec

from halfdoor.messaging.ledger import Told

# Kinds of inbox rows (SCALE §2). OWED tells a member that somebody waits for a wrap of the
# conversation's key; ROOM that something about the room changed for this person alone; PENDING
# that a device of theirs waits for approval; TO_DEVICE that a message waits for one of their
# devices. ACCOUNT rows carry the room, "" for global data.
EVENT, RECEIPT, INVITE, ACCOUNT, DEVICE_LIST, READER, OWED, ROOM, PENDING, TO_DEVICE = range(10)
# Above this bit a position counts how often the store was restored from an older copy, so that a
# restored one goes on at positions that no client has seen (SCALE §3).
RESTORE_BITS: Final = 40


class Place(msgspec.Struct, frozen=True, gc=False):
    """A conversation in a person's room list.

    `membership` is join, invite, leave or ban; `since_seq` the seq of the event that made it so.
    `last_pos` is the position of the newest inbox row about it, `read_seq` the newest event read.
    `notify` and `highlight` count unread events by push rules.
    """

    conv: str
    membership: str
    since_seq: int
    last_pos: int
    read_seq: int
    notify: int
    highlight: int
    forgotten: bool = False


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where a person's stream stands: newest position, and how often others had to hear of a write.

    `version` goes up with every write about this person that another process may remember: account
    and sessions, facts, connections, blocks, push rules and ignores (decision 0013).
    """

    pos: int
    version: int


class AccountData(msgspec.Struct, frozen=True, gc=False):
    """One piece of account data; `room` is "" for global data.

    `body` is sealed under the user key, or clear for the types the server has a rule about
    (`sealed` says which). `pos` is where it was last written.
    """

    room: str
    type: str
    body: bytes
    sealed: bool
    pos: int


class Quota(msgspec.Struct, frozen=True):
    """How much one person may keep here, in pieces; each is limited in size as well.

    Read markers (`m.fully_read`) are not counted: there is one for each conversation at most.
    """

    account_data: int = 5_000
    filters: int = 500


class MailboxStore(Protocol):
    """Where each person's stream lives; one counter per person orders all of it (SCALE §1)."""

    async def position(self, user: str) -> int:
        """Return the newest position of *user* (0 where nothing was ever written)."""

    async def inbox(self, user: str, *, after: int, limit: int) -> list[Told]:
        """Return inbox rows with pos > after, oldest first; up to `horizon` some are gone."""

    async def horizon(self, user: str) -> int:
        """Return the position up to which rows may be gone because they are old.

        Asked after the inbox was read: then whoever stands there or beyond has missed none.
        """

    async def places(self, user: str) -> list[Place]:
        """Return every conversation in the room list of *user*, forgotten ones left out."""

    async def place(self, user: str, conv: str) -> Place | None:
        """Return one conversation of the room list."""

    async def forget(self, user: str, conv: str) -> None:
        """Take a left conversation out of the room list."""

    async def set_read(self, user: str, conv: str, seq: int) -> Told:
        """Mark as read up to *seq*, recount what is unread, and write an inbox row of kind ROOM."""

    async def account_data(self, user: str, *, after: int = 0) -> list[AccountData]:
        """Return account data written after position *after* (all of it with 0)."""

    async def one_account_data(self, user: str, room: str, type: str) -> AccountData | None:
        """Return one piece of account data."""

    async def set_account_data(self, user: str, data: AccountData) -> Told:
        """Write one piece (its `pos` is given by the store) and an inbox row of kind ACCOUNT.

        `QuotaError` for one more than a person may keep (`Quota`).
        """

    async def tell(self, user: str, kind: int, subject: str) -> Told:
        """Write one inbox row about *subject* (a conversation or user id)."""

    async def set_filter(self, user: str, body: bytes) -> str:
        """Keep a sync filter and return its id; the same filter gets the same id. `QuotaError`."""

    async def filter(self, user: str, filter_id: str) -> bytes | None:
        """Return a kept filter."""

    async def reserve_contact(
        self, sender: str, recipient: str, event_id: str, *, limit: int
    ) -> bool:
        """Count *event_id* against the first-contact limit of the pair; False if it is used up.

        Repeating an event id that was counted answers True (SAFETY §5.13).
        """

    async def contact(self, sender: str, recipient: str) -> "Contact":
        """Return how far first contact between the pair has come."""

    async def close_contact(self, sender: str, recipient: str, until: int) -> None:
        """Close the pair for new requests until *until* (ms)."""


class Contact(msgspec.Struct, frozen=True, gc=False):
    """First contact from one person to another: events sent so far, closed until (ms, 0 = open)."""

    sent: int = 0
    closed_until: int = 0
