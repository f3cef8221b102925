"""What passing messages between devices needs of a store. Every write is durable before it returns.

A queue is a ring: it never refuses, so that a device that nobody uses any more hinders nobody; what
is dropped are the oldest messages, those of the sender who sends too many before all others.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from halfdoor.e2ee.to_device import ToDevice

# So many messages wait for one device: from one sender, and from all.
MOST_OF_ONE: Final = 500
MOST_OF_ALL: Final = 5_000
# For so many days a repeated request is known again.
SEEN_DAYS: Final = 7


class Parcel(msgspec.Struct, frozen=True):
    """What one request brings one person: contents by device id, or for `*` (JSON bytes).

    *repeat* is the name under which the person remembers it (`to_device.repeat_key`).
    """

    sender: str
    type: str
    repeat: str
    contents: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Parcel(sender={self.sender!r}, type={self.type!r}, devices={len(self.contents)})"


class Waiting(msgspec.Struct, frozen=True):
    """A message that waits, and its position in the stream of the person it is for.

    `message` is None where its row was changed without the outer key.
    """

    pos: int
    message: ToDevice | None


class ToDeviceStore(Protocol):
    """Where messages wait for devices, each person's in their own bucket."""

    async def put(self, user: str, parcel: Parcel, today: int) -> int | None:
        """Queue *parcel* for the devices of *user* that it names, and write one inbox row.

        Returns the position of that row (kind TO_DEVICE); None, and nothing written, where it is
        a repeat or no such device is there. *today* counts days since 1970. Beyond `MOST_OF_ONE`
        and `MOST_OF_ALL` the oldest are dropped.
        """

    async def waiting(
        self, user: str, device: str, *, after: int, upto: int, limit: int
    ) -> Sequence[Waiting]:
        """Return the oldest messages with after < pos <= upto."""

    async def oldest(self, user: str, device: str) -> int | None:
        """Return the position of the oldest message that waits, None where none does."""

    async def drop(self, user: str, device: str, upto: int) -> None:
        """Delete the messages with pos <= upto: the device has them."""
