"""Queues of messages between devices in memory, as `e2ee.to_device_store` promises them."""

from collections.abc import Sequence

from tests.messaging.fake_store import FakeStore

from halfdoor.e2ee.to_device import ToDevice, addressed
from halfdoor.e2ee.to_device_store import Parcel, Waiting
from halfdoor.messaging.mailbox import TO_DEVICE


class FakeToDevice:
    """One process over the queues of a store; it counts what it asks there."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.asked = 0

    async def put(self, user: str, parcel: Parcel, today: int) -> int | None:
        contents = addressed(parcel.contents, self.store.devices.get(user, []))
        if not contents or (user, parcel.repeat) in self.store.parcels:
            return None
        self.store.parcels.add((user, parcel.repeat))
        told = await self.store.tell(user, TO_DEVICE, "")
        for device, content in contents.items():
            message = ToDevice(parcel.type, parcel.sender, content)
            self.store.queues.setdefault((user, device), []).append(Waiting(told.pos, message))
        return told.pos

    async def waiting(
        self, user: str, device: str, *, after: int, upto: int, limit: int
    ) -> Sequence[Waiting]:
        self.asked += 1
        queue = self.store.queues.get((user, device), [])
        return [one for one in queue if after < one.pos <= upto][:limit]

    async def oldest(self, user: str, device: str) -> int | None:
        self.asked += 1
        queue = self.store.queues.get((user, device), [])
        return min((one.pos for one in queue), default=None)

    async def drop(self, user: str, device: str, upto: int) -> None:
        self.asked += 1
        queue = self.store.queues.get((user, device), [])
        self.store.queues[user, device] = [one for one in queue if one.pos > upto]
