"""What stands for a person who was erased, and what a store does about one. Pure."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from halfdoor.sealing.labels import enc, mac
from halfdoor.store.desk_erasing import Keeping, Left
from halfdoor.store.jobs import Job

QUEUE: Final = "erase a person"
# How many rows of one person, or of others, one step looks at.
AT_ONCE: Final = 500
# Tables with rows of a person, by their user id; the account last, so that a crash leaves it known.
OWN: Final = (
    "login",
    "slot",
    "session",
    "device",
    "device_key",
    "one_time_key",
    "fallback_key",
    "cross_key",
    "key_signature",
    "todev",
    "todev_seen",
    "key_backup",
    "key_backup_key",
    "token",
    "pending",
    "former_key",
    "start_over",
    "connection",
    "block",
    "profile",
    "person",
    "account",
)
# The same by the person's number; the inbox goes first and in parts.
STREAM: Final = (
    "account_data",
    "filter",
    "contact_event",
    "contact_closed",
    "umember",
    "ustream",
)


class Scan(NamedTuple):
    """A table of others, with a key before that of every row, and which column names a person."""

    table: str
    before: tuple[Any, ...]
    names: int


BLOCKS: Final = Scan("block", (-1, "", ""), 2)
PEOPLE: Final = Scan("person", (-1, ""), 1)
SIGNATURES: Final = Scan("key_signature", (-1, "", "", "", ""), 2)
CONTACTS: Final = (
    Scan("contact_event", (-1, 0, "", ""), 2),
    Scan("contact_closed", (-1, 0, ""), 2),
)


class Erased(NamedTuple):
    """When erasure was asked for, and when the last row was gone (None: not yet); ms."""

    asked: int
    done: int | None


class Room(NamedTuple):
    """A conversation of a room list: its number there, its id, and what the person is in it."""

    k: int
    conv: str
    membership: str


class ErasureStore(Protocol):
    """What erasing a person needs of a store. Everything is durable before it returns."""

    def name(self, user: str) -> str:
        """Return what stands for *user* where their id must not stand."""

    async def ask(self, user: str, job: Job) -> None:
        """Let nobody take the name of *user* from here on, and keep *job*, in one transaction."""

    async def state(self, user: str) -> Erased | None:
        """Return how far the erasure of *user* has come, None where nobody asked for it."""

    async def rooms(self, user: str, after: int, limit: int) -> Sequence[Room]:
        """Return conversations of the room list with a number above *after*, forgotten ones too."""

    async def peers(self, user: str, limit: int) -> Sequence[str]:
        """Return some of those *user* is connected with, whatever else their rows say."""

    async def forget_in(self, user: str, conv: str) -> bool:
        """Delete wraps and receipts of *user* in *conv*; False, and nothing, if that is held."""

    async def unname_in(self, user: str, conv: str) -> None:
        """Take the name of *user* out of what the others in *conv* were told of device lists.

        Each looks at their own list once more instead: a row that went could not be missed.
        """

    async def scan(self, scan: Scan, after: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Return the keys of the next rows of others."""

    async def drop_scanned(self, scan: Scan, keys: Sequence[tuple[Any, ...]]) -> None:
        """Delete these rows of others."""

    async def drop_some(self, user: str) -> bool:
        """Delete some of the inbox of *user*; tell whether any is left."""

    async def drop_rest(self, user: str) -> bool:
        """Delete all other rows of *user*; False, and nothing, if they are in a conversation."""

    async def leave_desk(self, user: str, keeping: Keeping) -> Left:
        """Forget some of what the review desk holds of *user*; tell what it still holds (0018)."""

    async def finish(self, user: str, now: int) -> None:
        """Note that the last row about *user* is gone, also from the logs of the files."""


def erased_name(key: bytes, user: str) -> bytes:
    """Return what stands for *user* once nothing else does: a hash that only *key* can make."""
    return mac(key, enc("erased/name", user))
