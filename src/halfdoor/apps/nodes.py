"""A house that shares its database with others: what it has more than one that is alone (0013)."""

from typing import TYPE_CHECKING

from halfdoor.apps.stores import HouseStore
from halfdoor.bus.nats import NatsBus
from halfdoor.bus.place import BusPlace
from halfdoor.messaging.neighbours import Neighbours
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.shared_rooms import SharedRooms
from halfdoor.messaging.versions import Versions
from halfdoor.store.postgres.opening import PostgresStore
from halfdoor.store.postgres.used_names import UsedNames

if TYPE_CHECKING:
    from halfdoor.apps.house import House


class Nodes:
    """Joins one node with the others on its database."""

    def __init__(
        self,
        store: HouseStore,
        place: BusPlace,
        entity: str,
        *,
        poll_seconds: tuple[float, float] | None = None,
    ) -> None:
        """Share *store*, which must be in PostgreSQL, with the nodes heard of at *place*."""
        if not isinstance(store, PostgresStore):
            raise TypeError("the embedded store belongs to one process")
        self.bus = NatsBus(place, entity)
        self.versions = Versions(store.mailbox)
        self.used_names = UsedNames(store.database, store.secrets().k_lookup)
        self.rooms: Rooms = SharedRooms(store.conversations, self.versions)
        self.neighbours = (
            Neighbours(self.bus, self.versions)
            if poll_seconds is None
            else Neighbours(self.bus, self.versions, seconds=poll_seconds)
        )

    def join(self, house: "House") -> None:
        """Let all in *house* that remembers people forget them when others change them."""
        self.versions.watch(forget=house.people.forget)
        self.versions.watch(forget=house.audience.forget)
        self.versions.watch(recheck=house.sessions.changed_elsewhere)
        house.changes.listen(lambda change: self.neighbours.changed(change.account.user))
        self.neighbours.join(house.wakeups, house.typing, self.rooms)

    async def close(self) -> None:
        """Leave the others."""
        await self.neighbours.close()

    def __repr__(self) -> str:
        return f"Nodes({self.bus!r})"
