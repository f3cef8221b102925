"""What the daily sweep asks of the store, and the values that cross that door."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from halfdoor.messaging.ledger import StoredEvent


class Place(NamedTuple):
    """A conversation, and where it lies: its bucket, and its number there."""

    cb: int
    c: int
    conv: str


class Passed(NamedTuple):
    """A conversation as a sweep meets it; *day* is that of its oldest epoch that is kept.

    *retired* and *frozen* tell whether retention has ended anything of it, or a hold keeps any.
    """

    place: Place
    day: int | None
    retired: bool
    frozen: bool


class Ended(NamedTuple):
    """How many events ended; *altered* where an event that was changed stood in the way."""

    events: int
    altered: bool


class Cleared(NamedTuple):
    """How many events were deleted or emptied, and how many epochs deleted."""

    events: int
    epochs: int


class Pruned(NamedTuple):
    """How many inbox rows were dropped, and the place to go on from; None where all is done."""

    rows: int
    next: tuple[int, int] | None


class RetentionStore(Protocol):
    """What the store offers (store/retention.py); each call is short or made of short writes."""

    async def marks(self) -> dict[str, int]:
        """Return how far sweeps have come."""

    async def set_marks(self, values: Mapping[str, int]) -> None:
        """Note how far a sweep has come."""

    async def conversations(self, after: tuple[int, int], limit: int) -> Sequence[Passed]:
        """Return conversations in the order of bucket and number, after the place *after*."""

    async def newest_state(self, place: Place, event_type: str) -> StoredEvent | None:
        """Return the state event of *event_type* in force, None where there is none."""

    async def retire(self, place: Place, before: int) -> Ended:
        """End the epochs of *place* whose day is before *before*."""

    async def clear(self, place: Place) -> Cleared:
        """Delete what lies before the beginning of a conversation, state excepted."""

    async def untold(self, place: Place) -> tuple[int, Sequence[str]] | None:
        """Return where the conversation begins and its people, if they were not told of it yet."""

    async def set_told(self, place: Place, seq: int) -> None:
        """Note that people were told that the conversation begins at *seq*."""

    async def tend_holds(self, place: Place, now_ms: int) -> int:
        """End holds whose time has come, and take what came into scope since; return how much."""

    async def oldest_month(self) -> int | None:
        """Return the oldest month whose key is there, in months since 1970; None without one."""

    async def leave_months(self, place: Place, last: int) -> int:
        """Seal what is in use under a month up to *last* under the current one; return how much."""

    async def end_months(self, last: int) -> Sequence[int]:
        """Destroy the keys of all months up to *last*, for good; return which there were."""

    async def wipe(self) -> None:
        """See to it that no older copy of what was deleted lies in a log of the store's own."""


class InboxStore(Protocol):
    """What the store offers for inboxes."""

    async def prune(self, after: tuple[int, int], today: int, days: int) -> Pruned:
        """Drop some of what is older than *days* of the next people after the place *after*."""
