"""Who hears that somebody's devices or keys are others now, and who may ask for them.

Everybody who shares a room with them, joined or invited, and they themselves (MATRIX §2, item 10).
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Final

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.mailbox import DEVICE_LIST, MailboxStore, Place
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.wake import Wakeups

_HERE: Final = ("join", "invite")
# So many inboxes are written at a time.
_AT_ONCE: Final = 64


class DeviceLists:
    """Knows who shares rooms, from the room list of one and the members of each room."""

    def __init__(self, mailbox: MailboxStore, rooms: Rooms, wakeups: Wakeups) -> None:
        """Write rows into *mailbox* and wake whom they are for."""
        self._mailbox = mailbox
        self._rooms = rooms
        self._wakeups = wakeups

    async def sharing(self, user: str, others: Collection[str]) -> set[str]:
        """Return those of *others* who share a room with *user*, or are them."""
        left = set(others)
        found = left & {user}
        left -= found
        if not left:
            return found
        places = await self._places(user)
        # Most look for whom they just spoke with: the rooms that say so here are asked first.
        places.sort(key=lambda place: not self._may_hold(place.conv, left))
        for place in places:
            room = await self._room(place.conv)
            if room is not None and room.members.get(user) in _HERE:
                here = {other for other in left if room.members.get(other) in _HERE}
                found |= here
                left -= here
                if not left:
                    break
        return found

    async def company(self, user: str) -> set[str]:
        """Return everybody who shares a room with *user*, without them."""
        return await self._company(user, told=False)

    async def tell(self, user: str, only: str | None = None) -> None:
        """Tell everybody who shares a room with *user*, and them, or *only* one person.

        Who is invited and was never shown it hears nothing.
        """
        people = [only] if only is not None else [user, *await self._company(user, told=True)]
        for begin in range(0, len(people), _AT_ONCE):
            told = await asyncio.gather(
                *[
                    self._mailbox.tell(person, DEVICE_LIST, user)
                    for person in people[begin : begin + _AT_ONCE]
                ]
            )
            self._wakeups.ring(told)

    async def _company(self, user: str, *, told: bool) -> set[str]:
        found: set[str] = set()
        for place in await self._places(user):
            room = await self._room(place.conv)
            if room is not None and room.members.get(user) in _HERE:
                found.update(_visible(room) if told else room.with_membership(*_HERE))
        return found - {user}

    async def _places(self, user: str) -> list[Place]:
        return [one for one in await self._mailbox.places(user) if one.membership in _HERE]

    def _may_hold(self, conv: str, others: Iterable[str]) -> bool:
        room = self._rooms.at_hand(conv)
        return room is not None and any(room.members.get(other) in _HERE for other in others)

    async def _room(self, conv: str) -> Room | None:
        try:
            return await self._rooms.get(conv)
        except UnknownRoomError:
            return None


def _visible(room: Room) -> list[str]:
    """Return who is in *room*, and who is invited and was told so."""
    return [
        user
        for user, membership in room.members.items()
        if membership == "join"
        or (membership == "invite" and user not in room.state[("m.room.member", user)].hidden_from)
    ]
