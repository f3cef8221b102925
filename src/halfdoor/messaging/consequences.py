"""What a change of an account means for its conversations (implements `accounts.news.News`)."""

from typing import Final, Protocol

from halfdoor import ids
from halfdoor.accounts.records import PendingRecord, StartOverRecord
from halfdoor.messaging.audience import Audience
from halfdoor.messaging.content import Content
from halfdoor.messaging.drafts import draft
from halfdoor.messaging.epoch_making import NoEscrowSetError
from halfdoor.messaging.errors import MessagingError, UnknownRoomError
from halfdoor.messaging.keep import BusyError, Keeper, Plan
from halfdoor.messaging.ledger import ConversationStore
from halfdoor.messaging.mailbox import PENDING, AccountData, MailboxStore
from halfdoor.messaging.moves import Moves
from halfdoor.messaging.personal import AccountSeals
from halfdoor.messaging.reading import Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.wake import Wakeups
from halfdoor.safety.contact import ContactRefused
from halfdoor.sealing.labels import Denied

NEW_KEY: Final = "org.halfdoor.new_key"


class KeyCache(Protocol):
    """Public keys that somebody holds ready."""

    def forget_key(self, user: str) -> None:
        """Read the public key of *user* anew next time."""


class Consequences:
    """Passes news of accounts on to the conversations they are in."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        mailbox: MailboxStore,
        rooms: Rooms,
        keeper: Keeper,
        moves: Moves,
        seals: AccountSeals,
        audience: Audience,
        wakeups: Wakeups,
        keys: KeyCache,
    ) -> None:
        """Take what each step needs."""
        self._store = store
        self._mailbox = mailbox
        self._rooms = rooms
        self._keeper = keeper
        self._moves = moves
        self._seals = seals
        self._audience = audience
        self._wakeups = wakeups
        self._keys = keys

    async def new_user_key(self, user: str, *, replaced: bool) -> None:
        """End the epochs *user* cannot read, and tell the others that a wrap is owed."""
        self._keys.forget_key(user)
        for place in await self._mailbox.places(user):
            if place.membership not in {"join", "invite"}:
                continue
            room = await self._room(place.conv)
            if room is not None:
                others = [other for other in room.joined if other != user]
                told = await self._store.end_epoch(place.conv, others)
                self._rooms.drop(place.conv)
                self._wakeups.ring(told)

    async def started_over(self, user: str) -> None:
        """Say in every conversation of *user* that their key is another one now."""
        reader = Reader(user=user, device="", session=None)
        for place in await self._mailbox.places(user):
            if place.membership != "join":
                continue

            async def decide(room: Room) -> Plan:
                content: Content = {"user": user}
                made = draft(
                    NEW_KEY,
                    content,
                    conv=room.conv,
                    sender=user,
                    state_key=user,
                    event_id=ids.random_event_id(room.conv),
                )
                return Plan(drafts=(made,))

            try:
                await self._keeper.keep(reader, place.conv, decide)
            except (MessagingError, BusyError, NoEscrowSetError):
                # The others are told all the same; who shares this one sees the new kid in its
                # next header.
                continue

    async def pending(self, user: str, waiting: PendingRecord) -> None:
        """Wake the live devices of *user*: one of theirs waits for approval."""
        await self._tell_pending(user)

    async def start_over_asked(self, user: str, wish: StartOverRecord) -> None:
        """Wake the live devices of *user*: one tap cancels it."""
        await self._tell_pending(user)

    async def start_over_cancelled(self, user: str) -> None:
        """Wake everybody who watches the wish."""
        await self._tell_pending(user)

    async def devices_gone(self, user: str, devices: tuple[str, ...]) -> None:
        """Let long polls of sessions that ended come back and be refused."""
        self._wakeups.nudge([user])

    async def reseal_account_data(self, user: str, session: str) -> None:
        """Seal the account data of *user* again, under the key in force."""
        for data in await self._mailbox.account_data(user):
            if not data.sealed:
                continue
            try:
                content = self._seals.account_data_open(
                    session, user, data.type, data.room, data.body
                )
            except Denied:
                # Closed with a key given up earlier; there is nothing to carry over.
                continue
            body = self._seals.account_data_seal(session, user, data.type, data.room, content)
            told = await self._mailbox.set_account_data(
                user,
                AccountData(room=data.room, type=data.type, body=body, sealed=True, pos=0),
            )
            self._wakeups.ring([told])

    async def deactivated(self, user: str) -> None:
        """Take *user* out of every conversation."""
        reader = Reader(user=user, device="", session=None)
        for place in await self._mailbox.places(user):
            if place.membership in {"join", "invite"}:
                try:
                    await self._moves.leave(reader, place.conv)
                except (MessagingError, ContactRefused, BusyError, NoEscrowSetError):
                    # The account is closed whatever becomes of one conversation.
                    continue
        self._audience.forget(user)

    async def _tell_pending(self, user: str) -> None:
        told = await self._mailbox.tell(user, PENDING, "")
        self._wakeups.ring([told])

    async def _room(self, conv: str) -> Room | None:
        try:
            return await self._rooms.get(conv)
        except UnknownRoomError:
            return None
