"""What is relayed for encrypted conversations, joined by hand; nothing of it is opened here."""

from typing import TYPE_CHECKING

from halfdoor.apps.key_relay import KeyRelay
from halfdoor.e2ee.key_backups import KeyBackups
from halfdoor.messaging.device_messages import DeviceMessages
from halfdoor.messaging.encrypted_company import EncryptedCompany
from halfdoor.web.matrix import room_keys, to_device
from halfdoor.web.router import Route

if TYPE_CHECKING:
    from halfdoor.apps.house import House


def e2ee_in(house: "House") -> "E2eeRooms":
    """Return the relay of *house*, whose conversations are there already."""
    return E2eeRooms(house)


class E2eeRooms:
    """Everything about end-to-end encryption that stands between the web and the store."""

    def __init__(self, house: "House") -> None:
        """Join what is there of *house* already."""
        self.keys = KeyRelay(house)
        self.key_backups = KeyBackups(house.store.key_backups)
        self.device_messages = DeviceMessages(
            store=house.store.to_device,
            company=EncryptedCompany(house.rooms, house.store.mailbox, house.contacts),
            audience=house.audience,
            wakeups=house.wakeups,
            clock=house.clock,
        )

    def routes(self) -> list[Route]:
        """Return the pages of encryption."""
        return [
            *self.keys.routes(),
            *room_keys.routes(self.key_backups),
            *to_device.routes(self.device_messages),
        ]
