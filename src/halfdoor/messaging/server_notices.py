"""The conversation of server notices: one for each person, in which only the server speaks.

Matrix, "Server Notices": tagged `m.server_notice`, read-only for the person, who may leave it. It
is sealed like any standard conversation: each notice begins an epoch of its own whose key is
wrapped for the person and shared for the escrow set, and which the server forgets at once. So it
can be written while nobody is signed in, and the server can never read back what it said.

The person is joined at once, as with Synapse's `auto_join`: every client shows it, none asks. It is
no contact: no rule about strangers is asked (`standings`). Somebody who left gets a new one with
the next notice.
"""

from typing import Any, Final, Protocol

from msgspec.structs import replace

from halfdoor.clock import Clock, day_of
from halfdoor.messaging.content import Content
from halfdoor.messaging.creation import POSTURE, ROOM_VERSION
from halfdoor.messaging.drafts import Draft, draft
from halfdoor.messaging.epoch_making import epoch_rows
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.keep import TRIES, BusyError, Keeper
from halfdoor.messaging.ledger import (
    Append,
    Committed,
    ConversationStore,
    EpochStart,
    Head,
    MembershipChange,
    NewEvent,
    RoomRecord,
    StaleError,
    StoredEvent,
)
from halfdoor.messaging.mailbox import AccountData, MailboxStore
from halfdoor.messaging.personal import TAGS
from halfdoor.messaging.reading import Epoch, Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.server_user import DISPLAY_NAME, server_user
from halfdoor.messaging.wake import Wakeups
from halfdoor.sealing.epochs import NO_EPOCH, Header, NewEpoch
from halfdoor.sealing.labels import MacKey
from halfdoor.sealing.slots import transaction_event_id
from halfdoor.sealing.suites import PublicKey

TAG: Final = "m.server_notice"
# Somebody who left so many of them is told by the API alone.
MOST_ROOMS: Final = 50
_TAGGED: Final = b'{"tags":{"m.server_notice":{}}}'
_ENDPOINT: Final = "server-notice"
_MEMBER: Final = "m.room.member"
_ID_CHARS: Final = 22


class NoKeyYetError(Exception):
    """The person never signed in: there is nothing to seal to. Their notices wait for them."""


class PublicKeys(Protocol):
    """Where people's public keys are found; rows are checked before they are used."""

    async def public_key(self, user: str) -> PublicKey | None:
        """Return the public key of *user*, None for one who never signed in."""


class Keys(Protocol):
    """Takes the key of an epoch that is made here (`readers/participants/keyring.py`)."""

    def begin(self, session: str | None, header: Header, cek: bytes) -> Epoch:
        """Return the epoch at work; without a session nothing of it is kept."""


class ServerNotices:
    """Says things to people in the server's own name."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        store: ConversationStore,
        mailbox: MailboxStore,
        rooms: Rooms,
        keys: PublicKeys,
        keyring: Keys,
        wakeups: Wakeups,
        server_name: str,
        k_id: bytes,
        clock: Clock,
    ) -> None:
        """Take what each step needs; *k_id* names rooms and events, so that nothing comes twice."""
        self._keeper = keeper
        self._store = store
        self._mailbox = mailbox
        self._rooms = rooms
        self._keys = keys
        self._keyring = keyring
        self._wakeups = wakeups
        self._server_name = server_name
        self._k_id = MacKey(k_id)
        self._clock = clock
        self._self = Reader(user=server_user(server_name), device="", session=None)

    async def say(self, user: str, notice: str, content: Content) -> str | None:
        """Say *content*, a message, to *user* once for each *notice* id; return the event's id.

        None where they left so many conversations of this kind that they want none. Raises
        `NoKeyYetError`, `BusyError`, `NoEscrowSetError`.
        """
        for _ in range(TRIES):
            # Nobody's request began this: what is remembered of the person may be long past.
            versions = await self._keeper.assume([user])
            if await self._keys.public_key(user) is None:
                raise NoKeyYetError
            try:
                return await self._say(user, notice, content, versions)
            except StaleError:
                # Another worker, or the person, was quicker.
                await self._keeper.look_anew()
        raise BusyError("the conversation is changing too fast; try again")

    def room_of(self, user: str, number: int) -> str:
        """Return the id of the *number*th such conversation of *user*; only we can tell it."""
        drawn = transaction_event_id(
            self._k_id, self._self.user, "", user, "server-notices", str(number)
        )
        return f"!{drawn[-_ID_CHARS:]}:{self._server_name}"

    # --- inside ---------------------------------------------------------------------------------

    async def _say(
        self, user: str, notice: str, content: Content, versions: tuple[tuple[str, int], ...]
    ) -> str | None:
        for number in range(MOST_ROOMS):
            conv = self.room_of(user, number)
            event_id = transaction_event_id(
                self._k_id, self._self.user, "", conv, _ENDPOINT, notice
            )
            room = await self._find(conv)
            if room is not None and await self._store.event(conv, event_id) is not None:
                # Said already, and perhaps not yet tagged.
                await self._tag(user, conv)
                return event_id
            if room is None:
                await self._create(user, conv, versions)
                room = await self._rooms.get(conv)
            if room.members.get(user) != "join":
                continue
            await self._tag(user, conv)
            await self._write(room, user, event_id, notice, content, versions)
            return event_id
        return None

    async def _find(self, conv: str) -> Room | None:
        try:
            return await self._rooms.get(conv)
        except UnknownRoomError:
            return None

    async def _write(
        self,
        room: Room,
        user: str,
        event_id: str,
        notice: str,
        content: Content,
        versions: tuple[tuple[str, int], ...],
    ) -> None:
        now, head = self._clock.now_ms(), room.head
        made = await self._keeper.make_epoch(
            room.conv, head.epoch + 1, head.last_hh, {user}, now, "standard"
        )
        epoch = self._keyring.begin(None, made.header, made.cek)
        words = draft(
            "m.room.message",
            content,
            conv=room.conv,
            sender=self._self.user,
            event_id=event_id,
            txn=notice,
        )
        event = await self._ready(room, words, now, epoch, made.header.epoch)
        start = epoch_rows(made, day_of(now))
        try:
            committed = await self._store.append(
                Append(
                    conv=room.conv,
                    expects=(head.hh, head.revision),
                    events=(event,),
                    start=start,
                    # Nobody but the server writes here, and it has let the key go.
                    ends_epoch=True,
                    versions=versions,
                )
            )
        except StaleError:
            self._rooms.drop(room.conv)
            raise
        self._take(committed, start)

    async def _create(self, user: str, conv: str, versions: tuple[tuple[str, int], ...]) -> None:
        now = self._clock.now_ms()
        made = await self._keeper.make_epoch(conv, 1, NO_EPOCH, {user}, now, "standard")
        start = epoch_rows(made, day_of(now))
        room = Room(RoomRecord(conv, _nothing(made, now), start.header, (), (), ()))
        events: list[NewEvent] = []
        for sender, event_type, state_key, content in self._beginning(user):
            change = None
            if event_type == _MEMBER:
                # Not in any list of its own: the server has no inbox.
                change = MembershipChange(state_key, "join", shown=state_key == user)
            one = draft(
                event_type,
                content,
                conv=conv,
                sender=sender,
                state_key=state_key,
                event_id=transaction_event_id(
                    self._k_id, sender, "", conv, _ENDPOINT, f"{event_type} {state_key}"
                ),
                membership=change,
            )
            event = await self._ready(room, one, now, None, 1, sender)
            events.append(event)
            room.take_state(
                StoredEvent(seq=len(events), epoch=1, fields=event.fields, body=event.body)
            )
        committed = await self._store.append(
            Append(
                conv=conv,
                expects=(None, 0),
                events=tuple(events),
                start=start,
                ends_epoch=True,
                creates=True,
                versions=versions,
            )
        )
        self._take(committed, start)

    def _beginning(self, user: str) -> list[tuple[str, str, str, dict[str, Any]]]:
        """Return sender, type, state key and content of what the conversation begins with.

        All of it is state that the server acts on, so none of it is sealed.
        """
        own = self._self.user
        return [
            (own, "m.room.create", "", {"room_version": ROOM_VERSION}),
            (own, _MEMBER, own, {"membership": "join", "displayname": DISPLAY_NAME}),
            (own, POSTURE, "", {"posture": "standard"}),
            (own, "m.room.power_levels", "", _powers(own)),
            (own, "m.room.join_rules", "", {"join_rule": "invite"}),
            (own, "m.room.history_visibility", "", {"history_visibility": "shared"}),
            (own, "m.room.guest_access", "", {"guest_access": "forbidden"}),
            (user, _MEMBER, user, {"membership": "join"}),
        ]

    async def _ready(
        self,
        room: Room,
        one: Draft,
        now: int,
        epoch: Epoch | None,
        number: int,
        sender: str | None = None,
    ) -> NewEvent:
        reader = replace(self._self, user=sender or self._self.user)
        event = await self._keeper.ready(reader, room, one, now, epoch, number)
        told = tuple(one for one in event.deliveries if one.user != self._self.user)
        return replace(event, deliveries=told)

    async def _tag(self, user: str, conv: str) -> None:
        """Tag the conversation, unless the person has tags of their own there.

        Kept in clear: no session is at hand that could seal it, and it says what the conversation's
        creator says.
        """
        if await self._mailbox.one_account_data(user, conv, TAGS) is None:
            data = AccountData(room=conv, type=TAGS, body=_TAGGED, sealed=False, pos=0)
            self._wakeups.ring([await self._mailbox.set_account_data(user, data)])

    def _take(self, committed: Committed, start: EpochStart) -> None:
        self._keeper.take(committed, start, "")


def _powers(own: str) -> dict[str, Any]:
    """Return power levels under which everybody but the server can read and leave, and no more."""
    return {
        "users": {own: 100},
        "users_default": 0,
        "events": {},
        "events_default": 100,
        "state_default": 100,
        "ban": 100,
        "kick": 100,
        "redact": 100,
        "invite": 100,
    }


def _nothing(made: NewEpoch, now: int) -> Head:
    """Return where the conversation stands before its first event."""
    hh = made.header.hh
    return Head(
        last_seq=0,
        revision=0,
        epoch=1,
        hh=hh,
        last_hh=hh,
        day=day_of(now),
        epoch_events=0,
        chain=hh,
    )
