"""A conversation's first moment: an epoch, the creation's state, the invites: all or nothing."""

from collections.abc import Sequence
from typing import Any

from halfdoor import ids
from halfdoor.clock import Clock, day_of
from halfdoor.messaging.contacts import Contacts
from halfdoor.messaging.content import check_content
from halfdoor.messaging.creation import Creation, StateEvent, asked_posture, creation_events
from halfdoor.messaging.drafts import Draft, draft
from halfdoor.messaging.epoch_making import epoch_rows
from halfdoor.messaging.keep import TRIES, BusyError, Keeper
from halfdoor.messaging.ledger import (
    Append,
    ConversationStore,
    Head,
    MembershipChange,
    NewEvent,
    RoomRecord,
    StaleError,
    StoredEvent,
)
from halfdoor.messaging.lifetimes import RETENTION, Lifetimes
from halfdoor.messaging.moves import Moves, Profiles
from halfdoor.messaging.reading import Reader, Reading
from halfdoor.messaging.room import Room
from halfdoor.sealing.epochs import NO_EPOCH


class Creator:
    """Makes conversations."""

    def __init__(
        self,
        *,
        keeper: Keeper,
        store: ConversationStore,
        reading: Reading,
        contacts: Contacts,
        moves: Moves,
        profiles: Profiles,
        server_name: str,
        clock: Clock,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """Take what each step needs; *lifetimes* bound how long messages may be kept."""
        self._lifetimes = lifetimes or Lifetimes()
        self._keeper = keeper
        self._store = store
        self._reading = reading
        self._contacts = contacts
        self._moves = moves
        self._profiles = profiles
        self._server_name = server_name
        self._clock = clock

    async def create(self, reader: Reader, request: dict[str, Any]) -> str:
        """Make the conversation that *request*, the body of createRoom, asks for; return its id.

        Raises what its rules raise, and `BusyError`.
        """
        postures = self._contacts.postures
        creation = creation_events(request, reader.user, asked_posture(request) or postures.default)
        for event in creation.events:
            if event.type == RETENTION:
                self._lifetimes.check(event.content)
        people = [reader.user, *(event.state_key for event in creation.invites)]
        for _ in range(TRIES):
            versions = await self._keeper.assume(people)
            try:
                return await self._create(reader, request, creation, versions)
            except StaleError:
                # One of the people changed meanwhile, at another process.
                await self._keeper.look_anew()
        raise BusyError("the people are changing too fast; try again")

    async def _create(
        self,
        reader: Reader,
        request: dict[str, Any],
        creation: Creation,
        versions: tuple[tuple[str, int], ...],
    ) -> str:
        # 1. Decide: what creation implies, whether these people may meet, and in which posture.
        shown = await self._contacts.check_creation(reader.user, creation)
        for invitee in shown:
            await self._moves.check_takes_invites(invitee)
        posture = await self._contacts.postures.choose(reader.user, shown, creation.asked)
        if posture != creation.posture:
            creation = creation_events(request, reader.user, posture)
        # 2. One epoch for the creator and all who are invited, before the first event.
        conv = ids.new_room_id(self._server_name)
        now = self._clock.now_ms()
        made = await self._keeper.make_epoch(
            conv, 1, NO_EPOCH, _readers(reader.user, shown, creation), now, posture
        )
        start = epoch_rows(made, day_of(now))
        self._reading.begin(reader, made.header, made.cek)
        room = Room(RoomRecord(conv, _nothing(made.header.hh, now), start.header, (), (), ()))
        epoch = await self._reading.current(reader, room, made.header.hh)
        # 3. Seal and address each event as the ones before it left the conversation.
        events: list[NewEvent] = []
        for one in await self._drafts(reader, conv, creation, shown):
            event = await self._keeper.ready(reader, room, one, now, epoch)
            events.append(event)
            _foresee(room, event, len(events))
        # 4. Keep, and wake whoever was invited.
        committed = await self._store.append(
            Append(
                conv=conv,
                expects=(None, 0),
                events=tuple(events),
                start=start,
                creates=True,
                versions=versions,
            )
        )
        self._keeper.take(committed, start, reader.user)
        return conv

    async def _drafts(
        self, reader: Reader, conv: str, creation: Creation, shown: dict[str, bool]
    ) -> Sequence[Draft]:
        drafts = []
        for event in (*creation.events, *creation.invites):
            content = dict(event.content)
            change = None
            if event.type == "m.room.member":
                content.update(await self._profiles.member_content(event.state_key))
                visible = shown.get(event.state_key, True)
                change = MembershipChange(event.state_key, content["membership"], visible)
            check_content(content)
            drafts.append(
                draft(
                    event.type,
                    content,
                    conv=conv,
                    sender=reader.user,
                    state_key=event.state_key,
                    event_id=ids.random_event_id(conv),
                    membership=change,
                )
            )
        return drafts


def _readers(creator: str, invited: dict[str, bool], creation: Creation) -> set[str]:
    """Return the members of the first epoch: under `joined` nobody reads before joining."""
    return {creator} if _visibility(creation.events) == "joined" else {creator, *invited}


def _visibility(events: Sequence[StateEvent]) -> str:
    for event in events:
        if event.type == "m.room.history_visibility":
            return str(event.content.get("history_visibility"))
    return "shared"


def _nothing(hh: bytes, now: int) -> Head:
    """Return where a conversation stands before its first event."""
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


def _foresee(room: Room, event: NewEvent, seq: int) -> None:
    """Show the next event of the creation what this one changed."""
    room.take_state(
        StoredEvent(seq=seq, epoch=1, fields=event.fields, body=event.body, txn=event.txn)
    )
