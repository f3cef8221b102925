"""What a store must be able to do so that retention and holds can be kept: its rows, plainly."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from halfdoor.messaging.retention_store import Passed, Place
from halfdoor.store.chain_walk import EpochRow
from halfdoor.store.freezes import Freeze
from halfdoor.store.resealing import Rows
from halfdoor.store.retired import OldEpoch, Retired

# The statements by which an epoch goes, with all that hangs on it.
OF_EPOCH: Final = (
    "delete_epoch",
    "delete_wraps",
    "delete_shares",
    "delete_readers",
    "delete_media",
)


class Look(NamedTuple):
    """What a sweep decides on, as it stood at one moment."""

    retired: Retired
    epochs: Sequence[EpochRow]
    old: Sequence[OldEpoch]
    holds: frozenset[str]
    last_seq: int
    chain: bytes


class RetentionRows(Rows, Protocol):
    """The rows of one store; every write is durable before it returns."""

    async def marks(self) -> dict[str, int]:
        """Return how far sweeps have come."""

    async def set_marks(self, values: Mapping[str, int]) -> None:
        """Note how far a sweep has come."""

    async def conversations(self, after: tuple[int, int], limit: int) -> Sequence[Passed]:
        """Return conversations in the order of bucket and number, after the place *after*."""

    async def place(self, conv: str) -> Place:
        """Return where *conv* lies, else `UnknownConversationError`."""

    async def state(self, place: Place) -> Sequence[tuple[int, bytes, bytes]]:
        """Return the rows (seq, event id, sealed) of all state events, newest first."""

    async def look(self, place: Place, most: int) -> Look:
        """Return what is retired, the oldest *most* + 1 kept epochs, holds and head."""

    async def events(
        self, place: Place, low: int, high: int, limit: int
    ) -> Sequence[tuple[int, bytes, bytes, bool]]:
        """Return rows (seq, event id, sealed, whether it is state) with low <= seq < high."""

    async def retire(self, place: Place, look: Look, retired: Retired, *, closes: bool) -> bool:
        """Let *retired* take the place of what *look* saw; False if anything of that moved.

        The conversation begins there from now on; where it *closes* no epoch is current.
        """

    async def dead_events(self, place: Place, limit: int) -> Sequence[tuple[int, bytes, bytes]]:
        """Return rows from before what is kept that are no state."""

    async def delete_events(self, place: Place, gone: Sequence[tuple[int, str | None]]) -> None:
        """Delete events with what they hold in other tables; each with the event it relates to."""

    async def delete_loose(self, place: Place, *, relations: bool) -> None:
        """Delete held bodies from before what is kept, and *relations* that no event explains."""

    async def old_state(
        self, place: Place
    ) -> tuple[Sequence[tuple[int, bytes, bytes]], Sequence[tuple[str, str, bytes]]]:
        """Return state from before what is kept, and the current sealed state, as rows."""

    async def dead_epochs(self, place: Place) -> Sequence[int]:
        """Return the epochs from before what is kept that are still there, but for the newest."""

    async def delete_epochs(self, place: Place, numbers: Sequence[int]) -> None:
        """Delete epochs with wraps, shares and readers added."""

    async def untold(self, place: Place) -> tuple[int, Sequence[str]] | None:
        """Return where the conversation begins and its people, if they were not told of it yet."""

    async def set_told(self, place: Place, seq: int) -> None:
        """Note that people were told that the conversation begins at *seq*."""

    async def seq_span(self, place: Place, epochs: tuple[int, int]) -> tuple[int, int]:
        """Return the numbers of the first and the last event that *epochs* can hold."""

    async def freezes(self, place: Place) -> Sequence[Freeze]:
        """Return the holds on a conversation, each checked against its mac."""

    async def put_freeze(self, place: Place, freeze: Freeze) -> bool:
        """Write a hold; False if its key was destroyed meanwhile."""

    async def drop_freeze(self, place: Place, hold: str) -> None:
        """Delete a hold."""

    async def ready_month(self) -> int:
        """Return the generation of the current month; its key is durable."""

    async def ready_hold(self) -> int:
        """Return the generation for bodies that are redacted this month; its key is durable."""

    async def ready_freeze(self) -> int:
        """Return the generation for holds that begin this month; its key is durable."""

    async def end_freeze_keys(self) -> Sequence[int]:
        """Destroy every key of holds that no hold names; return which."""

    async def end_months(self, last: int) -> Sequence[int]:
        """Destroy the keys of all months up to *last*, for good; return which there were."""

    async def wipe(self) -> None:
        """See to it that no older copy of what was deleted lies in a log of the store's own."""
