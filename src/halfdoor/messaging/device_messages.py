"""PUT sendToDevice: what one device hands others so that they can decrypt, and trust each other.

Between two people it passes where they share an encrypted conversation alone (decision 0028).
"""

from collections.abc import Mapping
from typing import Final, Protocol

from halfdoor.clock import Clock
from halfdoor.e2ee.to_device import check_type, contents_of, repeat_key
from halfdoor.e2ee.to_device_store import Parcel, ToDeviceStore
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.content import Content
from halfdoor.messaging.encrypted_company import EncryptedCompany
from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.ledger import Told
from halfdoor.messaging.mailbox import TO_DEVICE
from halfdoor.messaging.reading import Reader

_DAY_MS: Final = 86_400_000
_VERIFICATION: Final = "m.key.verification."


class Ringing(Protocol):
    """Who wakes people for what was written (`wake.Wakeups`)."""

    def ring(self, told: list[Told]) -> object:
        """Take what was written and wake the people it was written for."""


class DeviceMessages:
    """Passes messages between devices."""

    def __init__(
        self,
        *,
        store: ToDeviceStore,
        company: EncryptedCompany,
        audience: Audience,
        wakeups: Ringing,
        clock: Clock,
    ) -> None:
        """Take what each step needs."""
        self._store = store
        self._company = company
        self._audience = audience
        self._wakeups = wakeups
        self._clock = clock

    async def send(self, sender: Reader, type: str, txn: str, body: Content) -> None:
        """Queue what *body* holds for whom it names. A repeat of *txn* adds nothing.

        Raises `ToDeviceError`, `SuspendedError`, and `ForbiddenError` where nobody of those named
        may be reached; who cannot be is passed over where somebody else is. Each person's part is
        kept by itself: what was cut off by a failure is completed by the repeat.
        """
        check_type(type)
        contents = contents_of(body)
        repeat = repeat_key(sender.user, sender.device, type, txn)
        today = self._clock.now_ms() // _DAY_MS
        for user in await self._recipients(sender.user, type, contents):
            if await self._is_unheard(user, sender.user):
                # Who is blocked is not told.
                continue
            parcel = Parcel(sender.user, type, repeat, contents[user])
            pos = await self._store.put(user, parcel, today)
            if pos is not None:
                self._wakeups.ring(
                    [Told(user, pos, TO_DEVICE, "", 0, notify=False, highlight=False)]
                )

    async def _recipients(
        self, sender: str, type: str, contents: Mapping[str, Mapping[str, bytes]]
    ) -> list[str]:
        """Return who of those named is reached, in the order in which they are named."""
        others = [user for user in contents if user != sender]
        if not others:
            # One's own devices: also who is suspended has them, to read.
            return list(contents)
        reached = await self._company.reached(sender, others)
        if type.startswith(_VERIFICATION):
            # It shows on the other's screen: nobody asks for that who was not let in yet.
            reached = {user: here for user, here in reached.items() if here == "join"}
        found = [user for user in contents if user == sender or user in reached]
        if not found:
            raise ForbiddenError("you share no encrypted conversation with anybody named")
        return found

    async def _is_unheard(self, user: str, sender: str) -> bool:
        return user != sender and sender in (await self._audience.of(user)).unheard
