"""What files need of a store: its keys, and to have steps and statements done."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from halfdoor.sealing.outer import OuterKeys
from halfdoor.store.media_steps import Row, Steps

T = TypeVar("T")


class MediaKeys(Protocol):
    """The data keys of a store, as far as files need them."""

    @property
    def outer(self) -> OuterKeys:
        """Every data key that is held."""

    @property
    def account(self) -> int:
        """The generation under which rows are written that no month ends."""

    def erased_name(self, user: str) -> bytes:
        """Return what stands for *user* once they are erased."""


class MediaRows(Protocol):
    """The rows of one store; statements are those of `media.sql` and `media_maintenance.sql`."""

    @property
    def keys(self) -> MediaKeys:
        """The data keys."""

    async def ready_month(self) -> int:
        """Return the generation of the current month; its key is durable."""

    async def run(self, make: Callable[[], Steps[T]]) -> T:
        """Do what *make* returns in one transaction on the people's side, durably.

        It may be made again where a neighbour was in the way.
        """

    async def ask(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement about people's files."""

    async def ask_conversation(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement about a conversation."""

    async def sweep(self, name: str, *values: Any) -> Sequence[Row]:
        """Return the rows of a statement that goes over all files."""

    async def put_under(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Put the sealed parts of files under another key, where they are as they were."""

    async def with_newest(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what *ask* returns; where a row does not open, once more with the newest keys."""
