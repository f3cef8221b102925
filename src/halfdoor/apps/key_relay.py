"""The relay of public keys of a house, joined by hand: pages, sync, and who is told."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, final

from halfdoor.accounts.store import AccountStore
from halfdoor.apps.device_telling import QUEUE, DeviceTelling
from halfdoor.apps.work import Worker
from halfdoor.e2ee.claims import Claims
from halfdoor.e2ee.cross_signing import CrossSigning
from halfdoor.e2ee.key_counts import KeyCounts
from halfdoor.e2ee.queries import Queries
from halfdoor.e2ee.signatures import Signatures
from halfdoor.e2ee.uploads import Uploads
from halfdoor.messaging.device_lists import DeviceLists
from halfdoor.messaging.sync_e2ee import SyncE2ee
from halfdoor.web.matrix import keys, signatures
from halfdoor.web.matrix.proofs import Proofs
from halfdoor.web.router import Route

if TYPE_CHECKING:
    from halfdoor.apps.house import House


class KeyRelay:
    """Everything about public keys that stands between the web and the store."""

    def __init__(self, house: "House") -> None:
        """Join what is there of *house* already: accounts, rooms and sync."""
        store = house.store.device_keys
        self.lists = DeviceLists(house.store.mailbox, house.rooms, house.wakeups)
        self.counts = KeyCounts(store, alone=house.nodes is None)
        self.telling = DeviceTelling(
            lists=self.lists,
            keys=store,
            counts=self.counts,
            accounts=house.account_store,
            jobs=house.store.jobs,
            clock=house.clock,
        )
        self.sync = SyncE2ee(
            lists=self.lists,
            rooms=house.rooms,
            mailbox=house.store.mailbox,
            counts=self.counts,
        )
        self.uploads = Uploads(store, self.telling, self.counts)
        self.queries = Queries(store, self.lists, NamesOfDevices(house.account_store))
        self.claims = Claims(store, self.lists, self.counts)
        self.cross_signing = CrossSigning(store, self.telling)
        self.signatures = Signatures(store, self.lists, self.telling)
        self.workers: Mapping[str, Worker] = {QUEUE: self.telling}
        self._proofs = Proofs(house.uia, house.clock)
        house.syncer.e2ee = self.sync
        house.changes.surround(self.telling.around)

    def routes(self) -> list[Route]:
        """Return the pages of keys."""
        return [
            *keys.routes(self.uploads, self.queries, self.claims, self.sync),
            *signatures.routes(self.cross_signing, self.signatures, self._proofs),
        ]


@final
class NamesOfDevices:
    """What people call their devices, from the accounts (`e2ee.queries.DeviceNames`)."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts

    async def names(self, user: str) -> Mapping[str, str | None]:
        """Return the names of the devices of *user*, by id."""
        state = await self._accounts.state(user)
        return {one.id: one.display_name for one in state.devices} if state is not None else {}
