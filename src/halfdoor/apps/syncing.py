"""What answers /sync in a house, joined by hand."""

from typing import TYPE_CHECKING

from halfdoor.apps.waiting_devices import WaitingDevices
from halfdoor.messaging.sync import Syncer
from halfdoor.messaging.sync_rooms import SyncRooms
from halfdoor.messaging.sync_to_device import DeviceSection

if TYPE_CHECKING:
    from halfdoor.apps.house import House


def syncer_in(house: "House") -> Syncer:
    """Return what answers /sync in *house*, whose conversations and people are there already."""
    pending = WaitingDevices(house.account_store)
    return Syncer(
        entity=house.setting.policy.entity.name,
        mailbox=house.store.mailbox,
        rooms=house.rooms,
        sections=SyncRooms(house.store.conversations, house.presenting, house.typing),
        personal=house.personal,
        audience=house.audience,
        wakeups=house.wakeups,
        wraps=house.wraps,
        typing=house.typing,
        pending=pending,
        devices=DeviceSection(house.store.to_device, pending),
        acquaintances=house.contacts,
    )
